//! Which message goes next, where to, from which source, and what becomes of it after an attempt.
//!
//! Messages come in from the spool and policy as [`NewMessage`]s, each under the queue that policy chose; what goes out
//! to the outbound stage are [`Action`]s and [`Delivery`]s. In between a message waits in the timer wheel
//! ([`scheduled`]), is due in its scheduled queue, waits there for a token where a rate says so ([`throttle`]), is handed to the
//! ready queue of one source and one site ([`ready`]), is in flight, and then [`handover`] says what becomes of it.
//!
//! Nothing here does I/O, reads a clock or starts a thread: the time and a seed are arguments, so the same calls give
//! the same answers, and tests move time by hand. Names are not resolved and replies are not read here either; the shell
//! around the [`Engine`] does both. Recipients are the shell's: one entry here is one message.
//!
//! Invariant: a message is in exactly one place at each time, and leaves with exactly one final disposition.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap fails the test"))]

mod engine;
pub mod handover;
mod random;
pub mod ready;
pub mod scheduled;
mod table;
pub mod throttle;

pub use engine::{
    Action, Cause, Closed, ConnectionId, Delivery, EgressSettings, Engine, Entrance, FOREVER, Lease, MessageStatus,
    NewMessage, Next, NoRoute, Permit, Placement, Prospect, QueueIndex, QueueStatus, ReadyIndex, ReadyStatus,
    Resolution, ResolveError, Settled, Totals, Withdrawn,
};
pub use handover::{Disposition, Expiry, Outcome};
pub use ready::{Hosts, Limits, Maildir, OwnLimits, Pool, Shared, Site};
pub use scheduled::{QueueConfig, Route};
pub use throttle::{LocalStore, Rate, Store, Throttle};
