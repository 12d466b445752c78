//! What plugins may be given beside the mail that they are asked about: things that remember, and things that reach out.
//!
//! One module for each. [`counters`] and [`metrics`] are numbers in memory, [`kv`] is values on disk; [`dns`] asks name
//! servers, and [`http`] fetches. What takes time is async, can be dropped at any moment, and takes no longer than whoever
//! waits. What a plugin may use is in its [`Grants`]; what it asks for and does not get is a [`Refused`]. Nothing here knows
//! Wasm, so all of it is tested without: crate `wasm` puts it before guests.
//!
//! Invariant: what one plugin keeps, no other can see or use up.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap fails the test"))]

mod by_name;
pub mod counters;
pub mod dns;
mod file_name;
mod grants;
pub mod http;
pub mod kv;
pub mod metrics;
mod rate;
mod refused;

pub use by_name::ByName;
pub use file_name::file_name;
pub use grants::{Capability, Grants};
pub use refused::Refused;
