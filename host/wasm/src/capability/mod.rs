//! What a guest may ask of the host; one file for each interface that it imports.
//!
//! Every function here does bounded work, holds no lock while it does it, and charges the event's budget of host calls.

mod clock;
mod counters;
mod domains;
pub(crate) mod egress_settings;
mod log;
pub(crate) mod message;
mod metrics;
pub(crate) mod queue_settings;
pub(crate) mod queued_message;
pub(crate) mod session;
mod types;

pub(crate) use log::LogBudget;
pub(crate) use types::{mailbox, queue_name, rate_from_guest, reply_from_guest};
