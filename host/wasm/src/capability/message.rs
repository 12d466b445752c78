//! The message of an event, as a resource: what a plugin reads of it and what it edits.

use tollgate_message::{Origin, Schedule, header};
use wasmtime::component::Resource;

use super::types::mailbox;
use crate::{
    bindings::host::tollgate::policy::{
        message as wit,
        types::{Mailbox, PolicyError, Reply},
    },
    capability::edit::{Answers, Editor, MessageHandle},
    state::HostState,
};

/// Most octets of the body that one call returns.
const BODY_CHUNK: u64 = 64 * 1024;

type Outcome<T> = wasmtime::Result<Result<T, PolicyError>>;

impl HostState {
    fn message(&mut self, handle: &Resource<MessageHandle>) -> wasmtime::Result<&mut MessageHandle> {
        self.charge()?;
        Ok(self.table.get_mut(handle)?)
    }

    /// Charges a call and returns what edits the message.
    fn editor(&mut self, handle: &Resource<MessageHandle>) -> wasmtime::Result<Editor<'_>> {
        self.charge()?;
        let (allowance, table) = self.allowance();
        Ok(allowance.editor(table.get_mut(handle)?))
    }
}

impl wit::Host for HostState {}

impl wit::HostMessage for HostState {
    fn ask(
        &mut self,
        this: Resource<MessageHandle>,
        questions: Vec<wit::Question>,
    ) -> wasmtime::Result<Vec<wit::Answer>> {
        self.charge_many(questions.len())?;
        let (message, mut answers) = (self.table.get(&this)?, Answers::within(self.limits().host_call_bytes));
        let answer = |question| match question {
            wit::Question::MayRelay => wit::Answer::Flag(message.received.session.may_relay),
            wit::Question::AuthzId => answers.text(message.received.session.authz_id.clone()),
            wit::Question::Domain => answers.text(message.domain()),
            wit::Question::Header(name) => answers.text(message.first_header(&name)),
            wit::Question::Meta(key) => answers.text(message.meta(&key)),
        };
        Ok(questions.into_iter().map(answer).collect())
    }

    fn apply(&mut self, this: Resource<MessageHandle>, edits: Vec<wit::Edit>) -> Outcome<()> {
        for edit in edits {
            if let Err(refused) = self.editor(&this)?.make(edit) {
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
        Ok(self.message(&this)?.first_header(&name))
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
        Ok(self.editor(&this)?.header(&name, &value, header::Header::append))
    }

    fn replace_header(&mut self, this: Resource<MessageHandle>, name: String, value: String) -> Outcome<()> {
        Ok(self.editor(&this)?.header(&name, &value, header::Header::replace))
    }

    fn remove_header(&mut self, this: Resource<MessageHandle>, name: String) -> wasmtime::Result<u32> {
        Ok(u32::try_from(self.editor(&this)?.remove_header(&name)).unwrap_or(u32::MAX))
    }

    fn get_meta(&mut self, this: Resource<MessageHandle>, key: String) -> wasmtime::Result<Option<String>> {
        Ok(self.message(&this)?.edits.meta.get(&key).cloned())
    }

    fn set_meta(&mut self, this: Resource<MessageHandle>, key: String, value: Option<String>) -> Outcome<()> {
        Ok(self.editor(&this)?.set_meta(key, value))
    }

    fn import_scheduling_header(
        &mut self,
        this: Resource<MessageHandle>,
        name: String,
    ) -> wasmtime::Result<Result<(), Reply>> {
        let message = self.message(&this)?;
        Ok(message.first_header(&name).map_or(Ok(()), |value| message.import_schedule(&name, &value)))
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
