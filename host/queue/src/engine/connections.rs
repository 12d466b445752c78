//! Connections: wanted, opened, given messages, idle, closed.
//!
//! A site that cannot be reached is found out once for all mail to it. When the last of a ready queue's connections fails
//! to come about and none of the batch succeeded, what it was promised counts a failed attempt; and when then no source
//! of the pool has a connection to the site, so does all of the lane's due mail. Nobody waits for a time-out of his own,
//! unless the limits want several failures in a row before: then each costs one message an attempt, and the others go on.
//! A single refusal only stops further connections until one succeeds, ends, or none is left.

use std::sync::Arc;

use tollgate_message::Timestamp;

use super::{
    Action, Cause, Closed, ConnectionId, Delivery, Engine, Lease, Next, Permit, Prospect, QueueIndex, ReadyIndex,
};
use crate::{
    handover::{self, Disposition, Outcome, Readiness, State, readiness},
    ready::{Shared, ready_queue::Want},
    scheduled::entry::{Handle, Place},
};

/// The luck by which back-off is what it is on average.
const NO_JITTER: f64 = 0.5;

/// A connection as the engine sees it.
#[derive(Debug)]
pub(super) struct Connection {
    ready: u32,
    serial: u64,
    activity: Activity,
    delivered: u32,
    /// As what it counts with connections of other ready queues.
    shared: Arc<Shared>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Activity {
    /// The shell is opening it.
    Opening,
    /// It is about to ask for a message, or to be closed.
    Free,
    /// It waits to be woken.
    Idle,
    /// It has this message.
    Busy(Handle),
}

impl Engine {
    /// Gives an open connection its next message. The first call for a connection says that it is open.
    ///
    /// A connection that has been given up as abandoned is told to close.
    pub fn next_delivery(&mut self, now: Timestamp, lease: Lease) -> Next {
        let id = lease.connection;
        let Some((ready, delivered)) = self.free(id) else {
            return Next::Close(lease);
        };
        if delivered >= self.egress.readies[ready].limits.max_deliveries_per_connection.max(1) {
            return Next::Close(lease);
        }
        let Some(handle) = self.take_ready(now, ready) else {
            self.egress.readies[ready].idle.push(id.index);
            self.egress.connections[id.index].activity = Activity::Idle;
            return Next::Idle(lease);
        };
        self.egress.readies[ready].busy += 1;
        self.egress.connections[id.index].activity = Activity::Busy(handle);
        let entry = &mut self.slab[handle];
        entry.place = Place::Flight(id.index);
        self.queues[entry.queue].in_flight += 1;
        let permit = Permit { lease, message: handle };
        Next::Deliver(Delivery { permit, id: entry.id, queue: QueueIndex(entry.queue), attempts: entry.attempts })
    }

    /// Takes a message back after an attempt, and returns the connection it was on with what becomes of it.
    ///
    /// A connection that died with a message in flight is reported here first, as [`Outcome::Transient`] (whether the
    /// message arrived is not known, so it is sent again), and then to [`Self::closed`].
    pub fn outcome(&mut self, now: Timestamp, permit: Permit, outcome: Outcome) -> (Lease, Disposition) {
        self.outcome_in(now, permit, None, outcome)
    }

    /// As [`Self::outcome`]; whatever is left to try again goes on in another queue, with its attempts, as that one has it.
    pub fn outcome_in(
        &mut self,
        now: Timestamp,
        permit: Permit,
        queue: Option<QueueIndex>,
        outcome: Outcome,
    ) -> (Lease, Disposition) {
        let is_lost = !self.is_in_flight(&permit);
        let Permit { lease, message } = permit;
        if is_lost {
            return (lease, Disposition::Void);
        }
        self.land(lease.connection, message);
        if let Some(QueueIndex(queue)) = queue {
            self.rehome(now, message, queue);
        }
        let disposition = self.conclude(now, message, outcome);
        (lease, disposition)
    }

    /// Returns what lies before a message in flight if its attempt fails for now; nothing where that would be its end, or
    /// where its connection was given up.
    #[must_use]
    pub fn prospect(&self, now: Timestamp, permit: &Permit) -> Option<Prospect> {
        if !self.is_in_flight(permit) {
            return None;
        }
        let entry = &self.slab[permit.message];
        let state =
            State { created: entry.id.created(), attempts: entry.attempts, schedule: entry.schedule.as_deref() };
        let config = &self.queues[entry.queue].config;
        match handover::dispose(now, state, config, Outcome::Transient, NO_JITTER) {
            Disposition::Retry { due, attempts } => {
                Some(Prospect { due, last_due: handover::last_due(state, config), attempts })
            }
            _ => None,
        }
    }

    fn is_in_flight(&self, permit: &Permit) -> bool {
        let connection = self.connection(permit.lease.connection);
        connection.is_some_and(|connection| connection.activity == Activity::Busy(permit.message))
    }

    /// Makes a message that is in no list another queue's.
    fn rehome(&mut self, now: Timestamp, message: Handle, queue: u32) {
        let before = std::mem::replace(&mut self.slab[message].queue, queue);
        self.queues[before].messages -= 1;
        let after = &mut self.queues[queue];
        after.messages += 1;
        after.touched = now;
    }

    /// Takes back a connection that is no more.
    #[expect(clippy::needless_pass_by_value, reason = "the lease ends here: nobody can use it after this")]
    pub fn closed(&mut self, now: Timestamp, lease: Lease, why: Closed) {
        self.close(now, lease.connection, why);
    }

    /// Takes back a connection whose lease, or permit, is lost, as when the task that had it died.
    ///
    /// Its message, if one was in flight, counts a failed attempt, with this text. Should the lease or the permit turn
    /// up after all, it is void.
    pub fn abandoned(&mut self, now: Timestamp, connection: ConnectionId, text: &Arc<str>) {
        let why = match self.connection(connection).map(|connection| connection.activity) {
            Some(Activity::Busy(message)) => {
                self.land(connection, message);
                let settled = self.settle(now, message, Cause::Abandoned(Arc::clone(text)));
                self.agenda.actions.push_back(Action::Settled(settled));
                Closed::Finished
            }
            Some(Activity::Opening) => Closed::NotConnected(Arc::clone(text)),
            Some(Activity::Free | Activity::Idle) | None => Closed::Finished,
        };
        self.close(now, connection, why);
    }

    /// Puts a ready queue on the list of those that may want something.
    pub(super) fn attend(&mut self, ready: u32) {
        let queue = &mut self.egress.readies[ready];
        if !queue.listed {
            queue.listed = true;
            self.agenda.attention.push_back(ready);
        }
    }

    /// Returns what a ready queue wants done.
    pub(super) fn next_want(&mut self, now: Timestamp) -> Option<Action> {
        while let Some(&ready) = self.agenda.attention.front() {
            match self.egress.readies[ready].want() {
                Want::Connect if self.may_connect(now, ready) => return Some(self.connect(ready)),
                Want::Connect => self.egress.readies[ready].connections -= 1,
                Want::Wake(index) => {
                    let connection = &mut self.egress.connections[index];
                    connection.activity = Activity::Free;
                    return Some(Action::Wake(ConnectionId { index, serial: connection.serial }));
                }
                Want::Nothing => {
                    self.egress.readies[ready].listed = false;
                    self.agenda.attention.pop_front();
                }
            }
        }
        None
    }

    fn connect(&mut self, ready: u32) -> Action {
        let egress = &mut self.egress;
        egress.serial += 1;
        let serial = egress.serial;
        let shared = egress.share_connection(ready);
        let connection = Connection { ready, serial, activity: Activity::Opening, delivered: 0, shared };
        let index = egress.connections.insert(connection);
        let (site, domain) = egress.site_of(ready);
        let lease = Lease { connection: ConnectionId { index, serial } };
        let source = Arc::clone(&egress.readies[ready].source);
        Action::Connect { ready: ReadyIndex(ready), lease, source, site, domain }
    }

    /// Returns the name of the connection of this number.
    pub(super) fn connection_id(&self, index: u32) -> ConnectionId {
        ConnectionId { index, serial: self.egress.connections[index].serial }
    }

    fn connection(&self, id: ConnectionId) -> Option<&Connection> {
        self.egress.connections.get(id.index).filter(|connection| connection.serial == id.serial)
    }

    /// Marks a connection as free for a message; returns its ready queue and how many it has carried.
    fn free(&mut self, id: ConnectionId) -> Option<(u32, u32)> {
        let &Connection { ready, activity, delivered, .. } = self.connection(id)?;
        let queue = &mut self.egress.readies[ready];
        match activity {
            Activity::Opening => (queue.holding, queue.reached, queue.failures) = (false, true, 0),
            Activity::Idle => queue.idle.retain(|idle| *idle != id.index),
            Activity::Free => {}
            // Its lease is inside the permit, so nobody can ask.
            Activity::Busy(_) => return None,
        }
        self.egress.connections[id.index].activity = Activity::Free;
        self.attend(ready);
        Some((ready, delivered))
    }

    /// Takes the next message of a ready queue that may go now, and lets the lanes fill its place.
    fn take_ready(&mut self, now: Timestamp, ready: u32) -> Option<Handle> {
        while self.may_send(now, ready) {
            let handle = self.egress.readies[ready].buffer.pop(&mut self.slab)?;
            let queue = &mut self.queues[self.slab[handle].queue];
            queue.ready -= 1;
            self.slab[handle].place = Place::Nowhere;
            if queue.is_parked() {
                // Suspended since it was promised: back to where it came from, and not an attempt.
                self.slab[handle].place = Place::Due;
                queue.due.push_front(&mut self.slab, handle);
                self.watch(handle);
                self.refill(now, ready);
                continue;
            }
            self.refill(now, ready);
            match readiness(now, self.slab[handle].schedule.as_deref()) {
                Readiness::Go => {
                    self.charge_message(now, ready);
                    return Some(handle);
                }
                readiness => self.defer(handle, readiness),
            }
        }
        None
    }

    /// Takes a message off its connection.
    fn land(&mut self, connection: ConnectionId, message: Handle) {
        let connection = &mut self.egress.connections[connection.index];
        connection.activity = Activity::Free;
        connection.delivered = connection.delivered.saturating_add(1);
        self.egress.readies[connection.ready].busy -= 1;
        let entry = &mut self.slab[message];
        entry.place = Place::Nowhere;
        self.queues[entry.queue].in_flight -= 1;
    }

    fn close(&mut self, now: Timestamp, id: ConnectionId, why: Closed) {
        if self.connection(id).is_none() {
            return;
        }
        let Some(Connection { ready, shared, .. }) = self.egress.connections.remove(id.index) else { return };
        let queue = &mut self.egress.readies[ready];
        queue.idle.retain(|idle| *idle != id.index);
        queue.connections -= 1;
        let last = queue.connections == 0;
        let unreachable = last && !queue.reached;
        queue.holding = !last && matches!(why, Closed::NotConnected(_));
        queue.reached &= !last;
        if let Closed::NotConnected(text) = why {
            queue.failures = queue.failures.saturating_add(1);
            queue.failed += 1;
            if unreachable {
                self.fail(now, ready, &text);
            }
        }
        let queue = &mut self.egress.readies[ready];
        queue.failed *= u32::from(!last);
        self.attend(ready);
        self.egress.unshare_connection(&shared).into_iter().for_each(|freed| self.attend(freed));
    }

    /// Counts a failed attempt for what a ready queue was promised, and for its lanes' mail where no source is left. While its
    /// limits want more failures in a row first, only for as many messages as connections failed.
    fn fail(&mut self, now: Timestamp, ready: u32, text: &Arc<str>) {
        let queue = &self.egress.readies[ready];
        let enough = queue.failures >= queue.limits.consecutive_connection_failures_before_delay;
        let count = if enough { u32::MAX } else { queue.failed };
        for _ in 0..count {
            let Some(handle) = self.egress.readies[ready].buffer.pop(&mut self.slab) else { break };
            self.queues[self.slab[handle].queue].ready -= 1;
            self.slab[handle].place = Place::Nowhere;
            let settled = self.settle(now, handle, Cause::Unreachable(Arc::clone(text)));
            self.agenda.actions.push_back(Action::Settled(settled));
        }
        if !enough {
            return self.refill(now, ready);
        }
        for lane in self.egress.readies[ready].lanes.clone() {
            if self.egress.has_connection(lane) {
                self.pump(now, lane);
                continue;
            }
            for queue in self.egress.lanes[lane].turns.queues() {
                self.rest(queue);
                self.sweep(queue, Cause::Unreachable(Arc::clone(text)));
            }
        }
    }
}
