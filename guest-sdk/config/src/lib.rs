//! Configuration with positions: TOML (or JSON) in, a tree in which every key and value knows its line and column.
//!
//! The host and its plugins read their files with this, so that errors look alike wherever they come from: all of them at
//! once, each with file, line, column and the nearest known name. Nothing here reads a file; the caller passes the text.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap fails the test"))]

mod damage;
#[cfg(feature = "domains")]
pub mod domain;
pub mod duration;
pub mod finding;
mod json;
mod lines;
mod meant;
pub mod rate;
pub mod section;
pub mod tree;
#[cfg(feature = "serde")]
mod typed;

pub use finding::{Finding, Findings, Severity, nearest};
pub use meant::likeliest;
pub use rate::Rate;
pub use section::Section;
pub use tree::{Entry, Node, Position, Table, Value, without_mark};
#[cfg(feature = "serde")]
pub use typed::typed;
