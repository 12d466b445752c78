//! A message between two attempts.

use std::cell::RefCell;

use crate::{Mailbox, PolicyError, QueueName, Reply};

use super::invalid;

/// A message that was put off, as a test has made it; see [`crate::testing::Queued`].
///
/// ```
/// let message: tollgate_sdk::QueuedMessage = tollgate_sdk::testing::Queued::to("bob@receiver.example").build();
/// assert_eq!(message.attempts(), 1);
/// ```
#[derive(Debug)]
pub struct QueuedMessage(pub(crate) RefCell<crate::testing::Queued>);

impl QueuedMessage {
    /// Returns the message's id: 32 lower-case hexadecimal digits.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Queued::to("bob@receiver.example").build();
    /// assert_eq!(message.id().len(), 32);
    /// ```
    pub fn id(&self) -> String {
        "0123456789abcdef0123456789abcdef".to_owned()
    }

    /// Returns the reverse-path, absent for the null sender.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Queued::to("bob@receiver.example").build();
    /// assert!(message.sender().is_none());
    /// ```
    pub fn sender(&self) -> Option<Mailbox> {
        self.0.borrow().sender.clone()
    }

    /// Returns the recipients who were put off, in their order; never empty. Those who are done are not among them.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Queued::to("bob@receiver.example").build();
    /// assert_eq!(message.recipients()[0].local_part, "bob");
    /// ```
    pub fn recipients(&self) -> Vec<Mailbox> {
        self.0.borrow().put_off.iter().map(|(to, _)| to.clone()).collect()
    }

    /// Returns what the next hop said of each of these recipients, or the host in its place, in the same order.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Queued::to("bob@receiver.example").build();
    /// assert_eq!(message.replies()[0].code, 451);
    /// ```
    pub fn replies(&self) -> Vec<Reply> {
        self.0.borrow().put_off.iter().map(|(_, reply)| reply.clone()).collect()
    }

    /// Returns the name of the queue that the message is in.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Queued::to("bob@receiver.example").build();
    /// assert_eq!(message.queue().domain, "receiver.example");
    /// ```
    pub fn queue(&self) -> QueueName {
        self.0.borrow().queue.clone()
    }

    /// Returns how many attempts are counted, the one that has failed included.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Queued::to("bob@receiver.example").build();
    /// assert_eq!(message.attempts(), 1);
    /// ```
    pub fn attempts(&self) -> u32 {
        self.0.borrow().attempts
    }

    /// Returns the size as received, in octets.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Queued::to("bob@receiver.example").build();
    /// assert_eq!(message.size(), 1024);
    /// ```
    pub fn size(&self) -> u64 {
        self.0.borrow().size
    }

    /// Returns when the message was received, in milliseconds since 1970.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Queued::to("bob@receiver.example").build();
    /// assert!(message.received_at_ms() < message.due_at_ms());
    /// ```
    pub fn received_at_ms(&self) -> u64 {
        self.0.borrow().received_at_ms
    }

    /// Returns when the next attempt is due if nobody changes it, in milliseconds since 1970, before jitter.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Queued::to("bob@receiver.example").build();
    /// assert!(message.due_at_ms() <= message.last_due_at_ms());
    /// ```
    pub fn due_at_ms(&self) -> u64 {
        self.0.borrow().due_at_ms
    }

    /// Returns the last moment for which an attempt can be planned, in milliseconds since 1970.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Queued::to("bob@receiver.example").build();
    /// assert!(message.delay_until(message.last_due_at_ms() + 1).is_err());
    /// ```
    pub fn last_due_at_ms(&self) -> u64 {
        self.0.borrow().last_due_at_ms
    }

    /// Returns a piece of the message's metadata.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Queued::to("bob@receiver.example").build();
    /// assert_eq!(message.get_meta("queue"), None);
    /// ```
    pub fn get_meta(&self, key: &str) -> Option<String> {
        self.0.borrow().meta.get(key).cloned()
    }

    /// Sets `campaign`, `routing_domain` or `queue`, or removes it: the message goes into the queue that its metadata names
    /// now, with its attempts, and waits there as that queue has it. Other keys are `denied`; the tenant was settled, and
    /// authorised, when the message was received.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Queued::to("bob@receiver.example").build();
    /// message.set_meta("routing_domain", Some("slow.example"))?;
    /// assert!(message.set_meta("tenant", Some("another")).is_err());
    /// assert_eq!(message.get_meta("routing_domain").as_deref(), Some("slow.example"));
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
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

    /// Puts the next attempt off until this time, in milliseconds since 1970. A time before `due-at-ms` changes nothing; one
    /// after `last-due-at-ms` is `invalid`. Windows of the message's schedule hold all the same.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Queued::to("bob@receiver.example").build();
    /// message.delay_until(message.due_at_ms() + 60_000)?;
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn delay_until(&self, at_ms: u64) -> Result<(), PolicyError> {
        let mut queued = self.0.borrow_mut();
        if at_ms > queued.last_due_at_ms {
            return Err(invalid("no attempt can be planned for then: the message would have expired"));
        }
        queued.delayed_until_ms = Some(at_ms);
        Ok(())
    }
}
