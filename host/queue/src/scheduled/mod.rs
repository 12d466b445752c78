//! Scheduled queues: mail that waits for its time, by campaign, tenant and domain.
//!
//! A message enters from the spool with a due time. Until then it sits in the one timer `wheel` of the node; then it
//! is due, and waits in the first-in-first-out list of its `queue` until a ready queue has room for it (see
//! [`crate::ready`]). After a failed attempt [`retry`] gives the next due time.
//!
//! A queue knows nothing of connections and sources. Invariant: a message of a queue that is not parked is either in the
//! wheel with a due time ahead, or reachable by whoever serves the queue; nothing has to look for it.

pub mod config;
pub(crate) mod entry;
pub(crate) mod list;
pub(crate) mod queue;
pub mod retry;
pub(crate) mod wheel;

pub use config::{QueueConfig, Route};
