//! From scheduled to ready: finding out where a queue's mail goes, and pulling it when there is room.
//!
//! A queue that gets due mail is looked at once: it joins a lane, has its name resolved, or is swept, which means that
//! its due messages end or back off for a reason that holds for all of them. From then on ready queues pull, so a
//! message costs the same however many wait. Whether its schedule lets it go is checked again when it moves.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tollgate_message::Timestamp;

use super::{Action, Cause, Engine, QueueIndex, Resolution, ResolveError};
use crate::{
    handover::{Readiness, readiness},
    ready::{Limits, OwnLimits, Pool, fairness::COST, pool},
    scheduled::{
        Route,
        entry::{Handle, Place},
        queue::{Destination, Queue, Standing},
    },
};

/// A resolved name holds at least this long, so that an answer valid for no time at all is not asked for again at once.
const SHORTEST_VALIDITY: Duration = Duration::from_secs(1);

impl Engine {
    /// Answers [`Action::Resolve`]. An answer that the queue does not wait for, or no longer needs, changes nothing.
    pub fn resolved(&mut self, now: Timestamp, queue: QueueIndex, answer: Result<Resolution, ResolveError>) {
        let asking = |queue: &&mut Queue| matches!(queue.standing, Standing::Resolving);
        let Some(state) = self.queues.get_mut(queue.0).filter(asking) else {
            return;
        };
        state.standing = Standing::Rest;
        let wanted = state.config.route == Route::ByMx;
        match answer {
            Ok(Resolution { site, valid }) if wanted => {
                state.site = Some((Arc::new(site), now + valid.max(SHORTEST_VALIDITY)));
                self.activate(now, queue.0);
            }
            Err(error) if wanted && !state.is_parked() => self.sweep(queue.0, error.into()),
            _ => self.activate(now, queue.0),
        }
    }

    /// Takes a new or changed pool. What its sources were promised already stays theirs.
    pub fn define_pool(&mut self, now: Timestamp, pool: Pool) {
        for lane in self.egress.define_pool(pool) {
            // The pool may have lost its last source, or gained room.
            for queue in self.egress.lanes[lane].turns.queues() {
                self.rest(queue);
                self.activate(now, queue);
            }
        }
    }

    /// Takes new limits, for everywhere and by the names of sites.
    pub fn set_limits(&mut self, now: Timestamp, limits: Limits, by_site: HashMap<String, Limits>) {
        let readies = self.egress.set_limits(limits, by_site);
        self.limits_changed(now, readies);
    }

    /// Has [`Action::Limit`] asked about every way that mail takes, or no longer. Ways that are in use are asked about anew, and
    /// go on meanwhile.
    pub fn ask_paths(&mut self, now: Timestamp, asks: bool) {
        let readies = self.egress.ask_paths(asks);
        self.limits_changed(now, readies);
    }

    /// Answers [`Action::Limit`], or changes an answer. Of a way that no mail takes any more, nothing is kept.
    pub fn limit_path(&mut self, now: Timestamp, source: &str, site: &str, own: OwnLimits) {
        let readies = self.egress.limit_path(source, site, own);
        self.limits_changed(now, readies);
    }

    /// Returns whether mail takes the way from a source to a site.
    #[must_use]
    pub fn has_path(&self, source: &str, site: &str) -> bool {
        self.egress.path(source, site).is_some()
    }

    /// Lets ready queues use the room that new limits may give them.
    pub(super) fn limits_changed(&mut self, now: Timestamp, readies: Vec<u32>) {
        for ready in readies {
            self.leave_lines(ready);
            self.egress.readies[ready].crowded_out = false;
            self.refill(now, ready);
            self.attend(ready);
        }
    }

    /// Sees to it that somebody serves a queue with due messages.
    pub(super) fn activate(&mut self, now: Timestamp, index: u32) {
        let queue = &self.queues[index];
        if queue.due.is_empty() || queue.is_parked() || !matches!(queue.standing, Standing::Rest) {
            return;
        }
        match queue.destination(now) {
            Destination::Discard => self.sweep(index, Cause::Discarded),
            Destination::Unresolved => {
                let domain = queue.name.route().to_owned();
                self.queues[index].standing = Standing::Resolving;
                self.agenda.actions.push_back(Action::Resolve { queue: QueueIndex(index), domain });
            }
            Destination::Site(site) => {
                let (domain, limits) = (queue.name.route(), queue.config.limits.clone());
                let pool = queue.config.egress_pool.as_deref().filter(|_| !site.is_here());
                match self.egress.lane(&site, domain, pool, limits) {
                    Some(lane) => self.enter(now, index, lane),
                    None => {
                        let pool = queue.config.egress_pool.clone().unwrap_or_else(|| pool::UNSPECIFIED.to_owned());
                        self.sweep(index, Cause::NoSource { pool });
                    }
                }
            }
        }
    }

    /// Takes a queue from whoever serves it. One whose name is being resolved goes on waiting for the answer.
    pub(super) fn rest(&mut self, index: u32) {
        let queue = &mut self.queues[index];
        match queue.standing {
            Standing::Resolving => return,
            Standing::Lane(lane) => self.egress.lanes[lane].turns.leave(queue.tenant, index),
            Standing::Throttled(ticket) => self.throttling.leave(ticket),
            Standing::Rest | Standing::Swept { .. } => {}
        }
        queue.standing = Standing::Rest;
    }

    /// Ends, or backs off, all messages that are due in a queue by now.
    pub(super) fn sweep(&mut self, index: u32, cause: Cause) {
        let queue = &mut self.queues[index];
        queue.standing = Standing::Swept { left: queue.due.len(), cause };
        self.agenda.sweeps.push_back(index);
    }

    /// Settles one message of the sweeps under way.
    pub(super) fn sweep_one(&mut self, now: Timestamp) -> Option<Action> {
        while let Some(&index) = self.agenda.sweeps.front() {
            if let Some((handle, cause)) = self.take_swept(index) {
                return Some(Action::Settled(self.settle(now, handle, cause)));
            }
            self.agenda.sweeps.pop_front();
            if let Some(Standing::Swept { .. }) = self.queues.get(index).map(|queue| &queue.standing) {
                self.rest(index);
                self.activate(now, index);
            }
        }
        None
    }

    fn take_swept(&mut self, index: u32) -> Option<(Handle, Cause)> {
        let queue = self.queues.get_mut(index)?;
        let Standing::Swept { left, cause } = &mut queue.standing else {
            return None;
        };
        *left = left.checked_sub(1)?;
        let handle = queue.due.pop_front(&mut self.slab)?;
        self.slab[handle].place = Place::Nowhere;
        Some((handle, cause.clone()))
    }

    fn enter(&mut self, now: Timestamp, index: u32, lane: u32) {
        let queue = &mut self.queues[index];
        queue.standing = Standing::Lane(lane);
        self.egress.lanes[lane].turns.join(queue.tenant, index);
        self.pump(now, lane);
    }

    /// Lets a ready queue's lanes fill the room that it has, beginning with the one whose turn it is.
    pub(super) fn refill(&mut self, now: Timestamp, ready: u32) {
        let queue = &mut self.egress.readies[ready];
        let lanes = queue.lanes.len();
        let first = queue.turn;
        queue.turn = (first + 1) % lanes.max(1);
        for n in 0..lanes {
            let queue = &self.egress.readies[ready];
            if !queue.has_room() {
                break;
            }
            self.pump(now, queue.lanes[(first + n) % lanes]);
        }
    }

    /// Moves messages from a lane to its ready queues until they are full or the lane is empty.
    pub(super) fn pump(&mut self, now: Timestamp, lane: u32) {
        loop {
            self.limit_selection(now, lane);
            if !self.egress.has_room(lane) {
                break;
            }
            let Some(handle) = self.take_due(now, lane) else {
                break;
            };
            let ready =
                self.egress.pick(lane).expect("a ready queue that had room before the message was taken has it still");
            let entry = &mut self.slab[handle];
            entry.place = Place::Ready(ready);
            let queue = &mut self.queues[entry.queue];
            queue.ready += 1;
            self.egress.readies[ready].buffer.push(&mut self.slab, handle, queue.tenant);
            self.charge_selection(now, ready);
            self.watch(handle);
            self.attend(ready);
        }
    }

    /// Takes the message whose turn it is in a lane, putting off those that may not go now and
    /// queues whose rates let none through.
    fn take_due(&mut self, now: Timestamp, lane: u32) -> Option<Handle> {
        while let Some((_, index)) = self.egress.lanes[lane].turns.turn() {
            if self.queues[index].destination(now) == Destination::Unresolved {
                self.rest(index);
                self.activate(now, index);
                continue;
            }
            if !self.passes(now, index) {
                continue;
            }
            let handle = self.queues[index].due.pop_front(&mut self.slab);
            let handle = handle.expect("a queue stands in a lane as long as it has due messages");
            self.slab[handle].place = Place::Nowhere;
            let readiness = readiness(now, self.slab[handle].schedule.as_deref());
            if readiness == Readiness::Go {
                self.egress.lanes[lane].turns.charge(COST);
                self.throttling.take(now, &self.queues[index].buckets);
            }
            if self.queues[index].due.is_empty() {
                self.rest(index);
            }
            match readiness {
                Readiness::Go => return Some(handle),
                _ => self.defer(handle, readiness),
            }
        }
        None
    }
}

impl From<ResolveError> for Cause {
    fn from(error: ResolveError) -> Self {
        match error {
            ResolveError::Transient(text) => Self::Unresolved(text),
            ResolveError::Permanent(why, text) => Self::Unroutable(why, text),
        }
    }
}
