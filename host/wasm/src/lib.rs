//! The answers: runs policy plugins as sandboxed Wasm components. The only crate that knows wasmtime.
//!
//! A [`Runtime`] holds the engine; [`Runtime::load`] turns the octets of a component into a [`Component`], compiled once
//! and cached on disk; [`WasmPlugin`] is a component with a name, its configuration and its limits, and implements
//! [`tollgate_policy::Plugin`]. A guest can do what `wit/` offers and nothing else. Every call runs under a deadline, a
//! memory ceiling and a budget of host calls; whatever goes wrong in a guest, its instance is thrown away, the host gets a
//! [`tollgate_policy::Failure`] that says what happened, and the message is as it was before.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap fails the test"))]

#[allow(
    clippy::all,
    clippy::needless_pass_by_value,
    clippy::semicolon_if_nothing_returned,
    clippy::redundant_closure_for_method_calls,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    reason = "generated from wit/"
)]
mod bindings;
mod cache;
mod capability;
mod compile;
mod component;
mod dumps;
mod engine;
mod exports;
mod failure;
mod given;
mod instance;
mod limits;
mod place;
mod plugin;
mod scan;
mod snapshot;
mod state;

pub use compile::{CompileError, Compiler, child::serve as compile_child};
pub use component::{Component, LoadError, Runtime};
pub use engine::Pool;
pub use given::{Outside, Services};
pub use limits::{CORE_INSTANCES, Limits};
pub use plugin::{ConfigFile, Configuration, Instances, Reference, ReferenceKind, Setup, StartError, WasmPlugin};
pub use scan::{Census, Inspection, Misfit, Offer, ScanError, inspect};
