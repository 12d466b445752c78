//! What a look-up can end with instead of hosts, and what to say of a message that waits for it.
//!
//! The answers of the DNS that are for good are told apart from what may be different in a moment: only a name server's
//! clear word is permanent, everything that is no answer is temporary.
//!
//! Rules: RFC 5321 §5.1 (what is an error), RFC 7505 (null MX), RFC 7504 §2.4 (556), RFC 3463 §3.2 and §3.5 (codes).

use tollgate_smtp::reply::{EnhancedCode, Reply};

/// Says why there is nothing to connect to; ordered by who is at fault: the name, its owner, the name servers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LookupError {
    /// The text is no name that could be looked up; nobody was asked.
    #[error("`{name}` is no domain name")]
    NotAName {
        /// As it was given.
        name: String,
    },
    /// No record of any type exists for the domain (NXDOMAIN).
    #[error("the domain `{name}` does not exist")]
    NoSuchDomain {
        /// The domain.
        name: String,
    },
    /// The domain says that it takes no mail.
    #[error("the domain `{name}` accepts no mail: it has a null MX record")]
    NullMx {
        /// The domain.
        name: String,
    },
    /// The domain exists, but has neither mail exchangers nor an address.
    #[error("the domain `{name}` has neither mail exchangers nor an address")]
    NoRoute {
        /// The domain.
        name: String,
    },
    /// The domain has mail exchangers, but what they are called is no host name.
    #[error("none of the mail exchangers of `{name}` is a host name: {}", hosts.join(", "))]
    NoUsableExchanger {
        /// The domain.
        name: String,
        /// What stands in place of host names; the first few.
        hosts: Vec<String>,
    },
    /// The host does not exist, or has no address.
    #[error("the host `{name}` has no address")]
    NoAddress {
        /// The host.
        name: String,
    },
    /// No name server gave an answer.
    #[error("`{name}` cannot be looked up now: {cause}")]
    Unanswered {
        /// The name that was asked for.
        name: String,
        /// What each name server did.
        cause: String,
    },
}

impl LookupError {
    /// Returns whether asking again is pointless.
    pub fn is_permanent(&self) -> bool {
        !matches!(self, LookupError::Unanswered { .. })
    }

    /// Returns what to say of a message that cannot go anywhere because of this.
    ///
    /// `550 5.1.2` for a domain that cannot be, `556 5.1.10` for a null MX (RFC 7505 §4.2), `550 5.4.4` where there is no
    /// route (RFC 3463 §3.5 gives a name with nothing but an SOA record as the example), `451 4.4.3` for no answer.
    pub fn reply(&self) -> Reply {
        let (code, (class, subject, detail)) = match self {
            LookupError::NotAName { .. } | LookupError::NoSuchDomain { .. } => (550, (5, 1, 2)),
            LookupError::NullMx { .. } => (556, (5, 1, 10)),
            LookupError::NoRoute { .. } | LookupError::NoUsableExchanger { .. } | LookupError::NoAddress { .. } => {
                (550, (5, 4, 4))
            }
            LookupError::Unanswered { .. } => (451, (4, 4, 3)),
        };
        let enhanced = EnhancedCode::new(class, subject, detail);
        Reply::new(code, enhanced, self.to_string()).expect("code and enhanced code are of one class")
    }
}
