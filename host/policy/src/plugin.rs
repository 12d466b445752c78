//! Whoever answers events.

use std::sync::Arc;

use tollgate_message::{Edits, QueueName, Received};

use crate::{
    Answer, Failure, Room, Settings, Throttle,
    event::{
        egress::{PathSettings, PoolAnswer, SourceAnswer, Way},
        record::Batch,
        requeue::{Changes, Queued},
        smtp_session::{self, Credentials, Identified, OpenSession, Question},
    },
};

/// The events that a plugin may handle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// A message is about to be accepted.
    MessageReceived,
    /// A queue's settings are needed.
    QueueConfig,
    /// Rates shared by queues are needed.
    Throttles,
    /// A client wants something.
    SmtpSession,
    /// It is needed how mail leaves.
    Egress,
    /// An attempt failed for now.
    Requeue,
    /// Log records were written.
    Record,
}

impl Event {
    /// All events, in the order of a message's life.
    pub const ALL: [Self; 7] = [
        Self::SmtpSession,
        Self::MessageReceived,
        Self::QueueConfig,
        Self::Throttles,
        Self::Egress,
        Self::Requeue,
        Self::Record,
    ];

    /// Returns the event's name in `wit/`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MessageReceived => "message-received",
            Self::QueueConfig => "queue-config",
            Self::Throttles => "throttles",
            Self::SmtpSession => "smtp-session",
            Self::Egress => "egress",
            Self::Requeue => "requeue",
            Self::Record => "record",
        }
    }

    /// Returns whether a tenant's component may handle the event. The others are about everybody's mail.
    #[must_use]
    pub fn is_for_tenants(self) -> bool {
        matches!(self, Self::MessageReceived | Self::QueueConfig | Self::Throttles)
    }
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

impl Phase {
    /// Returns the phase's name in `tollgate.toml`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Received => "received",
            Self::Queue => "queue",
            Self::Tenant => "tenant",
        }
    }
}

/// On which thread a plugin runs.
#[derive(Clone, Debug)]
pub enum Placement {
    /// On the thread that serves the session: for operators' plugins, warm and quick.
    Inline,
    /// On a policy worker, so that it cannot hold up a session.
    Worker,
    /// On a thread of its own, since it may wait for something.
    Room(Arc<Room>),
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

/// A number that a plugin shows to whoever watches the host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Metric {
    /// Its name, which the plugin has declared.
    pub name: String,
    /// What it counts, in the plugin's words.
    pub help: String,
    /// What it has come to.
    pub value: u64,
}

/// Something that answers events, in its own time, without async: it computes and returns.
///
/// Only events in [`Plugin::events`] are asked; the rest keep what is here, the answer of one who has nothing to say. All
/// methods are called from many threads.
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

    /// Makes its instances ready to start with their configuration in memory, where that can be; otherwise that happens behind
    /// its first events.
    ///
    /// # Errors
    /// Why it cannot be, in words. The plugin works all the same.
    fn take_snapshot(&self) -> Result<(), String> {
        Err("it has no use for a snapshot".to_owned())
    }

    /// Returns the numbers that it shows.
    fn metrics(&self) -> Vec<Metric> {
        Vec::new()
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

    /// Judges what a client wants.
    ///
    /// # Errors
    /// [`Failure`] where there is no usable answer.
    fn smtp_session(&self, session: &Arc<OpenSession>, question: &Question) -> Result<smtp_session::Answer, Failure> {
        let _ = (session, question);
        Ok(Ok(()))
    }

    /// Returns whom credentials prove a client to be, or nothing where the user is not known here.
    ///
    /// # Errors
    /// [`Failure`] where there is no usable answer.
    fn auth(&self, session: &Arc<OpenSession>, credentials: &Credentials) -> Result<Identified, Failure> {
        let _ = (session, credentials);
        Ok(Ok(None))
    }

    /// Returns a pool, or nothing where it is not known here.
    ///
    /// # Errors
    /// [`Failure`] where there is no usable answer.
    fn egress_pool(&self, name: &str) -> Result<Option<PoolAnswer>, Failure> {
        let _ = name;
        Ok(None)
    }

    /// Returns a source, or nothing where it is not known here.
    ///
    /// # Errors
    /// [`Failure`] where there is no usable answer.
    fn egress_source(&self, name: &str) -> Result<Option<SourceAnswer>, Failure> {
        let _ = name;
        Ok(None)
    }

    /// Returns what this plugin sets on the way, or nothing; `so_far` is what the plugins before it set.
    ///
    /// # Errors
    /// [`Failure`] where there is no usable answer.
    fn egress_path(&self, way: &Way, so_far: &PathSettings) -> Result<Option<PathSettings>, Failure> {
        let _ = (way, so_far);
        Ok(None)
    }

    /// Returns the changes with those that this plugin makes to when and where a message waits.
    ///
    /// # Errors
    /// [`Failure`] where there is no usable answer; the caller's copy of the changes holds.
    fn requeue(&self, queued: &Arc<Queued>, changes: Changes) -> Result<Changes, Failure> {
        let _ = queued;
        Ok(changes)
    }

    /// Takes log records.
    ///
    /// # Errors
    /// [`Failure`] where it did not take them.
    fn record(&self, records: &Batch) -> Result<(), Failure> {
        let _ = records;
        Ok(())
    }
}
