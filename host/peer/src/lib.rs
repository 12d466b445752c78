//! The other side of a mail server: a load source that sends to it and a scripted sink that receives from it.
//!
//! For demonstrations, tests and measuring; nothing here belongs in the path of real mail. [`sink`] accepts, refuses,
//! delays and hangs up as [`rule`]s say, and reports what it took; [`send`] sends many messages over many connections and
//! says how long the answers took, or one message and what was said to it. Neither stores anything.
//!
//! The protocol is that of `tollgate-smtp`, so neither side is a second opinion on what is correct SMTP.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap fails the test"))]

pub mod rule;
pub mod send;
pub mod sink;
