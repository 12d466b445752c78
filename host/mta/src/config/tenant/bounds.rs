//! `[tenant.NAME.bounds]`: what a tenant's component may do beyond, or not do within, what every tenant's may.

use std::{collections::BTreeMap, sync::Arc};

use tollgate_config::{Findings, Position, Rate, Section, nearest};
use tollgate_policy::scope::{Bound, Bounds, Defaults};
use tollgate_queue::QueueConfig;

use super::super::UNSPECIFIED;

/// Reads the section; without one the operator's own values are the bounds. `pools`: those that are defined.
pub(super) fn bounds(
    tenant: &mut Section<'_>,
    pools: &BTreeMap<String, Vec<(String, u32)>>,
    findings: &mut Findings,
) -> Bounds {
    let mut bounds = Bounds::new(defaults());
    let Some(mut section) = tenant.section("bounds", findings) else { return bounds };
    for (key, bound) in [
        ("max_age", &mut bounds.max_age),
        ("max_retry_interval", &mut bounds.max_retry_interval),
        ("retry_interval", &mut bounds.retry_interval),
    ] {
        *bound = section.duration(key, findings).and_then(|value| written(&section, key, value, findings));
    }
    let rate = section.parsed("max_message_rate", findings, str::parse::<Rate>);
    bounds.max_message_rate = rate.and_then(|rate| written(&section, "max_message_rate", rate, findings));
    bounds.egress_pools = self::pools(&mut section, pools, findings);
    bounds.may_reject = section.boolean("may_reject", findings).unwrap_or(bounds.may_reject);
    bounds.may_discard = section.boolean("may_discard", findings).unwrap_or(bounds.may_discard);
    bounds.headers = headers(&mut section, findings);
    bounds.reserved_headers = section.list("reserved_headers", findings, field).unwrap_or_default();
    section.finish(findings);
    bounds
}

/// Returns what a queue has about which nobody says anything.
fn defaults() -> Defaults {
    let QueueConfig { retry_interval, max_age, .. } = QueueConfig::default();
    Defaults { retry_interval, max_age, egress_pool: UNSPECIFIED.to_owned() }
}

fn written<T>(section: &Section<'_>, key: &str, value: T, findings: &Findings) -> Option<Bound<T>> {
    let Position { line, .. } = section.position(key)?;
    Some(Bound { value, origin: Arc::from(format!("{}:{line}", findings.file())) })
}

fn pools(
    section: &mut Section<'_>,
    defined: &BTreeMap<String, Vec<(String, u32)>>,
    findings: &mut Findings,
) -> Vec<String> {
    let named = section.texts("egress_pools", findings).unwrap_or_default();
    for (name, at) in named.iter().filter(|(name, _)| !defined.contains_key(*name)) {
        let hint = nearest(name, defined.keys().map(String::as_str));
        let hint = hint.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        findings.error(*at, format!("egress_pools: pool '{name}' is not defined as [pool.'{name}'.SOURCE]{hint}"));
    }
    named.into_iter().map(|(name, _)| name.to_owned()).collect()
}

/// Reads the reserved fields that the tenant may write after all; one that is not reserved is probably a slip.
fn headers(section: &mut Section<'_>, findings: &mut Findings) -> Vec<String> {
    let named = section.texts("headers", findings).unwrap_or_default();
    for (name, at) in &named {
        match field(name) {
            Ok(_) if !Bounds::is_reserved(name) => {
                findings.note(*at, format!("headers: {name} is not reserved, so any tenant may write it"));
            }
            Ok(_) => {}
            Err(error) => findings.error(*at, format!("headers: {error}")),
        }
    }
    named.into_iter().map(|(name, _)| name.to_owned()).collect()
}

fn field(name: &str) -> Result<String, String> {
    let valid = !name.is_empty() && name.bytes().all(|octet| octet.is_ascii_graphic() && octet != b':');
    if valid { Ok(name.to_owned()) } else { Err(format!("'{name}' is no name of a header field")) }
}
