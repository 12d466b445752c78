//! Which settings hold for a queue: the levels that apply, lowest first.

use tollgate_config::Rate;

use crate::config::{Config, Destination, Level};

/// Returns the levels that apply to a queue, later ones over earlier ones: `queue.default`, `queue.D`, `tenant.T`,
/// `tenant.T.campaigns.C`, `queue.D.T`, `queue.D.T.C`.
pub fn levels<'a>(
    config: &'a Config,
    domain: &str,
    tenant: Option<&str>,
    campaign: Option<&str>,
) -> impl DoubleEndedIterator<Item = &'a Level> {
    levels_at(config, destination(config, domain), tenant, campaign)
}

/// Returns the levels that apply to mail to a destination.
fn levels_at<'a>(
    config: &'a Config,
    destination: Option<&'a Destination>,
    tenant: Option<&str>,
    campaign: Option<&str>,
) -> impl DoubleEndedIterator<Item = &'a Level> {
    let default = config.destinations.get("default").map(|destination| &destination.level);
    let of_tenant = tenant.and_then(|name| config.tenants.get(name));
    let of_campaign = of_tenant.zip(campaign).and_then(|(tenant, name)| tenant.campaigns.get(name));
    let here = destination.zip(tenant).and_then(|(destination, name)| destination.tenants.get(name));
    let campaign_here = here.zip(campaign).and_then(|(tenant, name)| tenant.campaigns.get(name));
    let levels = [
        default,
        destination.map(|destination| &destination.level),
        of_tenant.map(|tenant| &tenant.level),
        of_campaign,
        here.map(|tenant| &tenant.level),
        campaign_here,
    ];
    levels.into_iter().flatten()
}

/// Returns where mail for a domain is routed instead, by the same levels.
#[must_use]
pub fn routing_domain<'a>(
    config: &'a Config,
    domain: &str,
    tenant: Option<&str>,
    campaign: Option<&str>,
) -> Option<&'a str> {
    let here = destination(config, domain);
    if !config.routes.elsewhere && !here.is_some_and(|here| here.routes) {
        return None;
    }
    let mut levels = levels_at(config, here, tenant, campaign).rev();
    levels.find_map(|level| level.routing_domain.as_ref()).map(|domain| domain.value.as_str())
}

/// Returns the entry for a domain: the exact one, else the `*.` key with most labels, else `*`.
///
/// `*.example.com` covers any depth below `example.com` and not `example.com` itself. `default` is no destination: it is
/// the base under all of them.
fn destination<'a>(config: &'a Config, domain: &str) -> Option<&'a Destination> {
    if let Some(exact) = config.destinations.get(domain).filter(|_| domain != "default") {
        return Some(exact);
    }
    let mut suffixes = domain.match_indices('.').map(|(dot, _)| &domain[dot..]);
    let wildcard = suffixes.find_map(|suffix| config.destinations.get(&format!("*{suffix}")));
    wildcard.or_else(|| config.destinations.get("*"))
}

/// Returns the rate that all queues of a tenant share, with its bucket.
#[must_use]
pub fn tenant_rate(config: &Config, tenant: Option<&str>) -> Option<(String, Rate)> {
    let tenant = tenant?;
    let rate = config.tenants.get(tenant)?.level.overall_max_message_rate.as_ref()?;
    Some((encode(tenant), rate.value))
}

/// Returns the rate that all queues of a tenant's campaign share, with its bucket.
#[must_use]
pub fn campaign_rate(config: &Config, tenant: Option<&str>, campaign: Option<&str>) -> Option<(String, Rate)> {
    let (tenant, campaign) = (tenant?, campaign?);
    let rate = config.tenants.get(tenant)?.campaigns.get(campaign)?.overall_max_message_rate.as_ref()?;
    Some((format!("{}/{}", encode(tenant), encode(campaign)), rate.value))
}

/// Percent-encodes all but letters, digits and `-._~`, so that joined parts cannot be taken for others.
fn encode(part: &str) -> String {
    part.bytes().fold(String::with_capacity(part.len()), |mut encoded, byte| {
        match byte {
            b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
        encoded
    })
}
