//! Connections to next hops, and mailboxes of this machine: addresses to try and a message come in, an outcome for each
//! recipient comes out.
//!
//! A message leaves in two moves. [`Connection::open`] connects to the first candidate that answers and greets;
//! [`Connection::deliver`] passes messages over it, one at a time, as long as both sides like. What is sent when, over how many
//! connections, and what an outcome means for the queue is decided elsewhere; nothing here retries, logs or keeps state between
//! connections.
//!
//! Invariant: a recipient is called delivered only if the peer said so in reply to the final dot, and every recipient of
//! a delivery gets exactly one outcome.
//!
//! Rules: RFC 5321 §4.5.3.2 (time-outs), §4.5.4 (strategies for sending), §5 (whom to connect to).

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap fails the test"))]

mod candidate;
mod connection;
mod delivery;
mod error;
mod hop;
pub mod mailbox;
mod message;
mod source;
mod timeouts;
mod wire;

pub use candidate::Candidate;
pub use connection::Connection;
pub use delivery::{Delivery, RecipientOutcome, SaidBy, Verdict};
pub use error::{CandidateError, ConnectError, Fault, Stale};
pub use hop::{Hop, HopError, literal};
pub use message::{Body, OutMessage};
pub use source::Source;
pub use timeouts::Timeouts;
