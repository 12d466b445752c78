//! A component on its author's desk, in the engine that servers have.
//!
//! An [`Event`] is read from a file, put to a plugin ([`ask`]), and what it answers is one JSON object, whatever the event: that
//! is what is shown, what a [`Case`](case::Case) is held to, and what two versions of a plugin are compared by. [`contract`] holds
//! what any plugin has to survive. A [`report`] is what all of that comes to, for people and for machines.
//!
//! [`capture`] writes down what the plugins of a server are asked, as such files.
//!
//! The path: `event` → `ask` → `case` or `contract` → `report`.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap fails the test"))]

mod ask;
pub mod behaviour;
pub mod capture;
pub mod case;
pub mod contract;
pub mod event;
pub mod fields;
pub mod matching;
pub mod report;

pub use ask::{Outcome, ask};
pub use event::Event;
