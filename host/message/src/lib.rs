//! What is carried: a message's identity, envelope, header edits, metadata, schedule, and the name of its queue.
//!
//! Plain data and pure functions. Nothing here opens a file or a socket, and nothing reads a clock: the time is an
//! argument. Every later stage (policy, spool, queue, outbound) speaks in these types.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap fails the test"))]

pub mod draft;
mod encoded_word;
pub mod envelope;
pub mod header;
pub mod id;
pub mod meta;
pub mod queue_name;
pub mod schedule;
pub mod time;
pub mod trace;

pub use draft::{Draft, Edits, Origin, Received, Session};
pub use envelope::{Address, Envelope};
pub use header::Header;
pub use id::MessageId;
pub use meta::Meta;
pub use queue_name::QueueName;
pub use schedule::Schedule;
pub use time::Timestamp;
pub use tollgate_config::domain;
