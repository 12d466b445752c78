//! What operators read: log records of what became of every message, and metrics.
//!
//! Records are KumoMTA's in kind and field; `Discard`, `generation` and `policy` are ours. Nothing here decides anything.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap fails the test"))]

pub mod metrics;
pub mod record;
mod writer;

pub use metrics::{Metrics, PluginCounter, PluginVitals};
pub use record::{Kind, Record};
pub use writer::Records;
