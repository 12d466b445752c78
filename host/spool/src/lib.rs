//! Durable storage of accepted messages, and the only maker of a [`Committed`] receipt.
//!
//! In come batches (one body, the messages that share it), later states of a message, and the word that a message is
//! done. Out go receipts, bodies, and after a restart everything that was committed and is not done. A message is a
//! 16-octet id with two opaque strings, *meta* (never changes) and *state* (replaced as a whole).
//!
//! Deliberately absent: knowledge of mail, a timer, a cache of bodies, and any second attempt at a failed write.
//!
//! The invariant: who holds a [`Committed`] knows that its messages survive the loss of power at any moment from
//! then on. Everything else follows from how one journal is written:
//!
//! * `format` says what octets mean: segments with a life of their own, entries with checksums seeded by that life;
//! * `journal` turns a group of requests into one write and one sync, moves what pins old segments, frees the rest;
//! * `index` knows what is live and where, and is derived: `recovery` rebuilds it from the journal at every open;
//! * `writer` is the single thread that owns the journal, `spool` the face that many tasks share;
//! * `vfs` is the narrow seam to the disk, so that tests can lose power and break devices.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap fails the test"))]

mod body;
mod error;
mod format;
mod index;
mod journal;
mod moves;
mod receipt;
mod recovery;
mod replay;
mod request;
mod scan;
mod segments;
mod shared;
mod spool;
#[cfg(test)]
mod tests;
pub mod vfs;
mod writer;

pub use body::{Body, BodyFile, BodyReader, BodyWriter};
pub use error::{BodyError, CommitError, OpenError, ReadError};
pub use receipt::{Accepted, Committed, Discarded};
pub use recovery::{Damage, Recovered};
pub use request::{Batch, NewMessage, Stored};
pub use shared::{Health, Stats};
pub use spool::{Durability, Options, Spool};

/// Names a message. Chosen by the caller, never used twice.
pub type Id = [u8; 16];
