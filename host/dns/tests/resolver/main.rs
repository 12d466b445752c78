//! Look-ups over real sockets, against a name server of the tests' own.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod addresses;
mod caching;
mod exchangers;
mod kit;
mod nameservers;
mod texts;
