//! The mail protocol, both sides of it: what a server and a client say, hear and may do next.
//!
//! Octets from the peer come in, in chunks of any size; commands, replies, addresses and cleaned message data come out.
//! The crate opens no socket, reads no clock and waits for nothing: a driver (`tollgate-inbound`, `tollgate-outbound`)
//! moves the octets, keeps the time-outs and decides what is accepted. The result never depends on how the octets were
//! cut into chunks, and what a peer sends can neither end a message early nor start a line in what we send.
//!
//! * [`mod@line`] and [`data`]: octets to command lines and message data, and message data back to octets.
//! * [`command`], [`reply`], [`address`]: their grammar. [`replies`]: every text the server says.
//! * [`server`] and [`client`]: the order in which they may come.
//!
//! Rules: RFC 5321, with 1870 (SIZE), 2034 (enhanced codes), 2920 (PIPELINING), 6152 (8BITMIME), 6531 (SMTPUTF8).

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap fails the test"))]

pub mod address;
pub mod client;
pub mod command;
pub mod data;
pub mod line;
pub mod replies;
pub mod reply;
pub mod server;

#[cfg(test)]
mod tests;

pub use address::{AddressError, ForwardPath, Mailbox, ReversePath, Utf8};
pub use command::{Body, Command, MailParams};
pub use reply::{EnhancedCode, PermReply, Reply, ReplyError, ReplyReader, TempReply};
