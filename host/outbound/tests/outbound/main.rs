//! Connections to next hops, over loopback, against the scripted sink and against peers that break the rules.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod connecting;
mod delivering;
mod kit;
mod reusing;
