//! Where a domain's mail goes: a domain comes in, the hosts that take its mail come out, and the addresses of those hosts.
//! For plugins that ask, the texts of a name and the names of an address come out too.
//!
//! [`Resolver`] asks name servers and remembers what they said; [`Exchangers`] are a domain's hosts by preference, with the
//! name of the [site](site_name) that they are; a [`LookupError`] says what a message that cannot go anywhere is told.
//! Addresses and names with a port, which need no look-up, are told apart before; nothing here connects to a host, judges
//! an address, or decides when a message is tried again.
//!
//! Invariant: for a name there is at most one question under way at a time, however many ask, and a name server's silence
//! never becomes a permanent failure.
//!
//! Rules: RFC 5321 §5.1 (whom to connect to), RFC 7505 (null MX), RFC 2308 (answers that there is nothing), RFC 1035.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap fails the test"))]

mod addresses;
mod cache;
mod error;
mod exchangers;
mod name;
mod resolver;
mod settings;
mod site;
mod texts;
mod upstream;

pub use addresses::Addresses;
pub use error::LookupError;
pub use exchangers::{Exchangers, ordered};
pub use resolver::Resolver;
pub use settings::{Settings, SetupError};
pub use site::site_name;
