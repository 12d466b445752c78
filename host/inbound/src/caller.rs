//! Who is at the other end, as far as that is proved: a name with its secret, or an address that nobody can borrow.
//!
//! Both doors make a [`Caller`] of what they know. What a caller may do is decided by others: whether it gets in and may
//! relay by the doors, whose mail it sends behind the [`crate::Submit`] seam.

use std::fmt;
use std::net::IpAddr;

/// A name that a client has proved to be its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identity {
    /// A user, by a password.
    User(String),
    /// A program, by a token.
    Token(String),
}

impl Identity {
    /// Returns the name alone, which is the `authz_id` that policy sees.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::User(name) | Self::Token(name) => name,
        }
    }
}

/// As configuration writes it: `user:scott`, `token:injector`.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => write!(f, "user:{name}"),
            Self::Token(name) => write!(f, "token:{name}"),
        }
    }
}

/// Who sends.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Caller {
    /// Whose secret came along; nobody where the address sufficed.
    pub identity: Option<Identity>,
    /// The address, where it is the client's own: not that of a proxy that speaks for others. Never IPv4 inside IPv6.
    pub address: Option<IpAddr>,
}
