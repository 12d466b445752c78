//! A session is open, and its client wants something.
//!
//! In: the [`OpenSession`] as far as it has come, and a [`Question`] or [`Credentials`]. Out: nothing, or the refusal that the
//! client is to read; of credentials, the identity that they prove, or nothing where the plugin does not know the user. A
//! plugin that does not handle the event counts as one that lets everything pass and knows nobody.

use std::{fmt, sync::Arc};

use tollgate_message::{Address, Session};

use crate::Refusal;

/// A session while it lasts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenSession {
    /// The listener's name in `tollgate.toml`; `http` over HTTP.
    pub listener: Arc<str>,
    /// What is known of the client by now.
    pub session: Session,
}

/// What the client wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Question {
    /// To be greeted.
    Connect,
    /// To go by this name.
    Ehlo(String),
    /// To send as this sender; `None` is the null sender.
    Mail(Option<Address>),
    /// To send to this recipient, whom the host would take.
    Rcpt {
        /// The sender of the transaction.
        sender: Option<Address>,
        /// The recipient.
        recipient: Address,
    },
}

/// What a plugin says: nothing, or the refusal that the client is to read.
pub type Answer = Result<(), Refusal>;

/// Who a client says it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Whom it wants to act as.
    pub authz: String,
    /// Who it is.
    pub authc: String,
    /// What proves that.
    pub password: String,
}

/// Names only: a password does not belong in a log.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("authz", &self.authz).field("authc", &self.authc).finish_non_exhaustive()
    }
}

/// What a plugin says to credentials: an identity, nothing where it does not know the user, or a refusal.
pub type Identified = Result<Option<String>, Refusal>;

/// Longest identity, in octets.
const LONGEST_IDENTITY: usize = 255;

/// Returns whether a text can be an identity: it stands in logs, headers and configuration.
#[must_use]
pub fn is_identity(text: &str) -> bool {
    (1..=LONGEST_IDENTITY).contains(&text.len()) && text.trim() == text && !text.chars().any(char::is_control)
}
