//! An attempt failed for now, and the message is about to wait for the next.
//!
//! In: the message as it stands, as [`Queued`]. Out: [`Changes`] to when and where it waits. A plugin that does not handle the
//! event changes nothing, and so does one that fails.

use std::collections::BTreeMap;

use tollgate_message::{Address, MessageId, Meta, QueueName, Timestamp, meta};
use tollgate_smtp::Reply;

/// A message between two attempts. Never changes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Queued {
    /// Identity of the message.
    pub id: MessageId,
    /// The reverse-path; `None` is the null sender.
    pub sender: Option<Address>,
    /// The recipients who were put off, with what was said of each; never empty.
    pub put_off: Vec<(Address, Reply)>,
    /// The queue that it is in.
    pub queue: QueueName,
    /// Attempts counted, the one that has failed included.
    pub attempts: u32,
    /// Its size as received, in octets.
    pub size: u64,
    /// When the next attempt is due, before jitter.
    pub due: Timestamp,
    /// The last moment for which an attempt can be planned.
    pub last_due: Timestamp,
    /// Its metadata.
    pub meta: Meta,
}

/// What plugins change.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Changes {
    /// The next attempt comes at this time at the earliest.
    not_before: Option<Timestamp>,
    /// Metadata set, or removed.
    meta: BTreeMap<String, Option<String>>,
}

/// Why a change cannot be made, for the plugin's author.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ChangeError {
    /// The plugin may not change this.
    #[error("{0} cannot be changed here; campaign, routing_domain and queue can")]
    Denied(String),
    /// The value is not valid.
    #[error("{0}")]
    Invalid(String),
}

/// The metadata that decides the queue and may still change. The tenant is settled, and authorised, at reception.
const OPEN: [&str; 3] = [meta::CAMPAIGN, meta::ROUTING_DOMAIN, meta::QUEUE];

/// Longest value, in octets.
const LONGEST: usize = 1024;

/// The end of the names of queues that are the host's own.
const INTERNAL: &str = "tollgate.internal";

impl Changes {
    /// Puts the next attempt off.
    ///
    /// # Errors
    /// Where the message would have expired by then.
    pub fn delay_until(&mut self, queued: &Queued, at: Timestamp) -> Result<(), ChangeError> {
        if at > queued.last_due {
            let last = queued.last_due;
            return Err(ChangeError::Invalid(format!("no attempt can be planned for {at}: the last moment is {last}")));
        }
        self.not_before = Some(at);
        Ok(())
    }

    /// Sets a piece of metadata that decides the queue, or removes it.
    ///
    /// # Errors
    /// [`ChangeError`]: another key, or a value that names no queue mail can wait in.
    pub fn set_meta(&mut self, key: &str, value: Option<String>) -> Result<(), ChangeError> {
        if !OPEN.contains(&key) {
            return Err(ChangeError::Denied(key.to_owned()));
        }
        if let Some(value) = &value {
            check(key, value).map_err(ChangeError::Invalid)?;
        }
        self.meta.insert(key.to_owned(), value);
        Ok(())
    }

    /// Returns a piece of metadata as it is with the changes.
    #[must_use]
    pub fn get_meta<'a>(&'a self, queued: &'a Queued, key: &str) -> Option<&'a str> {
        match self.meta.get(key) {
            Some(changed) => changed.as_deref(),
            None => queued.meta.get(key).map(String::as_str),
        }
    }

    /// Returns when the next attempt comes at the earliest, where a plugin says so.
    #[must_use]
    pub fn not_before(&self) -> Option<Timestamp> {
        self.not_before
    }

    /// Returns all metadata with the changes; nothing where none differs from what was there.
    #[must_use]
    pub fn changed_meta(&self, before: &Meta) -> Option<Meta> {
        let mut after = before.clone();
        for (key, value) in &self.meta {
            match value {
                Some(value) => drop(after.insert(key.clone(), value.clone())),
                None => drop(after.remove(key)),
            }
        }
        (after != *before).then_some(after)
    }
}

fn check(key: &str, value: &str) -> Result<(), String> {
    if value.trim().is_empty() || value.len() > LONGEST || value.chars().any(char::is_control) {
        return Err(format!("{key} is 1 to {LONGEST} octets of printable text; to remove it, pass nothing"));
    }
    if key == meta::QUEUE && (value.trim() == "null" || value.trim().ends_with(INTERNAL)) {
        return Err(format!("mail cannot be moved into the queue '{value}'"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queued() -> Queued {
        Queued {
            id: MessageId::from_bytes([1; 16]),
            sender: None,
            put_off: Vec::new(),
            queue: QueueName::parse("t@d.example"),
            attempts: 1,
            size: 1,
            due: Timestamp::from_millis(1_000),
            last_due: Timestamp::from_millis(9_000),
            meta: Meta::from([("tenant".to_owned(), "t".to_owned()), ("campaign".to_owned(), "c".to_owned())]),
        }
    }

    #[test]
    fn a_delay_ends_where_the_message_does() {
        let mut changes = Changes::default();

        let told = [9_000, 9_001].map(|at| changes.delay_until(&queued(), Timestamp::from_millis(at)).is_ok());

        assert_eq!((told, changes.not_before()), ([true, false], Some(Timestamp::from_millis(9_000))));
    }

    #[test]
    fn only_what_names_the_queue_can_be_set_and_only_to_queues_in_which_mail_waits() {
        let mut changes = Changes::default();
        let sets = [
            ("tenant", "other"),
            ("x", "y"),
            ("campaign", ""),
            ("queue", "null"),
            ("queue", "d.hold.tollgate.internal"),
            ("routing_domain", "a\r\nb"),
            ("routing_domain", "relay.example"),
        ];

        let told = sets.map(|(key, value)| changes.set_meta(key, Some(value.to_owned())).is_ok());

        let meta = queued().meta;
        let mut after = meta.clone();
        after.insert("routing_domain".to_owned(), "relay.example".to_owned());
        let expected = [false, false, false, false, false, false, true];
        assert_eq!((told, changes.changed_meta(&meta)), (expected, Some(after)));
    }

    #[test]
    fn a_change_to_what_is_there_already_is_none() {
        let (mut changes, queued) = (Changes::default(), queued());
        changes.set_meta("campaign", Some("c".to_owned())).unwrap();
        changes.set_meta("queue", None).unwrap();

        assert_eq!((changes.changed_meta(&queued.meta), changes.get_meta(&queued, "campaign")), (None, Some("c")));
    }
}
