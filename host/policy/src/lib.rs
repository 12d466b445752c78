//! The questions that are put to plugins, and what their answers mean together.
//!
//! One module under [`event`] for each event, with its input, its answer and its default; [`Plugin`] is whoever answers.
//! [`Chain`] asks several in the order of their phases and turns failures into decisions. These are plain Rust types that
//! mirror `wit/`: nothing here knows Wasm, so everything around policy is tested with [`scripted`] answers.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap fails the test"))]

mod answered;
pub mod budget;
mod chain;
pub mod event;
mod failure;
mod fingerprint;
mod health;
mod lanes;
mod plugin;
mod room;
pub mod scope;
pub mod scripted;
pub mod settings;
mod tenant;
pub mod watch;
mod workers;

pub use budget::CpuBudget;
pub use chain::{Chain, Decision, Link, Mode, Outcome, Share, Step};
pub use event::{
    message_received::{Answer, Refusal, Verdict},
    throttles::{Scope, Throttle},
};
pub use failure::{Failure, FailureKind, OnFailure};
pub use fingerprint::fingerprint;
pub use health::{Fingerprint, Health, Standing};
pub use plugin::{Event, Events, Metric, Phase, Placement, Plugin, Vitals};
pub use room::{Room, wait};
pub use settings::{OptionValue, QueueOption, RefreshStrategy, Settings};
pub use tenant::{Judgement, Layer, Missing, TenantPolicy};
pub use watch::Watch;
pub use workers::Workers;
