//! Where a key can stand, and which keys mean something there.

use crate::options;

/// Where a key is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// At the top of the file.
    Top,
    /// In `[queue.D]`.
    Destination,
    /// In `[queue.D.T]`.
    DestinationTenant,
    /// In `[queue.D.T.C]`.
    DestinationCampaign,
    /// In `[tenant.T]`.
    Tenant,
    /// In `[tenant.T.campaigns.C]`.
    TenantCampaign,
}

/// Keys at the top of a file.
pub(super) const TOP: [&str; 10] = [
    "scheduling_header",
    "tenant_header",
    "remove_tenant_header",
    "campaign_header",
    "remove_campaign_header",
    "default_tenant",
    "tenant",
    "tenants",
    "queue",
    "queues",
];

impl Place {
    /// Returns every key that means something here, besides names.
    pub(super) fn keys(self) -> impl Iterator<Item = &'static str> {
        let options = (self != Self::Top).then(options::names);
        options.into_iter().flatten().chain(self.helper_keys().iter().copied())
    }

    /// Returns the keys besides queue options that mean something here.
    fn helper_keys(self) -> &'static [&'static str] {
        match self {
            Self::Top => &TOP,
            Self::Destination => &["overall_max_message_rate", "routing_domain", "tenants"],
            Self::DestinationTenant => &["overall_max_message_rate", "routing_domain", "campaigns"],
            Self::DestinationCampaign | Self::TenantCampaign => &["overall_max_message_rate", "routing_domain"],
            Self::Tenant => &["overall_max_message_rate", "require_authz", "campaigns"],
        }
    }

    /// Returns what a key here is, for messages.
    pub(super) fn what(self) -> &'static str {
        match self {
            Self::Top => "an option of this file",
            Self::Destination | Self::DestinationTenant => "an option of a queue",
            Self::DestinationCampaign | Self::TenantCampaign => "an option of a campaign",
            Self::Tenant => "an option of a tenant",
        }
    }

    /// Returns whether a routing domain can be given here.
    pub(super) fn routes(self) -> bool {
        self.helper_keys().contains(&"routing_domain")
    }

    /// Returns whether a rate over all queues has an effect here.
    pub(super) fn has_overall_rate(self) -> bool {
        matches!(self, Self::Tenant | Self::TenantCampaign)
    }
}
