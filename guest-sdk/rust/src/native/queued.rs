//! A message between two attempts.

use std::cell::RefCell;

use crate::{Mailbox, PolicyError, QueueName, Reply};

use super::invalid;

/// A message that was put off, as a test has made it; see [`crate::testing::Queued`].
#[derive(Debug)]
pub struct QueuedMessage(pub(crate) RefCell<crate::testing::Queued>);

#[allow(missing_docs, reason = "wit/v0.1/host.wit documents every one of these")]
impl QueuedMessage {
    pub fn id(&self) -> String {
        "0123456789abcdef0123456789abcdef".to_owned()
    }

    pub fn sender(&self) -> Option<Mailbox> {
        self.0.borrow().sender.clone()
    }

    pub fn recipients(&self) -> Vec<Mailbox> {
        self.0.borrow().put_off.iter().map(|(to, _)| to.clone()).collect()
    }

    pub fn replies(&self) -> Vec<Reply> {
        self.0.borrow().put_off.iter().map(|(_, reply)| reply.clone()).collect()
    }

    pub fn queue(&self) -> QueueName {
        self.0.borrow().queue.clone()
    }

    pub fn attempts(&self) -> u32 {
        self.0.borrow().attempts
    }

    pub fn size(&self) -> u64 {
        self.0.borrow().size
    }

    pub fn received_at_ms(&self) -> u64 {
        self.0.borrow().received_at_ms
    }

    pub fn due_at_ms(&self) -> u64 {
        self.0.borrow().due_at_ms
    }

    pub fn last_due_at_ms(&self) -> u64 {
        self.0.borrow().last_due_at_ms
    }

    pub fn get_meta(&self, key: &str) -> Option<String> {
        self.0.borrow().meta.get(key).cloned()
    }

    pub fn set_meta(&self, key: &str, value: Option<&str>) -> Result<(), PolicyError> {
        if !["campaign", "routing_domain", "queue"].contains(&key) {
            return Err(PolicyError::Denied(format!(
                "{key} cannot be changed here; campaign, routing_domain and queue can"
            )));
        }
        let mut queued = self.0.borrow_mut();
        match value {
            Some(value) => drop(queued.meta.insert(key.to_owned(), value.to_owned())),
            None => drop(queued.meta.remove(key)),
        }
        Ok(())
    }

    pub fn delay_until(&self, at_ms: u64) -> Result<(), PolicyError> {
        let mut queued = self.0.borrow_mut();
        if at_ms > queued.last_due_at_ms {
            return Err(invalid("no attempt can be planned for then: the message would have expired"));
        }
        queued.delayed_until_ms = Some(at_ms);
        Ok(())
    }
}
