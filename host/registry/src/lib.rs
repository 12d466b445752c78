//! Components in OCI registries.
//!
//! A component is an artifact of one layer. What a server runs is pinned by the digest of its manifest ([`Pinned`]), and kept in a
//! folder ([`Cache`]): what was pulled once is taken from there, checked against its digests each time, and no registry is asked. A
//! registry is believed in nothing: sizes are bounded before and while octets come, and what comes has the digest that was asked for.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap fails the test"))]

mod auth;
mod cache;
mod reference;
mod remote;

use std::{io, path::PathBuf};

pub use cache::Cache;
pub use reference::{Pinned, Reference, ReferenceError};
pub use remote::Registry;

/// Most octets of a component.
pub const LARGEST: u64 = 32 << 20;

/// Why a component cannot be pushed or pulled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// There is no such thing there.
    #[error("{0}: there is no such component in the registry")]
    NotFound(String),
    /// The registry wants to know who asks.
    #[error(
        "{0}: the registry does not allow it; `docker login` leaves credentials where they are looked for, or set TOLLGATE_REGISTRY_USER \
         and TOLLGATE_REGISTRY_PASSWORD"
    )]
    Unauthorized(String),
    /// The tag leads to something else than what was pinned.
    #[error("{reference}: the tag now leads to {found}, and {expected} is pinned; pin the new one if it is meant")]
    Moved {
        /// What was asked for.
        reference: String,
        /// The digest that was pinned.
        expected: String,
        /// The digest that the tag leads to.
        found: String,
    },
    /// What came is not what was asked for.
    #[error("{0}: what the registry sent does not have the digest that was asked for")]
    Digest(String),
    /// It is larger than a component may be.
    #[error("{reference}: {size} octets, and a component has {LARGEST} at the most")]
    TooLarge {
        /// What was asked for.
        reference: String,
        /// The size, as far as it is known.
        size: u64,
    },
    /// It is something, and no component.
    #[error("{0}: this is no component: an artifact of one layer of application/wasm was expected")]
    NotWasm(String),
    /// The registry cannot be reached, or fails.
    #[error("{reference}: {reason}")]
    Unreachable {
        /// What was asked for.
        reference: String,
        /// What is known of it.
        reason: String,
    },
    /// The cache's folder cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Returns a SHA-256 as registries write it.
fn digest(octets: &[u8]) -> String {
    use sha2::Digest as _;
    let hash = sha2::Sha256::digest(octets);
    let hexadecimal: String = hash.iter().map(|octet| format!("{octet:02x}")).collect();
    format!("sha256:{hexadecimal}")
}
