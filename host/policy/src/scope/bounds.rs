//! What an operator lets a tenant's component do.

use std::{sync::Arc, time::Duration};

use tollgate_config::Rate;

use super::Refused;
use crate::{Answer, Verdict};

/// A value that an operator wrote, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bound<T> {
    /// The value.
    pub value: T,
    /// Where it is written, for people: `tollgate.toml:12`.
    pub origin: Arc<str>,
}

/// What holds for a queue about which nobody said anything.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Defaults {
    /// Wait before the second attempt.
    pub retry_interval: Duration,
    /// Age at which a message expires.
    pub max_age: Duration,
    /// Pool of a queue that names none.
    pub egress_pool: String,
}

/// What an operator lets a tenant's component do. Where nothing is said of a value, the operator's own for the queue is the
/// bound.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// Largest `max_age`.
    pub max_age: Option<Bound<Duration>>,
    /// Largest `max_retry_interval`.
    pub max_retry_interval: Option<Bound<Duration>>,
    /// Smallest wait between attempts.
    pub retry_interval: Option<Bound<Duration>>,
    /// Largest `max_message_rate`.
    pub max_message_rate: Option<Bound<Rate>>,
    /// Pools that it may choose, beside the operator's own for the queue.
    pub egress_pools: Vec<String>,
    /// Whether it may refuse messages, for now or for good.
    pub may_reject: bool,
    /// Whether it may have messages thrown away without a word to their sender.
    pub may_discard: bool,
    /// Header fields that are reserved and that it may write all the same. Any case.
    pub headers: Vec<String>,
    /// Header fields that are reserved for this tenant besides those that always are. Any case.
    pub reserved_headers: Vec<String>,
    /// What holds where neither the operator nor the tenant says anything.
    pub defaults: Defaults,
}

/// Fields that say what the host and others vouch for.
const RESERVED: [&str; 5] = ["received", "received-spf", "return-path", "dkim-signature", "authentication-results"];
/// Blocks of fields: chains of results (RFC 8617), what a resender says (RFC 5322 §3.6.6), what a list says (RFC 2369).
const RESERVED_BLOCKS: [&str; 3] = ["arc-", "resent-", "list-"];

impl Bounds {
    /// Returns the bounds of a tenant about which the operator says nothing.
    #[must_use]
    pub fn new(defaults: Defaults) -> Self {
        Self {
            max_age: None,
            max_retry_interval: None,
            retry_interval: None,
            max_message_rate: None,
            egress_pools: Vec::new(),
            may_reject: true,
            may_discard: true,
            headers: Vec::new(),
            reserved_headers: Vec::new(),
            defaults,
        }
    }

    /// Returns whether a field is one that the host keeps from tenants, whatever the operator says.
    #[must_use]
    pub fn is_reserved(name: &str) -> bool {
        let name = name.trim().to_ascii_lowercase();
        RESERVED.contains(&name.as_str()) || RESERVED_BLOCKS.iter().any(|block| name.starts_with(block))
    }

    pub(super) fn may_write_header(&self, name: &str) -> Result<(), Refused> {
        let is_in = |list: &[String]| list.iter().any(|listed| listed.eq_ignore_ascii_case(name.trim()));
        let reserved = Self::is_reserved(name) || is_in(&self.reserved_headers);
        if !reserved || is_in(&self.headers) {
            return Ok(());
        }
        Err(Refused::Denied(format!(
            "the header field {name} is reserved; it takes the operator to list it in the tenant's bounds.headers"
        )))
    }

    pub(super) fn may_answer(&self, answer: &Answer) -> Result<(), Refused> {
        let needs = match answer {
            Err(_) if !self.may_reject => "refuses mail, which takes bounds.may_reject",
            Ok(Verdict::Discard) if !self.may_discard => "discards mail, which takes bounds.may_discard",
            _ => return Ok(()),
        };
        Err(Refused::Denied(needs.to_owned()))
    }
}
