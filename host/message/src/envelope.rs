//! Who sent a message and who is to get it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain;

/// A mailbox as the protocol parser accepted it: `local-part@domain`, both as sent (RFC 5321 §4.1.2).
///
/// `Postmaster` without a domain is the one recipient that has none (RFC 5321 §4.1.1.3); its domain is empty.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Address(Box<str>);

impl Address {
    /// Returns the address with this text, which a protocol parser has checked.
    #[must_use]
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// Returns the address as sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns what is left of the last `@`, quotes included.
    #[must_use]
    pub fn local_part(&self) -> &str {
        self.0.rsplit_once('@').map_or(&*self.0, |(local, _)| local)
    }

    /// Returns the domain as sent, empty for a bare `Postmaster`.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// Returns the domain as a key: lower-case A-labels.
    #[must_use]
    pub fn domain_key(&self) -> String {
        domain::normalize(self.domain())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The envelope of a message: not what its header says, but what the protocol carries.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Envelope {
    /// The reverse-path; `None` is the null sender `<>` of notifications (RFC 5321 §4.5.5).
    pub sender: Option<Address>,
    /// The recipients, in the order in which they were given; never empty in a message that was accepted.
    pub recipients: Vec<Address>,
    /// Whether the message needs SMTPUTF8 at the next hop (RFC 6531).
    #[serde(default)]
    pub smtputf8: bool,
    /// Whether the sender declared 8-bit content (RFC 6152).
    #[serde(default)]
    pub eight_bit: bool,
}
