//! One module for each event, named as in `wit/`, the SDK and the conformance cases.

pub mod egress;
pub mod message_received;
pub mod record;
pub mod requeue;
pub mod smtp_session;
pub mod throttles;
