//! One module for each event, named as in `wit/`, the SDK and the conformance cases.

pub mod message_received;
pub mod throttles;
