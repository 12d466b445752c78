//! Metadata: facts about a message set by the host and by policy, as text under text keys.

use std::collections::BTreeMap;

/// The metadata of a message. Sorted, so that what is printed and logged is stable.
pub type Meta = BTreeMap<String, String>;

/// Tenant whose mail it is.
pub const TENANT: &str = "tenant";
/// Campaign of the mail.
pub const CAMPAIGN: &str = "campaign";
/// Where to route instead of the recipient's domain.
pub const ROUTING_DOMAIN: &str = "routing_domain";
/// A queue name that stands instead of the one computed from the other four.
pub const QUEUE: &str = "queue";

/// The keys that together name a message's queue.
pub const QUEUE_KEYS: [&str; 4] = [QUEUE, TENANT, CAMPAIGN, ROUTING_DOMAIN];
