//! What the engine and the shell around it say to each other.
//!
//! The shell drains [`Action`]s after each call and does them; it answers with the engine's methods. A [`Lease`] stands
//! for a connection and a [`Permit`] for a message in flight on it. Neither can be copied: a connection is closed once,
//! and while its message is out the lease is inside the permit, so it can be neither closed nor given another message.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tollgate_message::{MessageId, Schedule, Timestamp};

use crate::{
    handover::Disposition,
    ready::{Limits, Pool, Site},
    scheduled::entry::Handle,
};

/// A scheduled queue's number. Valid until the queue is reaped; not to be kept across [`super::Engine::reap`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct QueueIndex(pub(crate) u32);

/// A ready queue's number. Valid while it has a connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ReadyIndex(pub(crate) u32);

/// A connection's name, never used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ConnectionId {
    pub(super) index: u32,
    pub(super) serial: u64,
}

/// A connection, open or being opened; given back by [`super::Engine::closed`].
#[derive(PartialEq, Eq, Debug)]
#[must_use = "a lease that is not given back takes up a connection for ever"]
pub struct Lease {
    pub(super) connection: ConnectionId,
}

impl Lease {
    /// Returns the name of the connection.
    #[must_use]
    pub fn id(&self) -> ConnectionId {
        self.connection
    }
}

/// A message in flight on a connection; given back by [`super::Engine::outcome`].
#[derive(PartialEq, Eq, Debug)]
#[must_use = "a permit that is not given back leaves its message in flight for ever"]
pub struct Permit {
    pub(super) lease: Lease,
    pub(super) message: Handle,
}

impl Permit {
    /// Returns the name of the connection.
    #[must_use]
    pub fn connection(&self) -> ConnectionId {
        self.lease.connection
    }
}

/// The pools and limits in force at the start.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EgressSettings {
    /// The pools; `unspecified` is there without being named.
    pub pools: Vec<Pool>,
    /// The limits of sites for which none are set.
    pub limits: Limits,
    /// The limits of sites by name, for queues whose configuration has none.
    pub site_limits: HashMap<String, Limits>,
}

/// A message as it enters a queue: fresh, at a start from the spool, or from another queue.
///
/// Its age counts from the time in its id.
#[derive(Clone, PartialEq, Debug)]
pub struct NewMessage {
    /// Its id.
    pub id: MessageId,
    /// The queue it enters.
    pub queue: QueueIndex,
    /// When it may first go; a time that has passed means at once, its schedule permitting.
    pub due: Timestamp,
    /// The attempts counted so far.
    pub attempts: u32,
    /// When it may be sent.
    pub schedule: Option<Box<Schedule>>,
    /// How it comes.
    pub entrance: Entrance,
}

/// How a message comes into a queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entrance {
    /// For a first attempt at once, or as soon as its schedule lets it: it was just accepted, or moved here.
    Fresh,
    /// Out of the spool, at a start: time passed while nobody was there to try it.
    Recovered,
}

/// Something for the shell to do.
#[derive(PartialEq, Eq, Debug)]
#[must_use = "an action that is not done leaves mail waiting"]
pub enum Action {
    /// Find out where this queue's mail goes, and answer with [`super::Engine::resolved`].
    Resolve {
        /// The queue.
        queue: QueueIndex,
        /// The domain to route to: a name, or a name and a port.
        domain: String,
    },
    /// Find out what holds for this source at this site alone, and answer with [`super::Engine::limit_path`]: nothing is
    /// sent that way before. Comes only after [`super::Engine::ask_paths`].
    Limit {
        /// The domain, or routing domain, whose mail led to the site first.
        domain: Arc<str>,
        /// The source.
        source: Arc<str>,
        /// The site, by its name.
        site: String,
    },
    /// Open a connection, then ask [`super::Engine::next_delivery`], or say that it failed.
    Connect {
        /// The ready queue that wants it.
        ready: ReadyIndex,
        /// The connection.
        lease: Lease,
        /// The source to connect from.
        source: Arc<str>,
        /// Where to connect to.
        site: Arc<Site>,
        /// The domain, or routing domain, whose mail led to the site first.
        domain: Arc<str>,
    },
    /// Ask [`super::Engine::next_delivery`] again for this connection, which was idle. Void if it is closed by now.
    Wake(ConnectionId),
    /// Record what became of a message without an outcome from the shell.
    Settled(Settled),
}

/// What became of a message that was in nobody's hands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settled {
    /// The message.
    pub id: MessageId,
    /// Its queue.
    pub queue: QueueIndex,
    /// Why it was decided.
    pub cause: Cause,
    /// [`Disposition::Done`] for the causes that end a message, else its retry or expiry.
    pub disposition: Disposition,
}

/// Why a message was settled without an attempt of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cause {
    /// Its pool has no sources, or is not known. Counted.
    NoSource {
        /// The pool's name.
        pool: String,
    },
    /// The name in its route could not be resolved just now, with the shell's text. Counted.
    Unresolved(Arc<str>),
    /// No connection to its site came about, with the shell's text. Counted.
    Unreachable(Arc<str>),
    /// Its connection was given up as abandoned while it was in flight, with the shell's text. Counted.
    Abandoned(Arc<str>),
    /// Its time was over before it could be tried again: its schedule ended, or it became too old while it waited.
    TimeOver,
    /// A window of its schedule had closed when its turn came. It waits for the next; not counted.
    WindowClosed,
    /// Its route leads nowhere for good, with the shell's text; ends as a bounce.
    Unroutable(NoRoute, Arc<str>),
    /// Its queue discards what it is given.
    Discarded,
}

/// Where a domain's mail goes, as the shell found out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resolution {
    /// The site. Two domains with the same hosts have the same name here.
    pub site: Site,
    /// How long the answer holds; less than a second counts as one.
    pub valid: Duration,
}

/// Why it is not known where a domain's mail goes, with the text for logs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ResolveError {
    /// It may be known later: due messages back off.
    Transient(Arc<str>),
    /// The domain takes no mail: due messages end.
    Permanent(NoRoute, Arc<str>),
}

/// Why there is no way to a domain, now or later.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoRoute {
    /// There is no such domain.
    NoDomain,
    /// It says that it takes no mail (RFC 7505).
    NullMx,
    /// It has no host, or none to which mail is sent.
    NoHost,
}

/// Why a connection is closed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Closed {
    /// It was open, and either side ended it.
    Finished,
    /// It never came about, whichever of the site's hosts was tried, with the text for logs.
    NotConnected(Arc<str>),
}

/// A message to send.
#[derive(PartialEq, Eq, Debug)]
pub struct Delivery {
    /// The message's stay on the connection.
    pub permit: Permit,
    /// The message.
    pub id: MessageId,
    /// Its queue.
    pub queue: QueueIndex,
    /// The attempts counted before this one.
    pub attempts: u32,
}

/// What lies before a message if its attempt fails for now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Prospect {
    /// When the next attempt would be due, before jitter.
    pub due: Timestamp,
    /// The last moment for which one can be planned.
    pub last_due: Timestamp,
    /// The attempts that would be counted by then.
    pub attempts: u32,
}

/// What a connection does next.
#[derive(PartialEq, Eq, Debug)]
pub enum Next {
    /// It sends this message.
    Deliver(Delivery),
    /// It waits for [`Action::Wake`], or is closed when it has been idle long enough.
    Idle(Lease),
    /// It ends: it has carried as many messages as it may.
    Close(Lease),
}

/// A message taken out of its queue, with what it takes to insert it elsewhere.
#[derive(Clone, PartialEq, Debug)]
pub struct Withdrawn {
    /// The message.
    pub id: MessageId,
    /// When it was due.
    pub due: Timestamp,
    /// The attempts counted so far.
    pub attempts: u32,
    /// When it may be sent.
    pub schedule: Option<Box<Schedule>>,
}

/// A scheduled queue at a glance.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueueStatus<'a> {
    /// Its number.
    pub queue: QueueIndex,
    /// Its name.
    pub name: &'a tollgate_message::QueueName,
    /// All its messages.
    pub messages: u32,
    /// Those whose time has come and that are not in flight.
    pub due: u32,
    /// Those in flight.
    pub in_flight: u32,
    /// Until when it is suspended.
    pub parked: Option<Timestamp>,
}

/// A ready queue at a glance.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReadyStatus<'a> {
    /// Its name, `source->site@smtp_client`.
    pub name: &'a str,
    /// Messages promised to it.
    pub ready: u32,
    /// Its connections, those being opened included.
    pub connections: u32,
    /// Messages in flight.
    pub in_flight: u32,
}

/// A message at a glance.
#[derive(Clone, PartialEq, Debug)]
pub struct MessageStatus<'a> {
    /// The message.
    pub id: MessageId,
    /// When it is, or was, due.
    pub due: Timestamp,
    /// The attempts counted so far.
    pub attempts: u32,
    /// When it may be sent.
    pub schedule: Option<&'a Schedule>,
    /// Where it is.
    pub placement: Placement<'a>,
}

/// Where a message is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Placement<'a> {
    /// It waits for its due time.
    Waiting,
    /// It is due, and waits in its scheduled queue.
    Due,
    /// It is promised to the ready queue of this name.
    Ready(&'a str),
    /// It is in flight on this connection.
    InFlight(ConnectionId),
}

/// All messages of the node, by where they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    /// Everywhere.
    pub messages: u64,
    /// Before their due time.
    pub waiting: u64,
    /// Due, in scheduled queues.
    pub due: u64,
    /// Promised to ready queues.
    pub ready: u64,
    /// In flight.
    pub in_flight: u64,
}
