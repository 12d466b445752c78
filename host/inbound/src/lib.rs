//! Sockets in, transactions out: the doors through which mail comes, SMTP and HTTP.
//!
//! Octets and requests come in; a [`Transaction`] goes out through the [`Submit`] seam, and its verdict goes back to the
//! client. What the protocol is, is `tollgate-smtp`'s; what happens to a message, is behind the seam. Nothing here reads
//! a clock for messages (only for time-outs), looks at a body, or knows a queue.
//!
//! The invariant: nobody is told that a message was accepted without the spool's receipt for it. Both doors make their
//! positive answer in [`submit`], which takes the receipts.
//!
//! * [`submit`]: the seam, and the answers that follow from a verdict.
//! * [`admit`]: what a client wants before there is a message.
//! * [`caller`]: who is at the other end, as far as that is proved.
//! * [`content`]: message octets, in memory while they are few and in a file of the spool when they are not.
//! * [`smtp`]: listeners and sessions. [`http`]: the injection API, liveness, metrics.
//! * [`shutdown`], [`socket`]: what both share.
//!
//! Rules: RFC 5321 (SMTP), RFC 9110 and 9112 (HTTP), RFC 7617 (Basic).

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap fails the test"))]

pub mod admit;
pub mod caller;
pub mod content;
mod head;
pub mod http;
mod replies;
pub mod shutdown;
pub mod smtp;
pub mod socket;
pub mod submit;

pub use admit::{Visit, Wish};
pub use caller::{Caller, Identity};
pub use content::{BodyStore, BodyWrite, Content};
pub use shutdown::{Signal, Trigger};
pub use socket::BindError;
pub use submit::{BatchHandling, Protocol, Submission, Submit, Transaction};
