//! For operators: suspending queues, taking mail out of them, looking at them, and dropping those without use.
//!
//! A mark sits on a queue and is seen by whoever serves it, so suspending a million messages takes no longer than one.
//! Only what must touch each message of a queue walks over them.

use std::collections::BTreeSet;

use tollgate_message::{QueueName, Timestamp};

use super::{
    Engine, FOREVER, MessageStatus, Parked, Placement, QueueIndex, QueueStatus, ReadyStatus, Totals, Withdrawn,
    ageing::Holder,
};
use crate::scheduled::{
    entry::{Handle, Place},
    queue::{Queue, Standing},
};

impl Engine {
    /// Parks a queue: it is not served until that time, or with [`FOREVER`] until it is resumed.
    ///
    /// Its messages keep their due times and their attempts; those in flight finish. A queue that is parked for longer
    /// already stays so: to shorten it, resume it first.
    pub fn park(&mut self, queue: QueueIndex, until: Timestamp) {
        let index = queue.0;
        let previous = self.queues[index].parked;
        if previous.is_some_and(|previous| previous >= until) {
            return;
        }
        self.unpark(index);
        self.queues[index].parked = Some(until);
        if until < FOREVER {
            self.parks.insert((until, Parked::Queue(index)));
        }
        self.rest(index);
    }

    /// Serves a queue again; what is past its due time goes at once, as far as limits allow.
    pub fn resume(&mut self, now: Timestamp, queue: QueueIndex) {
        self.unpark(queue.0);
        self.activate(now, queue.0);
    }

    fn unpark(&mut self, index: u32) {
        if let Some(until) = self.queues[index].parked.take() {
            self.parks.remove(&(until, Parked::Queue(index)));
        }
    }

    /// Suspends a ready queue by its name, whether it is there or comes later: until that time, or with [`FOREVER`] until
    /// it is resumed, its source sends nothing to its site.
    ///
    /// What it was promised goes back to where it came from, uncounted, and other sources of its pools are tried; where
    /// there is none, mail waits. What is in flight finishes.
    pub fn suspend_ready(&mut self, now: Timestamp, name: &str, until: Timestamp) {
        self.resume_ready(now, name);
        self.egress.suspended.insert(name.to_owned(), until);
        if until < FOREVER {
            self.parks.insert((until, Parked::Ready(name.into())));
        }
        if let Some(ready) = self.egress.ready_by_name(name) {
            self.egress.readies[ready].suspended = true;
            self.hand_back(now, ready);
        }
    }

    /// Lets a ready queue send again.
    pub fn resume_ready(&mut self, now: Timestamp, name: &str) {
        let Some(until) = self.egress.suspended.remove(name) else { return };
        self.parks.remove(&(until, Parked::Ready(name.into())));
        if let Some(ready) = self.egress.ready_by_name(name) {
            self.egress.readies[ready].suspended = false;
            self.refill(now, ready);
            self.attend(ready);
        }
    }

    /// Puts what a ready queue was promised back to the front of where it came from.
    fn hand_back(&mut self, now: Timestamp, ready: u32) {
        let buffer = &mut self.egress.readies[ready].buffer;
        let promised: Vec<Handle> = std::iter::from_fn(|| buffer.pop(&mut self.slab)).collect();
        let mut queues = BTreeSet::new();
        for handle in promised.into_iter().rev() {
            let entry = &mut self.slab[handle];
            entry.place = Place::Due;
            queues.insert(entry.queue);
            let queue = &mut self.queues[entry.queue];
            queue.ready -= 1;
            queue.due.push_front(&mut self.slab, handle);
            self.watch(handle);
        }
        for queue in queues {
            self.activate(now, queue);
        }
    }

    /// Makes all waiting messages of a queue due; their schedules still hold.
    pub fn flush(&mut self, now: Timestamp, queue: QueueIndex) {
        for handle in self.slab.of_queue(queue.0) {
            if let Place::Wheel(_) = self.slab[handle].place {
                self.wheel.remove(&mut self.slab, handle);
                self.slab[handle].due = now;
                self.make_due(now, handle);
            }
        }
    }

    /// Takes all messages but those in flight out of a queue, to end them or to insert them into another.
    pub fn withdraw(&mut self, now: Timestamp, queue: QueueIndex) -> Vec<Withdrawn> {
        let mut withdrawn = Vec::new();
        // At rest meanwhile, so that the room made in a ready queue is not filled with what is about to be taken.
        self.rest(queue.0);
        for handle in self.slab.of_queue(queue.0) {
            if !self.take_out(handle) {
                continue;
            }
            let entry = &mut self.slab[handle];
            let schedule = entry.schedule.take();
            withdrawn.push(Withdrawn { id: entry.id, due: entry.due, attempts: entry.attempts, schedule });
            self.forget(handle);
        }
        let readies: Vec<_> = self.egress.readies.iter().map(|(ready, _)| ready).collect();
        readies.into_iter().for_each(|ready| self.refill(now, ready));
        withdrawn
    }

    /// Takes a message out of the list it is in; returns false for one in flight, which stays there.
    fn take_out(&mut self, handle: Handle) -> bool {
        let place = self.slab[handle].place;
        let queue = &mut self.queues[self.slab[handle].queue];
        match place {
            Place::Wheel(_) => self.wheel.remove(&mut self.slab, handle),
            Place::Due => queue.due.remove(&mut self.slab, handle),
            Place::Ready(ready) => {
                queue.ready -= 1;
                self.egress.readies[ready].buffer.remove(&mut self.slab, handle, queue.tenant);
            }
            Place::Flight(_) | Place::Nowhere => return false,
        }
        true
    }

    /// Drops the queues without messages into which nothing came for their `reap_interval`, and returns their names;
    /// drops sites and ready queues without mail and connections too. Suspended queues stay.
    pub fn reap(&mut self, now: Timestamp) -> Vec<QueueName> {
        let unused = |queue: &Queue| {
            let resting = matches!(queue.standing, Standing::Rest);
            queue.messages == 0 && resting && !queue.is_parked() && queue.touched + queue.config.reap_interval <= now
        };
        let unused: Vec<_> = self.queues.iter().filter(|(_, queue)| unused(queue)).map(|(index, _)| index).collect();
        for (ready, look) in self.egress.reap() {
            self.looks.forget(look, Holder::Ready(ready));
        }
        self.throttling.tidy(now);
        let removed = unused.into_iter().filter_map(|index| Some((index, self.queues.remove(index)?)));
        removed
            .map(|(index, queue)| {
                self.looks.forget(queue.look, Holder::Queue(index));
                self.names.remove(&queue.name);
                queue.buckets.iter().for_each(|bucket| self.throttling.release(*bucket));
                (*queue.name).clone()
            })
            .collect()
    }

    /// Returns all queues, in the order of their numbers.
    pub fn queues(&self) -> impl Iterator<Item = QueueStatus<'_>> {
        self.queues.iter().map(|(index, queue)| QueueStatus {
            queue: QueueIndex(index),
            name: &queue.name,
            messages: queue.messages,
            due: queue.due.len() + queue.ready,
            in_flight: queue.in_flight,
            parked: queue.parked,
        })
    }

    /// Returns all ready queues, in the order of their numbers.
    pub fn ready_queues(&self) -> impl Iterator<Item = ReadyStatus<'_>> {
        self.egress.readies.iter().map(|(_, ready)| ReadyStatus {
            name: &ready.name,
            ready: ready.buffer.len(),
            connections: ready.connections,
            in_flight: ready.busy,
        })
    }

    /// Returns the messages of a queue, by a walk over all messages of the node.
    pub fn messages(&self, queue: QueueIndex) -> impl Iterator<Item = MessageStatus<'_>> {
        let handles = self.slab.of_queue(queue.0).into_iter();
        handles.map(|handle| {
            let entry = &self.slab[handle];
            MessageStatus {
                id: entry.id,
                due: entry.due,
                attempts: entry.attempts,
                schedule: entry.schedule.as_deref(),
                placement: self.placement(entry.place),
            }
        })
    }

    fn placement(&self, place: Place) -> Placement<'_> {
        match place {
            Place::Wheel(_) => Placement::Waiting,
            Place::Ready(ready) => Placement::Ready(&self.egress.readies[ready].name),
            Place::Flight(index) => Placement::InFlight(self.connection_id(index)),
            Place::Due | Place::Nowhere => Placement::Due,
        }
    }

    /// Returns how many messages there are, by where they are.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut totals =
            Totals { messages: self.slab.len() as u64, waiting: self.wheel.len() as u64, ..Totals::default() };
        for (_, queue) in self.queues.iter() {
            totals.due += u64::from(queue.due.len());
            totals.ready += u64::from(queue.ready);
            totals.in_flight += u64::from(queue.in_flight);
        }
        totals
    }
}
