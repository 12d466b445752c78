//! How often something may happen: rates, the buckets that they fill, and where the state of buckets is kept.
//!
//! A [`Throttle`] is a bucket by name, with its rate. It is asked when it lets the next one through and told when one went:
//! two calls, so that several buckets can be asked before any is charged. Who has to wait waits for exactly that time; the
//! waiting is the engine's. The arithmetic is in `gcra`.
//!
//! Invariant: through a bucket of rate `limit/period` with burst `b` go, in any stretch of time `w`, at most
//! `b + w·limit/period`, and `b` at once (times being whole milliseconds).

mod gcra;
mod local;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc, time::Duration};

use tollgate_message::Timestamp;

pub use local::LocalStore;

/// So many in a period, and so many of them at once.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Rate {
    /// How many in a period; 0 counts as 1.
    pub limit: u64,
    /// The period, in whole milliseconds; less than one counts as one.
    pub period: Duration,
    /// How many may go at once after a rest; 0 counts as 1.
    pub burst: u64,
}

/// A bucket by name, with its rate. The same name with another rate is another bucket, full to the brim.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Throttle {
    /// The bucket's name, the same on all nodes that share it.
    pub key: Arc<str>,
    /// Its rate.
    pub rate: Rate,
}

/// Where the state of buckets is kept.
///
/// The engine asks and never waits, so a store that several nodes share answers out of what it has leased ahead: without
/// a lease it names a time at which one will be there, and is asked again then.
pub trait Store: fmt::Debug + Send {
    /// Returns when the bucket lets one more through; `now` or earlier means at once. Charges nothing.
    fn next(&mut self, now: Timestamp, throttle: &Throttle) -> Timestamp;

    /// Charges one that goes now.
    fn take(&mut self, now: Timestamp, throttle: &Throttle);

    /// Forgets what a bucket of which nothing is known would have, too.
    fn tidy(&mut self, now: Timestamp);
}
