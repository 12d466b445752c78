//! The face of the crate: one value that holds all messages and says what to do next.
//!
//! Calls come from one place at a time; each takes the time as an argument. After each call the shell drains
//! [`Engine::next_action`], and it calls [`Engine::advance`] no later than [`Engine::next_wake`]. The parts: `intake`
//! takes messages in and carries out what is decided about them, `promotion` moves them from scheduled to ready queues,
//! `throttling` makes them wait for their rates, `ageing` ends those that wait too long, `connections` hands them out,
//! `administration` is for operators, `egress` keeps pools, sites and ready queues.
//!
//! What is durable is the shell's: it writes down a disposition before it acts on the next one.
//!
//! Invariant: the place in a message's entry is the list it is in, and each queue's counts add up to its messages.

mod action;
mod administration;
mod ageing;
#[cfg(test)]
mod ages;
mod connections;
mod egress;
mod intake;
#[cfg(test)]
mod paths;
mod promotion;
#[cfg(test)]
mod rates;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
mod throttling;
#[cfg(test)]
mod week;

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use tollgate_message::{QueueName, Timestamp};

pub use action::{
    Action, Cause, Closed, ConnectionId, Delivery, EgressSettings, Entrance, Lease, MessageStatus, NewMessage, Next,
    NoRoute, Permit, Placement, Prospect, QueueIndex, QueueStatus, ReadyIndex, ReadyStatus, Resolution, ResolveError,
    Settled, Totals, Withdrawn,
};
use ageing::Looks;
use egress::Egress;
use throttling::Throttling;
pub(crate) use throttling::Ticket;

use crate::{
    random::Random,
    scheduled::{entry::Slab, queue::Queue, wheel::Wheel},
    table::Table,
    throttle::{LocalStore, Store},
};

/// The time that does not come: what is parked until then waits for [`Engine::resume`].
pub const FOREVER: Timestamp = Timestamp::from_millis(u64::MAX);

/// All queues of the node.
#[derive(Debug)]
pub struct Engine {
    slab: Slab,
    wheel: Wheel,
    queues: Table<Queue>,
    names: HashMap<Arc<QueueName>, u32>,
    tenants: HashMap<Option<String>, u32>,
    /// What is suspended until a time, by that time.
    parks: BTreeSet<(Timestamp, Parked)>,
    throttling: Throttling,
    looks: Looks,
    egress: Egress,
    agenda: Agenda,
    random: Random,
}

/// What can be suspended.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Parked {
    /// A scheduled queue.
    Queue(u32),
    /// A ready queue, by name.
    Ready(Arc<str>),
}

/// What is still to be told to the shell.
#[derive(Debug, Default)]
struct Agenda {
    actions: VecDeque<Action>,
    /// Queues whose due messages end or back off, one for each action drained.
    sweeps: VecDeque<u32>,
    /// Ready queues that may want a connection.
    attention: VecDeque<u32>,
}

impl Engine {
    /// Returns an engine without messages; equal seeds and calls give equal answers.
    #[must_use]
    pub fn new(settings: EgressSettings, seed: u64) -> Self {
        Self::with_store(settings, seed, Box::new(LocalStore::default()))
    }

    /// Returns an engine whose rates are counted in this store.
    #[must_use]
    pub fn with_store(settings: EgressSettings, seed: u64, store: Box<dyn Store>) -> Self {
        Self {
            slab: Slab::new(),
            wheel: Wheel::new(),
            queues: Table::new(),
            names: HashMap::new(),
            tenants: HashMap::new(),
            parks: BTreeSet::new(),
            throttling: Throttling::new(store),
            looks: Looks::default(),
            egress: Egress::new(settings),
            agenda: Agenda::default(),
            random: Random::new(seed),
        }
    }

    /// Returns when [`Self::advance`] is to be called next, `None` if nothing waits for a time.
    #[must_use]
    pub fn next_wake(&self) -> Option<Timestamp> {
        let park = self.parks.first().map(|(until, _)| *until);
        [self.wheel.next_wake(), park, self.throttling.next_wake(), self.looks.next()].into_iter().flatten().min()
    }

    /// Returns the next thing for the shell to do; to be called after any other call, until there is none.
    pub fn next_action(&mut self, now: Timestamp) -> Option<Action> {
        if let Some(action) = self.agenda.actions.pop_front().or_else(|| self.egress.questions.pop()) {
            return Some(action);
        }
        // A sweep may come upon a queue whose destination has to be resolved, so actions are looked at again.
        let swept = self.sweep_one(now);
        let actions = (&mut self.agenda.actions, &mut self.egress.questions);
        let next = swept.or_else(|| actions.0.pop_front()).or_else(|| actions.1.pop());
        next.or_else(|| self.next_want(now))
    }
}
