//! Reading `tenants.toml`.

use tollgate_sdk::{
    Reference,
    config::{Findings, Section},
};

use crate::{TenantHeader, Unknown};

/// Longest name of a tenant, in octets.
const LONGEST: usize = 64;

/// Reads the file; what is wrong with it goes to `findings`. Returns besides which tenants are not everybody's.
pub(crate) fn read(top: &mut Section<'_>, findings: &mut Findings) -> (TenantHeader, Vec<Reference>) {
    let mut guarded = Vec::new();
    let plugin = TenantHeader {
        header: top.parsed("header", findings, field_name).unwrap_or_else(|| "X-Tenant".to_owned()),
        remove: top.boolean("remove", findings).unwrap_or(true),
        unknown: top.parsed("unknown", findings, unknown).unwrap_or(Unknown::Reject),
        default_tenant: top.text("default_tenant", findings),
        tenants: top
            .named("tenant", findings)
            .into_iter()
            .map(|(name, section)| tenant(name, section, &mut guarded, findings))
            .collect(),
    };
    match (&plugin.default_tenant, top.position("default_tenant"), top.position("unknown")) {
        (Some(name), Some(at), _) if !plugin.tenants.contains_key(name) => {
            findings.unknown(at, name, "a tenant of this file", plugin.tenants.keys().map(String::as_str));
        }
        (None, None, Some(at)) if plugin.unknown == Unknown::Default => {
            findings.error(at, "unknown: \"default\" needs a `default_tenant`");
        }
        _ => {}
    }
    (plugin, guarded)
}

fn tenant(
    name: &str,
    mut section: Section<'_>,
    guarded: &mut Vec<Reference>,
    findings: &mut Findings,
) -> (String, Option<Vec<String>>) {
    if let Err(reason) = tenant_name(name) {
        findings.error(section.at(), reason);
    }
    let allowed = section.list("require_authz", findings, |identity| Ok(identity.to_owned()));
    let at = section.position("require_authz");
    guarded.extend(at.map(|at| Reference::guarded_tenant(name, findings.file(), at)));
    section.finish(findings);
    (name.to_owned(), allowed)
}

/// Checks that a text can be the name of a tenant: it goes into queue names, records and replies as it is.
pub(crate) fn tenant_name(text: &str) -> Result<(), String> {
    let is_plain = |c: u8| c.is_ascii_alphanumeric() || b"-_.".contains(&c);
    if (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_plain) {
        return Ok(());
    }
    Err(format!("a tenant's name is up to {LONGEST} letters, digits, '-', '_' and '.'"))
}

/// Checks the name of a header field (RFC 5322 §3.6.8).
fn field_name(text: &str) -> Result<String, String> {
    match text.bytes().all(|c| c.is_ascii_graphic() && c != b':') && !text.is_empty() {
        true => Ok(text.to_owned()),
        false => Err(format!("'{text}' is not the name of a header field")),
    }
}

fn unknown(text: &str) -> Result<Unknown, String> {
    match text {
        "reject" => Ok(Unknown::Reject),
        "default" => Ok(Unknown::Default),
        other => Err(format!("'{other}' is neither \"reject\" nor \"default\"")),
    }
}
