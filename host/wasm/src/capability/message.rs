//! The message of an event, as a resource: what a plugin reads of it and what it edits.
//!
//! The handle owns a copy of the edits. When the plugin returns they go back to the chain; when it fails they are dropped
//! with the store. Values from the guest are checked here: nothing that it hands over can start a second header field.

use std::sync::Arc;

use tollgate_message::{Edits, Meta, Origin, Received, Schedule, header, header::FieldError, schedule::ScheduleError};
use tollgate_policy::scope::Scope;
use wasmtime::component::Resource;

use super::types::mailbox;
use crate::{
    bindings::host::tollgate::policy::{
        message as wit,
        types::{Mailbox, PolicyError, Reply},
    },
    state::{AnswersTooLarge, HostState},
};

/// Most octets of the body that one call returns.
const BODY_CHUNK: u64 = 64 * 1024;
/// Longest metadata key and value, in octets.
const META: (usize, usize) = (255, 16 * 1024);
/// For how many answers there is room from the start.
const MANY: usize = 16;

/// A message while a plugin looks at it.
#[allow(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct MessageHandle {
    pub(crate) received: Arc<Received>,
    pub(crate) edits: Edits,
    /// Of a tenant's component, the metadata before it was asked: what of it others set.
    before: Meta,
}

impl MessageHandle {
    pub(crate) fn new(received: Arc<Received>, edits: Edits, scope: &Scope) -> Self {
        // Nobody asks on behalf of the operator's plugins.
        let before = scope.bounds().map(|_| edits.meta.clone()).unwrap_or_default();
        Self { received, edits, before }
    }
}

type Outcome<T> = wasmtime::Result<Result<T, PolicyError>>;

impl HostState {
    fn message(&mut self, handle: &Resource<MessageHandle>) -> wasmtime::Result<&mut MessageHandle> {
        self.charge()?;
        Ok(self.table.get_mut(handle)?)
    }

    /// Edits the header with a field that the guest adds.
    fn edit_header(
        &mut self,
        handle: &Resource<MessageHandle>,
        name: &str,
        value: &str,
        edit: impl FnOnce(&mut header::Header, &str, &str) -> Result<(), FieldError>,
    ) -> Outcome<()> {
        let octets = name.len() + value.len();
        if let Err(refused) = self.scope().may_write_header(name) {
            self.charge()?;
            return Ok(Err(refused.into()));
        }
        if !self.charge_header(octets) {
            return Ok(Err(PolicyError::TooLarge(self.limits().header_bytes as u64)));
        }
        let message = self.message(handle)?;
        Ok(edit(&mut message.edits.header, name, value).map_err(|error| match error {
            FieldError::TooLong => PolicyError::TooLarge(header::MAX_FIELD as u64),
            other => PolicyError::Invalid(other.to_string()),
        }))
    }

    fn remove_fields(&mut self, handle: &Resource<MessageHandle>, name: &str) -> wasmtime::Result<usize> {
        let allowed = self.scope().may_write_header(name).is_ok();
        let message = self.message(handle)?;
        // What may not be removed is, to the guest, not there to be removed.
        Ok(if allowed { message.edits.header.remove(name) } else { 0 })
    }

    fn answer(&mut self, handle: &Resource<MessageHandle>, question: &wit::Question) -> wasmtime::Result<wit::Answer> {
        let MessageHandle { received, edits, .. } = self.message(handle)?;
        Ok(match question {
            wit::Question::MayRelay => wit::Answer::Flag(received.session.may_relay),
            wit::Question::AuthzId => wit::Answer::Text(received.session.authz_id.clone()),
            wit::Question::Domain => {
                wit::Answer::Text(received.envelope.recipients.first().map(tollgate_message::Address::domain_key))
            }
            wit::Question::Header(name) => wit::Answer::Text(edits.header.values(name).next().map(header::decode)),
            wit::Question::Meta(key) => wit::Answer::Text(edits.meta.get(key).cloned()),
        })
    }

    fn answers_too_large(&self) -> wasmtime::Error {
        wasmtime::Error::new(AnswersTooLarge(self.limits().host_call_bytes))
    }

    fn change(&mut self, handle: &Resource<MessageHandle>, edit: wit::Edit) -> Outcome<()> {
        match edit {
            wit::Edit::AddHeader((name, value)) => self.edit_header(handle, &name, &value, header::Header::append),
            wit::Edit::ReplaceHeader((name, value)) => self.edit_header(handle, &name, &value, header::Header::replace),
            wit::Edit::RemoveHeader(name) => self.remove_fields(handle, &name).map(|_| Ok(())),
            wit::Edit::SetMeta((key, value)) => self.write_meta(handle, key, value),
        }
    }

    fn write_meta(&mut self, handle: &Resource<MessageHandle>, key: String, value: Option<String>) -> Outcome<()> {
        self.charge()?;
        let value_len = value.as_ref().map_or(0, String::len);
        if key.is_empty() || key.len() > META.0 || key.chars().any(char::is_control) {
            return Ok(Err(PolicyError::Invalid("a metadata key is 1 to 255 octets of printable text".to_owned())));
        }
        if value_len > META.1 {
            return Ok(Err(PolicyError::TooLarge(META.1 as u64)));
        }
        let scope = self.scope().clone();
        let MessageHandle { edits: Edits { meta, .. }, before, .. } = self.table.get_mut(handle)?;
        if let Err(refused) = scope.may_set_meta(before, meta, &key, value.as_deref()) {
            return Ok(Err(refused.into()));
        }
        match value {
            Some(value) => drop(meta.insert(key, value)),
            None => drop(meta.remove(&key)),
        }
        Ok(Ok(()))
    }
}

impl wit::Host for HostState {}

impl wit::HostMessage for HostState {
    fn ask(
        &mut self,
        this: Resource<MessageHandle>,
        questions: Vec<wit::Question>,
    ) -> wasmtime::Result<Vec<wit::Answer>> {
        let (mut answers, mut left) = (Vec::with_capacity(questions.len().min(MANY)), self.limits().host_call_bytes);
        for question in &questions {
            let answer = self.answer(&this, question)?;
            let octets = if let wit::Answer::Text(Some(text)) = &answer { text.len() } else { 0 };
            // One question may be asked many times, and its answer be most of a message.
            left = left.checked_sub(octets).ok_or_else(|| self.answers_too_large())?;
            answers.push(answer);
        }
        Ok(answers)
    }

    fn apply(&mut self, this: Resource<MessageHandle>, edits: Vec<wit::Edit>) -> Outcome<()> {
        for edit in edits {
            if let Err(refused) = self.change(&this, edit)? {
                return Ok(Err(refused));
            }
        }
        Ok(Ok(()))
    }

    fn id(&mut self, this: Resource<MessageHandle>) -> wasmtime::Result<String> {
        Ok(self.message(&this)?.received.id.to_string())
    }

    fn sender(&mut self, this: Resource<MessageHandle>) -> wasmtime::Result<Option<Mailbox>> {
        Ok(self.message(&this)?.received.envelope.sender.as_ref().map(mailbox))
    }

    fn recipients(&mut self, this: Resource<MessageHandle>) -> wasmtime::Result<Vec<Mailbox>> {
        Ok(self.message(&this)?.received.envelope.recipients.iter().map(mailbox).collect())
    }

    fn origin(&mut self, this: Resource<MessageHandle>) -> wasmtime::Result<wit::Origin> {
        Ok(match self.message(&this)?.received.session.origin {
            Origin::Smtp => wit::Origin::Smtp,
            Origin::Http => wit::Origin::Http,
        })
    }

    fn authz_id(&mut self, this: Resource<MessageHandle>) -> wasmtime::Result<Option<String>> {
        Ok(self.message(&this)?.received.session.authz_id.clone())
    }

    fn may_relay(&mut self, this: Resource<MessageHandle>) -> wasmtime::Result<bool> {
        Ok(self.message(&this)?.received.session.may_relay)
    }

    fn size(&mut self, this: Resource<MessageHandle>) -> wasmtime::Result<u64> {
        Ok(self.message(&this)?.received.size)
    }

    fn received_at_ms(&mut self, this: Resource<MessageHandle>) -> wasmtime::Result<u64> {
        Ok(self.message(&this)?.received.at.as_millis())
    }

    fn first_header(&mut self, this: Resource<MessageHandle>, name: String) -> wasmtime::Result<Option<String>> {
        Ok(self.message(&this)?.edits.header.values(&name).next().map(header::decode))
    }

    fn all_headers(&mut self, this: Resource<MessageHandle>, name: String) -> wasmtime::Result<Vec<String>> {
        Ok(self.message(&this)?.edits.header.values(&name).map(header::decode).collect())
    }

    fn header_bytes(&mut self, this: Resource<MessageHandle>, name: String) -> wasmtime::Result<Option<Vec<u8>>> {
        Ok(self.message(&this)?.edits.header.values(&name).next().map(<[u8]>::to_vec))
    }

    fn header_names(&mut self, this: Resource<MessageHandle>) -> wasmtime::Result<Vec<String>> {
        Ok(self.message(&this)?.edits.header.iter().map(|(name, _)| name.to_owned()).collect())
    }

    fn add_header(&mut self, this: Resource<MessageHandle>, name: String, value: String) -> Outcome<()> {
        self.edit_header(&this, &name, &value, header::Header::append)
    }

    fn replace_header(&mut self, this: Resource<MessageHandle>, name: String, value: String) -> Outcome<()> {
        self.edit_header(&this, &name, &value, header::Header::replace)
    }

    fn remove_header(&mut self, this: Resource<MessageHandle>, name: String) -> wasmtime::Result<u32> {
        Ok(u32::try_from(self.remove_fields(&this, &name)?).unwrap_or(u32::MAX))
    }

    fn get_meta(&mut self, this: Resource<MessageHandle>, key: String) -> wasmtime::Result<Option<String>> {
        Ok(self.message(&this)?.edits.meta.get(&key).cloned())
    }

    fn set_meta(&mut self, this: Resource<MessageHandle>, key: String, value: Option<String>) -> Outcome<()> {
        self.write_meta(&this, key, value)
    }

    fn import_scheduling_header(
        &mut self,
        this: Resource<MessageHandle>,
        name: String,
    ) -> wasmtime::Result<Result<(), Reply>> {
        let message = self.message(&this)?;
        let Some(value) = message.edits.header.values(&name).next().map(header::decode) else { return Ok(Ok(())) };
        Ok(match Schedule::parse(&value, message.received.at) {
            Ok(schedule) => {
                message.edits.schedule = Some(schedule);
                Ok(())
            }
            Err(error) => Err(schedule_refusal(&name, &value, &error)),
        })
    }

    fn set_schedule(&mut self, this: Resource<MessageHandle>, schedule: Option<String>) -> Outcome<()> {
        let message = self.message(&this)?;
        let parsed = schedule.map(|json| Schedule::parse(&json, message.received.at)).transpose();
        Ok(match parsed {
            Ok(schedule) => {
                message.edits.schedule = schedule;
                Ok(())
            }
            Err(error) => Err(PolicyError::Invalid(error.to_string())),
        })
    }

    fn body(&mut self, this: Resource<MessageHandle>, offset: u64, length: u32) -> wasmtime::Result<Vec<u8>> {
        let message = self.message(&this)?;
        let content = &message.received.content;
        // The empty line that ends the header belongs to neither.
        let body = content.get(message.edits.header.original_len() + 2..).unwrap_or_default();
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(body.len());
        let length = usize::try_from(u64::from(length).min(BODY_CHUNK)).unwrap_or(0).min(body.len() - start);
        Ok(body[start..start + length].to_vec())
    }

    fn drop(&mut self, this: Resource<MessageHandle>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

fn schedule_refusal(name: &str, value: &str, error: &ScheduleError) -> Reply {
    let enhanced = match error {
        ScheduleError::Malformed(_) => "5.6.0",
        ScheduleError::Expired(_) | ScheduleError::Never { .. } => "5.4.7",
    };
    let text = format!("{value} from header {name} is not a valid Scheduling header: {error}");
    // An encoded word may have brought in a line end, and the reply is one line.
    let text = text.replace(char::is_control, " ");
    Reply { code: 550, enhanced: Some(enhanced.to_owned()), text }
}
