//! A message between two attempts, as a guest looks at it and changes when and where it waits.

use std::sync::Arc;

use tollgate_message::Timestamp;
use tollgate_policy::event::requeue::{ChangeError, Changes, Queued};
use wasmtime::component::Resource;

use super::types::{mailbox, queue_name};
use crate::{
    bindings::host::tollgate::policy::{
        queued_message as wit,
        types::{Mailbox, PolicyError, QueueName, Reply},
    },
    state::HostState,
};

/// A message while a plugin looks at it.
#[allow(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct QueuedHandle {
    pub(crate) queued: Arc<Queued>,
    pub(crate) changes: Changes,
}

type This = Resource<QueuedHandle>;
type Outcome = wasmtime::Result<Result<(), PolicyError>>;

impl HostState {
    fn queued(&mut self, handle: &This) -> wasmtime::Result<&mut QueuedHandle> {
        self.charge()?;
        Ok(self.table.get_mut(handle)?)
    }
}

impl From<ChangeError> for PolicyError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Denied(_) => Self::Denied(error.to_string()),
            ChangeError::Invalid(reason) => Self::Invalid(reason),
        }
    }
}

impl wit::Host for HostState {}

impl wit::HostQueuedMessage for HostState {
    fn id(&mut self, this: This) -> wasmtime::Result<String> {
        Ok(self.queued(&this)?.queued.id.to_string())
    }

    fn sender(&mut self, this: This) -> wasmtime::Result<Option<Mailbox>> {
        Ok(self.queued(&this)?.queued.sender.as_ref().map(mailbox))
    }

    fn recipients(&mut self, this: This) -> wasmtime::Result<Vec<Mailbox>> {
        Ok(self.queued(&this)?.queued.put_off.iter().map(|(recipient, _)| mailbox(recipient)).collect())
    }

    fn replies(&mut self, this: This) -> wasmtime::Result<Vec<Reply>> {
        Ok(self.queued(&this)?.queued.put_off.iter().map(|(_, reply)| reply.into()).collect())
    }

    fn queue(&mut self, this: This) -> wasmtime::Result<QueueName> {
        Ok(queue_name(&self.queued(&this)?.queued.queue))
    }

    fn attempts(&mut self, this: This) -> wasmtime::Result<u32> {
        Ok(self.queued(&this)?.queued.attempts)
    }

    fn size(&mut self, this: This) -> wasmtime::Result<u64> {
        Ok(self.queued(&this)?.queued.size)
    }

    fn received_at_ms(&mut self, this: This) -> wasmtime::Result<u64> {
        Ok(self.queued(&this)?.queued.id.created().as_millis())
    }

    fn due_at_ms(&mut self, this: This) -> wasmtime::Result<u64> {
        Ok(self.queued(&this)?.queued.due.as_millis())
    }

    fn last_due_at_ms(&mut self, this: This) -> wasmtime::Result<u64> {
        Ok(self.queued(&this)?.queued.last_due.as_millis())
    }

    fn get_meta(&mut self, this: This, key: String) -> wasmtime::Result<Option<String>> {
        let QueuedHandle { queued, changes } = self.queued(&this)?;
        Ok(changes.get_meta(queued, &key).map(str::to_owned))
    }

    fn set_meta(&mut self, this: This, key: String, value: Option<String>) -> Outcome {
        Ok(self.queued(&this)?.changes.set_meta(&key, value).map_err(PolicyError::from))
    }

    fn delay_until(&mut self, this: This, at_ms: u64) -> Outcome {
        let QueuedHandle { queued, changes } = self.queued(&this)?;
        Ok(changes.delay_until(queued, Timestamp::from_millis(at_ms)).map_err(PolicyError::from))
    }

    fn drop(&mut self, this: This) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}
