//! The host's side on the machine at hand, for tests: resources and functions with the signatures that the bindings have, over a
//! host in memory.
//!
//! Nothing of this is in a component. [`crate::testing`] makes and reads what is here; `same` holds the signatures to the
//! bindings', and the list of them to `wit/`.

pub mod egress;
pub mod host;
pub mod message;
pub mod queued;
#[cfg(test)]
mod same;
pub mod session;
pub mod settings;

/// Returns an argument that is wrong.
fn invalid(text: &str) -> crate::PolicyError {
    crate::PolicyError::Invalid(text.to_owned())
}
