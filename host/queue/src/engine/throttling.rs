//! Rates: who has to wait for a bucket, in which order, and until when.
//!
//! What waits is a queue, never a message: a queue takes its next message only when all its buckets let one through, and
//! otherwise stands in line at the bucket that takes longest. At the bucket's next token the first in line is woken, and
//! goes to the back of the line with its next message; so a hundred thousand messages behind one rate cost one wake-up
//! each, and the queues that share a rate share it evenly. Ready queues stand in the same lines for their own rates.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tollgate_message::Timestamp;

use super::Engine;
use crate::{
    scheduled::{entry::Place, queue::Standing},
    table::Table,
    throttle::{Store, Throttle},
};

/// A place in the line at a bucket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Ticket {
    bucket: u32,
    number: u64,
}

/// Who stands in line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Waiter {
    /// A scheduled queue.
    Queue(u32),
    /// A ready queue, for its next message.
    Message(u32),
    /// A ready queue, for its next connection.
    Connection(u32),
    /// A ready queue, for being picked.
    Selection(u32),
}

/// The buckets in use, and the lines at them.
#[derive(Debug)]
pub(super) struct Throttling {
    store: Box<dyn Store>,
    buckets: Table<Bucket>,
    numbers: HashMap<Throttle, u32>,
    /// When to look at the line of a bucket.
    wakes: BTreeSet<(Timestamp, u32)>,
    tickets: u64,
}

#[derive(Debug)]
struct Bucket {
    throttle: Throttle,
    /// How many queues have it.
    users: u32,
    line: BTreeMap<u64, Waiter>,
    /// Its entry in `wakes`; there as long as somebody stands in line.
    wake: Option<Timestamp>,
}

impl Throttling {
    pub(super) fn new(store: Box<dyn Store>) -> Self {
        Self { store, buckets: Table::new(), numbers: HashMap::new(), wakes: BTreeSet::new(), tickets: 0 }
    }

    /// Returns the number of a bucket, for one more user.
    pub(super) fn acquire(&mut self, throttle: &Throttle) -> u32 {
        if let Some(&bucket) = self.numbers.get(throttle) {
            self.buckets[bucket].users += 1;
            return bucket;
        }
        let throttle = throttle.clone();
        let bucket = Bucket { throttle: throttle.clone(), users: 1, line: BTreeMap::new(), wake: None };
        let bucket = self.buckets.insert(bucket);
        self.numbers.insert(throttle, bucket);
        bucket
    }

    /// Takes back the number of a bucket from one of its users, who does not stand in its line.
    pub(super) fn release(&mut self, bucket: u32) {
        self.buckets[bucket].users -= 1;
        if self.buckets[bucket].users > 0 {
            return;
        }
        self.rest(bucket);
        let gone = self.buckets.remove(bucket).expect("it was there a line above");
        self.numbers.remove(&gone.throttle);
    }

    /// Returns when all of these let one through, and the one that takes longest; `None` if they do so now.
    pub(super) fn wait(&mut self, now: Timestamp, buckets: &[u32]) -> Option<(Timestamp, u32)> {
        let (store, table) = (&mut self.store, &self.buckets);
        let next = |bucket: u32| (store.next(now, &table[bucket].throttle), bucket);
        buckets.iter().copied().map(next).max_by_key(|(at, _)| *at).filter(|(at, _)| *at > now)
    }

    /// Charges each of these.
    pub(super) fn take(&mut self, now: Timestamp, buckets: &[u32]) {
        for bucket in buckets {
            self.store.take(now, &self.buckets[*bucket].throttle);
        }
    }

    /// Puts somebody at the end of a line, to be looked at no later than `at`.
    pub(super) fn stand(&mut self, bucket: u32, at: Timestamp, waiter: Waiter) -> Ticket {
        self.tickets += 1;
        self.buckets[bucket].line.insert(self.tickets, waiter);
        if self.buckets[bucket].wake.is_none_or(|wake| at < wake) {
            self.wake(bucket, at);
        }
        Ticket { bucket, number: self.tickets }
    }

    /// Has somebody stand in line at that of several buckets which takes longest; `None` if all let one through now. The
    /// bucket is acquired for him, to be released when he is woken.
    fn queue_up(&mut self, now: Timestamp, throttles: &[Throttle], waiter: Waiter) -> Option<Ticket> {
        let next = throttles.iter().map(|throttle| (self.store.next(now, throttle), throttle));
        let (at, throttle) = next.max_by_key(|(at, _)| *at).filter(|(at, _)| *at > now)?;
        let bucket = self.acquire(throttle);
        Some(self.stand(bucket, at, waiter))
    }

    /// Charges each of these.
    fn charge(&mut self, now: Timestamp, throttles: &[Throttle]) {
        for throttle in throttles {
            self.store.take(now, throttle);
        }
    }

    /// Takes somebody out of a line for which a bucket was acquired.
    pub(super) fn give_up(&mut self, ticket: Ticket) {
        self.leave(ticket);
        self.release(ticket.bucket);
    }

    /// Takes somebody out of a line.
    pub(super) fn leave(&mut self, Ticket { bucket, number }: Ticket) {
        self.buckets[bucket].line.remove(&number);
        if self.buckets[bucket].line.is_empty() {
            self.rest(bucket);
        }
    }

    /// Returns the next time at which a line has to be looked at.
    pub(super) fn next_wake(&self) -> Option<Timestamp> {
        self.wakes.first().map(|(at, _)| *at)
    }

    /// Returns a bucket whose line has to be looked at by now.
    fn woken(&self, now: Timestamp) -> Option<u32> {
        self.wakes.first().filter(|(at, _)| *at <= now).map(|(_, bucket)| *bucket)
    }

    /// Takes the first out of a line if the bucket lets one through; else sees to it that the line is looked at when it
    /// does.
    fn next_in_line(&mut self, now: Timestamp, bucket: u32) -> Option<Waiter> {
        let state = self.buckets.get_mut(bucket)?;
        let next = self.store.next(now, &state.throttle);
        if next > now && !state.line.is_empty() {
            self.wake(bucket, next);
            return None;
        }
        let first = state.line.pop_first();
        if state.line.is_empty() {
            self.rest(bucket);
        }
        first.map(|(_, waiter)| waiter)
    }

    pub(super) fn tidy(&mut self, now: Timestamp) {
        self.store.tidy(now);
    }

    /// Checks that a queue stands in a line exactly if it says so, and that the line will be looked at.
    #[cfg(test)]
    pub(super) fn audit(&self, queue: u32, standing: &Standing) {
        let places = self.buckets.iter().flat_map(|(bucket, state)| {
            let here = state.line.iter().filter(|(_, waiter)| **waiter == Waiter::Queue(queue));
            here.map(move |(number, _)| Ticket { bucket, number: *number })
        });
        let expected = if let Standing::Throttled(ticket) = standing { vec![*ticket] } else { vec![] };
        assert_eq!(places.collect::<Vec<_>>(), expected);
        for (bucket, state) in self.buckets.iter() {
            assert_eq!(state.line.is_empty(), state.wake.is_none());
            assert!(state.wake.is_none_or(|at| self.wakes.contains(&(at, bucket))));
        }
    }

    fn wake(&mut self, bucket: u32, at: Timestamp) {
        self.rest(bucket);
        self.buckets[bucket].wake = Some(at);
        self.wakes.insert((at, bucket));
    }

    fn rest(&mut self, bucket: u32) {
        if let Some(wake) = self.buckets[bucket].wake.take() {
            self.wakes.remove(&(wake, bucket));
        }
    }
}

impl Engine {
    /// Wakes who stands first in the lines of buckets that let one through by now.
    ///
    /// One whose ready queues are full takes no token; then the next in line is woken, whose site may have room.
    pub(super) fn serve_lines(&mut self, now: Timestamp) {
        while let Some(bucket) = self.throttling.woken(now) {
            while let Some(waiter) = self.throttling.next_in_line(now, bucket) {
                match waiter {
                    Waiter::Queue(queue) => {
                        self.queues[queue].standing = Standing::Rest;
                        self.activate(now, queue);
                    }
                    Waiter::Message(ready) => {
                        self.egress.readies[ready].message_ticket = None;
                        self.woken_ready(bucket, ready);
                    }
                    Waiter::Connection(ready) => {
                        self.egress.readies[ready].connection_ticket = None;
                        self.woken_ready(bucket, ready);
                    }
                    Waiter::Selection(ready) => {
                        self.egress.readies[ready].selection_ticket = None;
                        self.throttling.release(bucket);
                        self.refill(now, ready);
                    }
                }
            }
        }
    }

    /// Has a queue stand in line if its rates let no message through now; returns whether they do.
    ///
    /// Its first messages end instead if they would be too old by then: a throttle that is slower than mail comes in
    /// would else keep mail for ever.
    pub(super) fn passes(&mut self, now: Timestamp, index: u32) -> bool {
        let Some((at, bucket)) = self.throttling.wait(now, &self.queues[index].buckets) else {
            return true;
        };
        self.expire_before(at, index);
        self.rest(index);
        if !self.queues[index].due.is_empty() {
            self.queues[index].standing = Standing::Throttled(self.throttling.stand(bucket, at, Waiter::Queue(index)));
        }
        false
    }

    /// Ends the messages in front of a queue whose time is over when the next may go.
    fn expire_before(&mut self, next: Timestamp, index: u32) {
        while let Some(handle) = self.queues[index].due.front() {
            let Some(expiry) = self.over_by(next, handle) else {
                return;
            };
            self.queues[index].due.pop_front(&mut self.slab);
            self.slab[handle].place = Place::Nowhere;
            self.expire(handle, expiry);
        }
    }

    /// Returns whether a ready queue's rate lets a message through now; else it stands in line for it.
    pub(super) fn may_send(&mut self, now: Timestamp, ready: u32) -> bool {
        let state = &self.egress.readies[ready];
        if state.message_ticket.is_some() || state.buffer.len() == 0 {
            return state.message_ticket.is_none();
        }
        let ticket = self.throttling.queue_up(now, &state.throttles.message, Waiter::Message(ready));
        self.egress.readies[ready].message_ticket = ticket;
        ticket.is_none()
    }

    /// Charges a ready queue's rates with a message.
    pub(super) fn charge_message(&mut self, now: Timestamp, ready: u32) {
        self.throttling.charge(now, &self.egress.readies[ready].throttles.message);
    }

    /// Returns whether a connection may be opened for a ready queue now, and charges its rate; else it stands in line, or waits
    /// until one is closed that it shares with others.
    pub(super) fn may_connect(&mut self, now: Timestamp, ready: u32) -> bool {
        if self.egress.is_crowded_out(ready) {
            self.egress.readies[ready].crowded_out = true;
            return false;
        }
        let state = &mut self.egress.readies[ready];
        state.connection_ticket = self.throttling.queue_up(now, &state.throttles.connection, Waiter::Connection(ready));
        if state.connection_ticket.is_none() {
            self.throttling.charge(now, &state.throttles.connection);
        }
        state.connection_ticket.is_none()
    }

    /// Has those sources of a lane stand in line whose rates let nothing be promised to them now.
    pub(super) fn limit_selection(&mut self, now: Timestamp, lane: u32) {
        for candidate in 0..self.egress.lanes[lane].candidates.len() {
            let ready = self.egress.lanes[lane].candidates[candidate].ready;
            let state = &mut self.egress.readies[ready];
            if !state.throttles.selection.is_empty() && state.has_room() {
                let waiter = Waiter::Selection(ready);
                state.selection_ticket = self.throttling.queue_up(now, &state.throttles.selection, waiter);
            }
        }
    }

    /// Charges a ready queue's rates with being picked.
    pub(super) fn charge_selection(&mut self, now: Timestamp, ready: u32) {
        self.throttling.charge(now, &self.egress.readies[ready].throttles.selection);
    }

    /// Takes a ready queue out of the lines in which it stood for rates that it may not have any more.
    pub(super) fn leave_lines(&mut self, ready: u32) {
        self.egress.readies[ready].take_tickets().for_each(|ticket| self.throttling.give_up(ticket));
    }

    fn woken_ready(&mut self, bucket: u32, ready: u32) {
        self.throttling.release(bucket);
        self.attend(ready);
    }

    /// Gives a queue the buckets of its configuration, in place of those that it had.
    pub(super) fn assign_buckets(&mut self, index: u32) {
        let queue = &mut self.queues[index];
        let acquired = queue.config.throttles.iter().map(|throttle| self.throttling.acquire(throttle)).collect();
        // Acquired first, so that a bucket that stays is not dropped in between.
        let released = std::mem::replace(&mut queue.buckets, acquired);
        released.into_iter().for_each(|bucket| self.throttling.release(bucket));
    }
}
