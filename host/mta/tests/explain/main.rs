//! `tollgate explain`: the batch protocol, and what people read.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod batch;
mod kit;
mod people;
mod refusals;
mod tenants;
mod usage;
