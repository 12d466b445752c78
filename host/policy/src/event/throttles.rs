//! The rates that several queues share.
//!
//! In: tenant and campaign. Out: a list of [`Throttle`]s, widest scope first; of several plugins, the lists one after
//! the other. A plugin that does not handle the event adds nothing.

use tollgate_config::Rate;

/// What a rate is shared by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// All queues of a tenant.
    Tenant,
    /// All queues of one campaign of a tenant.
    TenantCampaign,
}

/// A rate and the bucket that it fills.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Throttle {
    /// What the rate is shared by.
    pub scope: Scope,
    /// The bucket: percent-encoded parts joined with `/`.
    pub key: String,
    /// The rate.
    pub rate: Rate,
}
