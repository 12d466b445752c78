//! Taking messages in, and carrying out what is decided about them: wait, be due, or go.
//!
//! Every way into and out of the timer wheel is here.

use std::sync::Arc;

use tollgate_message::{QueueName, Timestamp};

use super::{Action, Cause, Engine, Entrance, NewMessage, Parked, QueueIndex, Settled};
use crate::{
    handover::{self, Disposition, Expiry, Outcome, Readiness},
    scheduled::{
        QueueConfig,
        entry::{Handle, Place},
        list::List,
        queue::Queue,
    },
};

impl Engine {
    /// Returns the number of a queue that is defined.
    #[must_use]
    pub fn queue(&self, name: &QueueName) -> Option<QueueIndex> {
        self.names.get(name).copied().map(QueueIndex)
    }

    /// Defines a queue, or replaces the configuration of one that is there.
    ///
    /// Waiting messages keep their due times, and ready ones their source; a new pool or route holds from the next
    /// promotion, new retry values from the next failure.
    pub fn define_queue(&mut self, now: Timestamp, name: QueueName, config: QueueConfig) -> QueueIndex {
        if let Some(&index) = self.names.get(&name) {
            self.reconfigure(now, index, config);
            return QueueIndex(index);
        }
        let tenants = u32::try_from(self.tenants.len()).expect("4 billion tenants do not fit in memory");
        let tenant = *self.tenants.entry(name.tenant.clone()).or_insert(tenants);
        let name = Arc::new(name);
        let index = self.queues.insert(Queue::new(Arc::clone(&name), tenant, config, now));
        self.names.insert(name, index);
        self.assign_buckets(index);
        QueueIndex(index)
    }

    /// Takes in a message: to wait if its due time or its schedule says so, else to go.
    ///
    /// One that comes back, is due, and is as old as its queue allows ends as expired, by an action: the time in which it
    /// was to be tried passed while nobody was there to try it. Fresh mail gets its first attempt.
    pub fn insert(&mut self, now: Timestamp, message: NewMessage) {
        let NewMessage { id, queue: QueueIndex(index), due, attempts, schedule, entrance } = message;
        let handle = self.slab.insert(id, index, due, attempts, schedule);
        let queue = &mut self.queues[index];
        queue.messages += 1;
        queue.touched = now;
        if due > now {
            self.wheel.insert(&mut self.slab, handle);
            return;
        }
        let over = self.over_by(now, handle).filter(|_| entrance == Entrance::Recovered);
        match (handover::readiness(now, self.slab[handle].schedule.as_deref()), over) {
            (_, Some(Expiry::Requeue { age, max_age })) => self.expire(handle, Expiry::Retry { age, max_age }),
            (Readiness::Go, _) => self.make_due(now, handle),
            (readiness, _) => self.defer(handle, readiness),
        }
    }

    /// Moves on what the time has come for: messages that are over, what is suspended until now, those whose rates let
    /// one through, and those whose due time is reached.
    pub fn advance(&mut self, now: Timestamp) {
        self.look_over(now);
        while let Some((_, parked)) = self.parks.first().filter(|(until, _)| *until <= now) {
            match parked.clone() {
                Parked::Queue(queue) => self.resume(now, QueueIndex(queue)),
                Parked::Ready(name) => self.resume_ready(now, &name),
            }
        }
        let mut fired = List::new();
        self.serve_lines(now);
        self.wheel.advance(&mut self.slab, now, &mut fired);
        while let Some(handle) = fired.pop_front(&mut self.slab) {
            self.make_due(now, handle);
        }
    }

    /// Carries out what the outcome of an attempt means for a message that is in no list.
    pub(super) fn conclude(&mut self, now: Timestamp, handle: Handle, outcome: Outcome) -> Disposition {
        let luck = self.random.unit();
        let config = &self.queues[self.slab[handle].queue].config;
        let disposition = handover::dispose(now, self.state(handle), config, outcome, luck);
        match disposition {
            Disposition::Retry { due, attempts } => {
                self.slab[handle].attempts = attempts;
                self.wait(now, handle, due);
            }
            _ => self.forget(handle),
        }
        disposition
    }

    /// Settles a message that is in no list, without an attempt of its own.
    pub(super) fn settle(&mut self, now: Timestamp, handle: Handle, cause: Cause) -> Settled {
        let (id, queue) = (self.slab[handle].id, QueueIndex(self.slab[handle].queue));
        let outcome = match cause {
            Cause::Discarded | Cause::Unroutable(..) => Outcome::Done,
            _ => Outcome::Transient,
        };
        let disposition = self.conclude(now, handle, outcome);
        Settled { id, queue, cause, disposition }
    }

    /// Puts off a message that may not go now, without counting an attempt.
    pub(super) fn defer(&mut self, handle: Handle, readiness: Readiness) {
        match readiness {
            Readiness::Later(due) => {
                let entry = &mut self.slab[handle];
                entry.due = due;
                let (id, queue, attempts) = (entry.id, QueueIndex(entry.queue), entry.attempts);
                self.wheel.insert(&mut self.slab, handle);
                let (cause, disposition) = (Cause::WindowClosed, Disposition::Retry { due, attempts });
                self.agenda.actions.push_back(Action::Settled(Settled { id, queue, cause, disposition }));
            }
            Readiness::Expired(expiry) => self.expire(handle, expiry),
            Readiness::Go => unreachable!("a message that may go is not put off"),
        }
    }

    /// Puts a message at the end of its queue's due ones.
    pub(super) fn make_due(&mut self, now: Timestamp, handle: Handle) {
        let entry = &mut self.slab[handle];
        entry.place = Place::Due;
        let index = entry.queue;
        self.queues[index].due.push_back(&mut self.slab, handle);
        self.watch(handle);
        self.activate(now, index);
    }

    fn wait(&mut self, now: Timestamp, handle: Handle, due: Timestamp) {
        self.slab[handle].due = due;
        if due > now {
            self.wheel.insert(&mut self.slab, handle);
        } else {
            self.make_due(now, handle);
        }
    }

    pub(super) fn expire(&mut self, handle: Handle, expiry: Expiry) {
        let (id, queue) = (self.slab[handle].id, QueueIndex(self.slab[handle].queue));
        self.forget(handle);
        let disposition = Disposition::Expired(expiry);
        self.agenda.actions.push_back(Action::Settled(Settled { id, queue, cause: Cause::TimeOver, disposition }));
    }

    pub(super) fn forget(&mut self, handle: Handle) {
        let queue = self.slab[handle].queue;
        self.queues[queue].messages -= 1;
        self.slab.remove(handle);
    }

    fn reconfigure(&mut self, now: Timestamp, index: u32, config: QueueConfig) {
        let queue = &mut self.queues[index];
        queue.touched = now;
        if queue.config == config {
            return;
        }
        // Before the buckets change: it may stand in line at one that goes.
        self.rest(index);
        let queue = &mut self.queues[index];
        let limits = (queue.config.limits != config.limits).then(|| config.limits.clone());
        let ages_otherwise = config.max_age != queue.config.max_age;
        if queue.config.route == config.route {
            queue.config = config;
        } else {
            queue.configure(config);
        }
        self.assign_buckets(index);
        if let (Some(limits), Some((site, _))) = (limits, self.queues[index].site.clone()) {
            let readies = self.egress.give_limits(&site, limits);
            self.limits_changed(now, readies);
        }
        if ages_otherwise {
            self.look_at_all(now, index);
        }
        self.activate(now, index);
    }
}
