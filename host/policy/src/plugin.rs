//! Whoever answers events.

use std::sync::Arc;

use tollgate_message::{Edits, QueueName, Received};

use crate::{Answer, Failure, Settings, Throttle};

/// The events that a plugin may handle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// A message is about to be accepted.
    MessageReceived,
    /// A queue's settings are needed.
    QueueConfig,
    /// Rates shared by queues are needed.
    Throttles,
}

/// A set of events.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Events(u8);

impl Events {
    /// Returns the set with this event in it too.
    #[must_use]
    pub fn with(self, event: Event) -> Self {
        Self(self.0 | (1 << event as u8))
    }

    /// Returns whether the event is in the set.
    #[must_use]
    pub fn contains(self, event: Event) -> bool {
        self.0 & (1 << event as u8) != 0
    }
}

/// When in a message's reception a plugin is asked; always in this order, whatever the order of configuration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Phase {
    /// While the session is open, before there is a message.
    Session,
    /// The operator's plugins.
    #[default]
    Received,
    /// The plugin that decides tenant, campaign and queue, and authorises.
    Queue,
    /// The tenant's own component.
    Tenant,
}

/// On which thread a plugin runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Placement {
    /// On the thread that serves the session: for operators' plugins, warm and quick.
    Inline,
    /// On a policy worker, so that it cannot hold up a session.
    Worker,
}

/// What a plugin takes of the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Vitals {
    /// Instances of it that are there, busy or not.
    pub instances: u32,
    /// Octets of memory of the largest instance that there was.
    pub memory: u64,
    /// Calls to the host in all events so far.
    pub host_calls: u64,
    /// Whether instances start with their configuration in memory.
    pub has_snapshot: bool,
}

/// Something that answers events, in its own time, without async: it computes and returns.
///
/// Only events in [`Plugin::events`] are asked. All methods are called from many threads.
pub trait Plugin: Send + Sync {
    /// Returns the name that the operator gave it.
    fn name(&self) -> &str;

    /// Returns the events that it handles.
    fn events(&self) -> Events;

    /// Returns where it runs.
    fn placement(&self) -> Placement;

    /// Returns the digest of what it runs, hexadecimal; empty for one that is part of the program.
    fn digest(&self) -> String {
        String::new()
    }

    /// Returns what it takes of the machine.
    fn vitals(&self) -> Vitals {
        Vitals::default()
    }

    /// Judges a message. The edits come back changed with the answer; with a failure they are gone, and the caller's copy holds.
    ///
    /// # Errors
    /// [`Failure`] where there is no usable answer.
    fn message_received(&self, received: &Arc<Received>, edits: Edits) -> Result<(Edits, Answer), Failure>;

    /// Returns what this plugin sets for a queue, or nothing to pass.
    ///
    /// # Errors
    /// [`Failure`] where there is no usable answer.
    fn queue_config(&self, name: &QueueName, so_far: &Settings) -> Result<Option<Settings>, Failure>;

    /// Returns the rates that the queues of a tenant and campaign share.
    ///
    /// # Errors
    /// [`Failure`] where there is no usable answer.
    fn throttles(&self, tenant: Option<&str>, campaign: Option<&str>) -> Result<Vec<Throttle>, Failure>;
}
