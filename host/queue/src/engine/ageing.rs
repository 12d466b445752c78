//! Ageing: mail that waits for its turn ends when its time is over, whatever it waits for.
//!
//! A due message may wait for what comes nobody knows when: room in a ready queue, a source that is suspended, a rate of
//! its site, its own suspended queue. It is not woken for its age: each scheduled queue and each ready queue has one time
//! at which all its waiting messages are looked over, no later than the first of them is over. A look ends those that are
//! and finds out when the next has to be. A queue without waiting mail keeps its time and is looked over once for
//! nothing, so mail that goes at once costs a comparison.
//!
//! What has a connection, or the answer of a look-up, on its way waits for no limit, and is left alone meanwhile.
//!
//! Invariant: a queue, or a ready queue, with a waiting message has a look no later than the message's time is over, or
//! than one pause after the last look.

use std::{collections::BTreeSet, time::Duration};

use tollgate_message::Timestamp;

use super::Engine;
use crate::{
    handover::{self, Expiry, State},
    scheduled::{
        entry::{Handle, Place},
        queue::Standing,
    },
};

/// The least time between two looks at the same messages, for each of these many of them: a backlog whose messages end
/// one by one costs no more than that.
const PAUSE: Duration = Duration::from_secs(1);
const A_PAUSE_EACH: u32 = 10_000;

/// Whose waiting messages are looked over.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Holder {
    /// A scheduled queue's due ones.
    Queue(u32),
    /// Those promised to a ready queue.
    Ready(u32),
}

/// When whose messages are looked over; each holder knows its own time, too.
#[derive(Debug, Default)]
pub(super) struct Looks(BTreeSet<(Timestamp, Holder)>);

impl Looks {
    /// Returns the first look.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.0.first().map(|(at, _)| *at)
    }

    /// Forgets the look of a holder that is dropped.
    pub(super) fn forget(&mut self, look: Option<Timestamp>, holder: Holder) {
        if let Some(at) = look {
            self.0.remove(&(at, holder));
        }
    }
}

impl Engine {
    /// Sees to it that a message which begins to wait is looked at when its time is over.
    pub(super) fn watch(&mut self, handle: Handle) {
        let entry = &self.slab[handle];
        let holder = match entry.place {
            Place::Ready(ready) => Holder::Ready(ready),
            _ => Holder::Queue(entry.queue),
        };
        self.look_by(holder, self.deadline(handle));
    }

    /// Has somebody's messages looked over no later than `at`.
    pub(super) fn look_by(&mut self, holder: Holder, at: Timestamp) {
        let look = match holder {
            Holder::Queue(queue) => &mut self.queues[queue].look,
            Holder::Ready(ready) => &mut self.egress.readies[ready].look,
        };
        if look.is_some_and(|known| known <= at) {
            return;
        }
        if let Some(known) = look.replace(at) {
            self.looks.0.remove(&(known, holder));
        }
        self.looks.0.insert((at, holder));
    }

    /// Has all waiting messages of a queue looked over at once, promised ones too: they may be over sooner now.
    pub(super) fn look_at_all(&mut self, now: Timestamp, queue: u32) {
        if !self.queues[queue].due.is_empty() {
            self.look_by(Holder::Queue(queue), now);
        }
        let readies = if self.queues[queue].ready > 0 { self.egress.readies_with(queue) } else { Vec::new() };
        for ready in readies {
            self.look_by(Holder::Ready(ready), now);
        }
    }

    /// Ends the waiting messages whose time is over.
    pub(super) fn look_over(&mut self, now: Timestamp) {
        while let Some((_, holder)) = self.looks.0.first().copied().filter(|(at, _)| *at <= now) {
            self.looks.0.pop_first();
            let next = match holder {
                Holder::Queue(queue) => self.look_over_queue(now, queue),
                Holder::Ready(ready) => self.look_over_ready(now, ready),
            };
            next.into_iter().for_each(|next| self.look_by(holder, next));
        }
    }

    fn look_over_queue(&mut self, now: Timestamp, index: u32) -> Option<Timestamp> {
        let queue = &mut self.queues[index];
        queue.look = None;
        if let Standing::Resolving | Standing::Swept { .. } = queue.standing {
            return Some(now + PAUSE);
        }
        let (over, next) = self.sort_out(now, self.queues[index].due.iter(&self.slab));
        for (handle, expiry) in over {
            self.queues[index].due.remove(&mut self.slab, handle);
            self.slab[handle].place = Place::Nowhere;
            self.expire(handle, expiry);
        }
        if self.queues[index].due.is_empty() {
            self.rest(index);
        }
        next
    }

    fn look_over_ready(&mut self, now: Timestamp, ready: u32) -> Option<Timestamp> {
        let queue = &mut self.egress.readies[ready];
        queue.look = None;
        if queue.buffer.len() > 0 && queue.serves_all() {
            return Some(now + PAUSE);
        }
        let (mut over, next) = self.sort_out(now, self.egress.readies[ready].buffer.handles(&self.slab));
        // The buffer has its lists in no order, and equal calls give equal answers.
        over.sort_unstable_by_key(|(handle, _)| *handle);
        for (handle, expiry) in over {
            let queue = &mut self.queues[self.slab[handle].queue];
            queue.ready -= 1;
            self.egress.readies[ready].buffer.remove(&mut self.slab, handle, queue.tenant);
            self.slab[handle].place = Place::Nowhere;
            self.expire(handle, expiry);
        }
        self.refill(now, ready);
        next
    }

    /// Returns which of these messages are over, and when to look at the others again.
    fn sort_out(
        &self,
        now: Timestamp,
        handles: impl Iterator<Item = Handle>,
    ) -> (Vec<(Handle, Expiry)>, Option<Timestamp>) {
        let (mut over, mut left, mut next) = (Vec::new(), 0, None);
        for handle in handles {
            if let Some(expiry) = self.over_by(now, handle) {
                over.push((handle, expiry));
                continue;
            }
            let deadline = self.deadline(handle);
            next = Some(next.map_or(deadline, |next: Timestamp| next.min(deadline)));
            left += 1;
        }
        (over, next.map(|next| next.max(now + PAUSE * (1 + left / A_PAUSE_EACH))))
    }

    /// Returns why the time of a waiting message is over by then, if it is.
    pub(super) fn over_by(&self, then: Timestamp, handle: Handle) -> Option<Expiry> {
        let entry = &self.slab[handle];
        handover::over_by(then, self.state(handle), entry.due, self.queues[entry.queue].config.max_age)
    }

    fn deadline(&self, handle: Handle) -> Timestamp {
        let entry = &self.slab[handle];
        handover::deadline(self.state(handle), entry.due, self.queues[entry.queue].config.max_age)
    }

    pub(super) fn state(&self, handle: Handle) -> State<'_> {
        let entry = &self.slab[handle];
        State { created: entry.id.created(), attempts: entry.attempts, schedule: entry.schedule.as_deref() }
    }

    /// Checks that whoever has waiting messages is looked over in time.
    #[cfg(test)]
    pub(super) fn audit_looks(&self, now: Timestamp) {
        let kept = |look: Option<Timestamp>, holder, handles: Vec<Handle>| {
            let (pause, first) = (now + PAUSE, handles.iter().map(|handle| self.deadline(*handle)).min());
            let in_time = |first: Timestamp| {
                look.is_some_and(|look| look <= first.max(pause) && self.looks.0.contains(&(look, holder)))
            };
            assert!(first.is_none_or(in_time), "{holder:?} is looked over at {look:?}, not by {first:?}");
        };
        let count = self.queues.iter().filter(|(_, queue)| queue.look.is_some()).count()
            + self.egress.readies.iter().filter(|(_, ready)| ready.look.is_some()).count();
        assert_eq!(self.looks.0.len(), count, "a look is of nobody");
        for (index, queue) in self.queues.iter() {
            kept(queue.look, Holder::Queue(index), queue.due.iter(&self.slab).collect());
        }
        for (index, ready) in self.egress.readies.iter() {
            kept(ready.look, Holder::Ready(index), ready.buffer.handles(&self.slab).collect());
        }
    }
}
