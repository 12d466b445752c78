//! What a plugin asks of a message and changes in it, however it is told: by a resource that it calls, or in brief.
//!
//! Values from the guest are checked here: nothing that it hands over can start a second header field.

use std::sync::Arc;

use tollgate_message::{Address, Edits, Meta, Received, Schedule, header, header::FieldError, schedule::ScheduleError};
use tollgate_policy::scope::Scope;

use crate::bindings::host::tollgate::policy::{
    message::{Answer, Edit},
    types::{PolicyError, Reply},
};

/// Longest metadata key and value, in octets.
const META: (usize, usize) = (255, 16 * 1024);
/// Longest text that answers a question, in octets.
const TEXT: usize = 64 * 1024;

/// Answers that cross to the guest in one call. All texts together are at most so many octets: one question may be asked many
/// times, and its answer be most of a message.
pub(crate) struct Answers {
    left: usize,
}

impl Answers {
    pub(crate) fn within(octets: usize) -> Self {
        Self { left: octets }
    }

    pub(crate) fn text(&mut self, text: Option<String>) -> Answer {
        let octets = text.as_ref().map_or(0, String::len);
        if octets > self.left.min(TEXT) {
            return Answer::TooLong(u32::try_from(octets).unwrap_or(u32::MAX));
        }
        self.left -= octets;
        Answer::Text(text)
    }
}

/// A message while a plugin looks at it. It owns a copy of the edits: when the plugin returns they go back to the chain, and when
/// it fails they are dropped.
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

    /// Returns the first header field of a name as text.
    pub(crate) fn first_header(&self, name: &str) -> Option<String> {
        self.edits.header.values(name).next().map(header::decode)
    }

    pub(crate) fn domain(&self) -> Option<String> {
        self.received.envelope.recipients.first().map(Address::domain_key)
    }

    pub(crate) fn meta(&self, key: &str) -> Option<String> {
        self.edits.meta.get(key).cloned()
    }

    /// Takes a schedule out of the value of a header field.
    pub(crate) fn import_schedule(&mut self, name: &str, value: &str) -> Result<(), Reply> {
        let schedule = Schedule::parse(value, self.received.at);
        self.edits.schedule = Some(schedule.map_err(|error| schedule_refusal(name, value, &error))?);
        Ok(())
    }
}

/// What a plugin may do to a message in this event.
pub(crate) struct Allowance<'a> {
    pub(crate) scope: &'a Scope,
    /// Octets that may still be added to the header, and that an event may add as a whole.
    pub(crate) header_left: &'a mut usize,
    pub(crate) header_bytes: usize,
}

impl<'a> Allowance<'a> {
    pub(crate) fn editor(self, message: &'a mut MessageHandle) -> Editor<'a> {
        Editor { message, allowance: self }
    }
}

/// A message in the hands of a plugin.
pub(crate) struct Editor<'a> {
    pub(crate) message: &'a mut MessageHandle,
    allowance: Allowance<'a>,
}

impl Editor<'_> {
    pub(crate) fn make(&mut self, edit: Edit) -> Result<(), PolicyError> {
        match edit {
            Edit::AddHeader((name, value)) => self.header(&name, &value, header::Header::append),
            Edit::ReplaceHeader((name, value)) => self.header(&name, &value, header::Header::replace),
            Edit::RemoveHeader(name) => {
                self.remove_header(&name);
                Ok(())
            }
            Edit::SetMeta((key, value)) => self.set_meta(key, value),
        }
    }

    /// Edits the header with a field that the guest adds.
    pub(crate) fn header(
        &mut self,
        name: &str,
        value: &str,
        edit: impl FnOnce(&mut header::Header, &str, &str) -> Result<(), FieldError>,
    ) -> Result<(), PolicyError> {
        let Allowance { scope, header_left, header_bytes } = &mut self.allowance;
        scope.may_write_header(name)?;
        let left = header_left.checked_sub(name.len() + value.len());
        **header_left = left.ok_or(PolicyError::TooLarge(*header_bytes as u64))?;
        edit(&mut self.message.edits.header, name, value).map_err(|error| match error {
            FieldError::TooLong => PolicyError::TooLarge(header::MAX_FIELD as u64),
            other => PolicyError::Invalid(other.to_string()),
        })
    }

    /// Removes fields. What may not be removed is, to the guest, not there to be removed.
    pub(crate) fn remove_header(&mut self, name: &str) -> usize {
        if self.allowance.scope.may_write_header(name).is_ok() { self.message.edits.header.remove(name) } else { 0 }
    }

    /// Returns the first header field of a name as text, and removes all of that name.
    pub(crate) fn take_header(&mut self, name: &str) -> Option<String> {
        match self.allowance.scope.may_write_header(name) {
            Ok(()) => self.message.edits.header.take(name, header::decode),
            Err(_) => self.message.first_header(name),
        }
    }

    pub(crate) fn set_meta(&mut self, key: String, value: Option<String>) -> Result<(), PolicyError> {
        if key.is_empty() || key.len() > META.0 || key.chars().any(char::is_control) {
            return Err(PolicyError::Invalid("a metadata key is 1 to 255 octets of printable text".to_owned()));
        }
        if value.as_ref().is_some_and(|value| value.len() > META.1) {
            return Err(PolicyError::TooLarge(META.1 as u64));
        }
        let MessageHandle { edits: Edits { meta, .. }, before, .. } = &mut *self.message;
        self.allowance.scope.may_set_meta(before, meta, &key, value.as_deref())?;
        match value {
            Some(value) => drop(meta.insert(key, value)),
            None => drop(meta.remove(&key)),
        }
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
