//! What a guest may ask of the host; one file for each interface that it imports.
//!
//! Every function here does bounded work, holds no lock that a guest could have others wait for, and charges the event's budget
//! of host calls. Those of `kv`, `dns` and `http_client` may wait, no longer than the event may take: they are linked where
//! nobody waits for the thread.

mod clock;
mod counters;
mod dns;
mod domains;
pub(crate) mod edit;
pub(crate) mod egress_settings;
mod http_client;
mod kv;
mod log;
pub(crate) mod message;
mod metrics;
mod panic;
pub(crate) mod queue_settings;
pub(crate) mod queued_message;
pub(crate) mod session;
mod types;

pub(crate) use log::LogBudget;
pub(crate) use types::{mailbox, queue_name, rate_from_guest, reply_from_guest};
