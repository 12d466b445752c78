//! `[tenant.NAME.quota]`: how much of the machine a tenant may take up.

use tollgate_config::{Findings, Section};

/// What a tenant may take up. One that is named in `tollgate.toml` has these, with or without a component.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Quota {
    /// Messages in the spool.
    pub(crate) messages: u64,
    /// Octets of messages in the spool, each counted whole though copies share a body.
    pub(crate) octets: u64,
    /// Queues that hold messages.
    pub(crate) queues: u64,
    /// Messages being received at a time, after policy has said whose they are.
    pub(crate) receptions: u64,
    /// Components sent over HTTP, in an hour.
    pub(crate) uploads: u64,
}

impl Default for Quota {
    fn default() -> Self {
        Self { messages: 1_000_000, octets: 64 << 30, queues: 50_000, receptions: 256, uploads: 20 }
    }
}

/// Reads the section; what is not there has its default.
pub(super) fn quota(tenant: &mut Section<'_>, findings: &mut Findings) -> Quota {
    let mut quota = Quota::default();
    let Some(mut section) = tenant.section("quota", findings) else { return quota };
    for (key, value) in [
        ("messages", &mut quota.messages),
        ("queues", &mut quota.queues),
        ("receptions", &mut quota.receptions),
        ("uploads", &mut quota.uploads),
    ] {
        *value = section.number(key, findings).unwrap_or(*value);
    }
    quota.octets = section.size("bytes", findings).unwrap_or(quota.octets);
    section.finish(findings);
    quota
}
