//! What each tenant takes up of the machine: messages in the spool, the queues they are in, receptions under way.
//!
//! All tenants are counted, also those without a quota now: a reload may give them one. What is counted goes away with the
//! last message, so that names that anybody made up leave nothing behind.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tollgate_message::QueueName;
use tollgate_smtp::TempReply;

use super::reception::temporary;
use crate::config::Quota;

/// The counts of all tenants.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    tenants: Mutex<HashMap<String, Count>>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Count {
    messages: u64,
    octets: u64,
    queues: HashMap<QueueName, u64>,
    receptions: u64,
}

/// Which quota a message does not fit into.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Over {
    /// As many messages are queued as may be.
    Messages,
    /// They are as large together as they may be.
    Octets,
    /// They are in as many queues as may be.
    Queues,
    /// As many messages are being received as may be.
    Receptions,
}

impl Over {
    /// Returns what the sender reads. What is full empties as mail goes out; RFC 3463 §3.3 calls that a mailbox over quota.
    pub(crate) fn reply(self, tenant: &str) -> TempReply {
        let what = match self {
            Self::Messages => "too many messages are queued",
            Self::Octets => "the messages that are queued are too large together",
            Self::Queues => "mail is queued for too many campaigns and domains",
            Self::Receptions => {
                return temporary(451, 3, 2, &format!("too many messages of tenant '{tenant}' come at a time"));
            }
        };
        temporary(452, 2, 2, &format!("of tenant '{tenant}' {what}, try again later"))
    }
}

/// A tenant's message that is being received: counted as a reception until its queue is known, then against the spool.
/// Unless it is kept, nothing is counted any more when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    usage: Arc<Usage>,
    tenant: String,
    counted: Counted,
}

/// As what a message is counted.
#[derive(Debug)]
enum Counted {
    /// As one that is being received.
    Received,
    /// As one in the spool, though it may not be there yet.
    Stored(QueueName, u64),
    /// As one in the spool, whatever becomes of its place.
    Kept,
}

impl Usage {
    /// Starts the reception of a tenant's message.
    ///
    /// # Errors
    /// [`Over::Receptions`].
    pub(crate) fn receive(self: &Arc<Self>, tenant: &str, quota: &Quota) -> Result<Place, Over> {
        let mut tenants = self.lock();
        let receptions = tenants.get(tenant).map_or(0, |count| count.receptions);
        if receptions >= quota.receptions {
            return Err(Over::Receptions);
        }
        tenants.entry(tenant.to_owned()).or_default().receptions += 1;
        Ok(Place { usage: Arc::clone(self), tenant: tenant.to_owned(), counted: Counted::Received })
    }

    /// Counts a message that is in the spool.
    pub(crate) fn found(&self, queue: &QueueName, octets: u64) {
        if let Some(tenant) = &queue.tenant {
            let mut tenants = self.lock();
            match tenants.get_mut(tenant) {
                Some(count) => count.add(queue, octets),
                None => tenants.entry(tenant.clone()).or_default().add(queue, octets),
            }
        }
    }

    /// Counts a message off that is not in the spool any more.
    pub(crate) fn gone(&self, queue: &QueueName, octets: u64) {
        if let Some(tenant) = &queue.tenant {
            self.change(tenant, |count| count.remove(queue, octets));
        }
    }

    /// Counts a message that has gone from one queue into another.
    pub(crate) fn moved(&self, from: &QueueName, to: &QueueName, octets: u64) {
        if from != to {
            self.gone(from, octets);
            self.found(to, octets);
        }
    }

    fn change(&self, tenant: &str, change: impl FnOnce(&mut Count)) {
        let mut tenants = self.lock();
        let Some(count) = tenants.get_mut(tenant) else { return };
        change(count);
        if *count == Count::default() {
            tenants.remove(tenant);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Count>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Count {
    /// Returns the quota into which a message does not fit, if there is one.
    fn over(&self, queue: &QueueName, octets: u64, quota: &Quota) -> Option<Over> {
        if self.messages >= quota.messages {
            return Some(Over::Messages);
        }
        if self.octets.saturating_add(octets) > quota.octets {
            return Some(Over::Octets);
        }
        let another = !self.queues.contains_key(queue);
        (another && self.queues.len() as u64 >= quota.queues).then_some(Over::Queues)
    }

    fn add(&mut self, queue: &QueueName, octets: u64) {
        self.messages += 1;
        self.octets = self.octets.saturating_add(octets);
        match self.queues.get_mut(queue) {
            Some(messages) => *messages += 1,
            None => drop(self.queues.insert(queue.clone(), 1)),
        }
    }

    fn remove(&mut self, queue: &QueueName, octets: u64) {
        self.messages = self.messages.saturating_sub(1);
        self.octets = self.octets.saturating_sub(octets);
        let Some(messages) = self.queues.get_mut(queue) else { return };
        *messages -= 1;
        if *messages == 0 {
            self.queues.remove(queue);
        }
    }
}

impl Place {
    /// Counts the message against the spool, as one of this queue.
    ///
    /// # Errors
    /// [`Over`], where it does not fit.
    pub(crate) fn store(&mut self, queue: &QueueName, octets: u64, quota: &Quota) -> Result<(), Over> {
        let mut tenants = self.usage.lock();
        let count = tenants.entry(self.tenant.clone()).or_default();
        if let Some(over) = count.over(queue, octets, quota) {
            return Err(over);
        }
        count.add(queue, octets);
        count.receptions = count.receptions.saturating_sub(1);
        drop(tenants);
        self.counted = Counted::Stored(queue.clone(), octets);
        Ok(())
    }

    /// Keeps the message counted, which is in the spool now.
    pub(crate) fn keep(mut self) {
        self.counted = Counted::Kept;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        match &self.counted {
            Counted::Kept => {}
            Counted::Received => {
                self.usage.change(&self.tenant, |count| count.receptions = count.receptions.saturating_sub(1));
            }
            Counted::Stored(queue, octets) => self.usage.change(&self.tenant, |count| count.remove(queue, *octets)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTA: Quota = Quota { messages: 3, octets: 100, queues: 2, receptions: 4, uploads: 0 };

    fn store(usage: &Arc<Usage>, queue: &str, octets: u64) -> Result<(), Over> {
        let queue = QueueName::parse(queue);
        let mut place = usage.receive("t", &QUOTA)?;
        place.store(&queue, octets, &QUOTA)?;
        place.keep();
        Ok(())
    }

    #[test]
    fn each_quota_refuses_what_does_not_fit_and_what_is_gone_makes_room() {
        let usage = Arc::new(Usage::default());
        let taken = [("t@a", 60), ("t@b", 41), ("t@b", 30), ("t@c", 1), ("t@b", 1), ("t@a", 1)]
            .map(|(queue, octets)| store(&usage, queue, octets));

        usage.gone(&QueueName::parse("t@a"), 60);
        let later = store(&usage, "t@c", 1);

        let expected = [Ok(()), Err(Over::Octets), Ok(()), Err(Over::Queues), Ok(()), Err(Over::Messages)];
        assert_eq!((taken, later), (expected, Ok(())));
    }

    #[test]
    fn receptions_are_counted_until_they_end_and_nothing_is_left_of_what_was_not_kept() {
        let usage = Arc::new(Usage::default());
        let mut places: Vec<Place> = (0..4).map(|_| usage.receive("t", &QUOTA).expect("room")).collect();
        let over = usage.receive("t", &QUOTA).map(drop);

        places[0].store(&QueueName::parse("t@a"), 100, &QUOTA).expect("room");
        places.push(usage.receive("t", &QUOTA).expect("the room of the one that is stored"));
        let others = usage.receive("u", &QUOTA).map(drop);
        drop(places);

        assert_eq!((over, others, usage.lock().len()), (Err(Over::Receptions), Ok(()), 0));
    }

    #[test]
    fn what_a_start_finds_counts_like_what_came_since_and_what_moves_counts_where_it_is() {
        let usage = Arc::new(Usage::default());
        let queue = QueueName::parse("t@a");
        (0..3).for_each(|_| usage.found(&queue, 1));

        let before = store(&usage, "t@a", 1);
        usage.moved(&queue, &QueueName::parse("u@a"), 1);
        let after = store(&usage, "t@a", 1);
        (0..3).for_each(|_| usage.gone(&queue, 1));
        usage.gone(&QueueName::parse("u@a"), 1);

        assert_eq!((before, after, usage.lock().len()), (Err(Over::Messages), Ok(()), 0));
    }
}
