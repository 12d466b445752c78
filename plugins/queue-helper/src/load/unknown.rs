//! Keys that mean nothing where they are, and names that look like mistakes: what to write instead.

use tollgate_config::{Entry, Value, nearest};
use tollgate_sdk::domains;

use super::{
    Reader,
    place::{Place, TOP},
};
use crate::options;

/// Options of KumoMTA's egress paths that are easily taken for those of queues.
const PATH_OPTIONS: [&str; 5] =
    ["connection_limit", "max_deliveries_per_connection", "max_connection_rate", "smtp_port", "enable_tls"];

/// How a key reads as a name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    /// As a name.
    Plain,
    /// As a misspelt option, which was said.
    Doubtful,
}

impl Reader<'_> {
    /// Says that a key means nothing here, and where it would, or which name was probably meant.
    pub(super) fn unknown(&mut self, entry: &Entry, place: Place) {
        match advice(entry, place) {
            Some(advice) => self.findings.error(entry.at, format!("`{}` is not {}; {advice}", entry.key, place.what())),
            None => self.findings.unknown(entry.at, &entry.key, place.what(), place.keys()),
        }
    }

    /// Reads a key that is to name a tenant or a campaign: it must be a table, and had better not look like an option.
    pub(super) fn names(&mut self, entry: &Entry, place: Place) -> Option<Name> {
        if !matches!(entry.node.value, Value::Table(_)) {
            self.unknown(entry, place);
            return None;
        }
        let Some(near) = nearest(&entry.key, place.keys()) else { return Some(Name::Plain) };
        let (what, table) = if place == Place::Destination { ("tenant", "tenants") } else { ("campaign", "campaigns") };
        let name = &entry.key;
        let message = format!(
            "`{name}` is taken for the name of a {what}; did you mean `{near}`? A {what} of that name can be written in the \
             table `{table}`"
        );
        self.findings.warning(entry.at, message);
        Some(Name::Doubtful)
    }

    /// Warns of a name that no message can have.
    pub(super) fn check_name(&mut self, entry: &Entry, what: &str) {
        let name = &entry.key;
        if name.trim().is_empty() {
            self.findings.warning(entry.at, format!("no mail has a {what} with an empty name; this is never used"));
        } else if name.trim() != name {
            let message =
                format!("'{name}' is never used: blanks around the name of a {what} are dropped from a header");
            self.findings.warning(entry.at, message);
        }
    }

    /// Checks the key of a destination, whose form for comparison is `key`.
    pub(super) fn check_domain(&mut self, entry: &Entry, key: &str) {
        let written = &entry.key;
        let twin = self.domains.insert(key.to_owned(), written.clone());
        if let Some(twin) = twin.filter(|twin| twin != written) {
            self.findings.error(entry.at, format!("'{written}' and '{twin}' are the same domain, `{key}`"));
        }
        let below = key
            .strip_prefix('*')
            .map_or(key, |rest| if rest.is_empty() { rest } else { rest.strip_prefix('.').unwrap_or(key) });
        if below.contains('*') || key == "*." {
            let message = format!(
                "'{written}' matches no domain: `*` stands alone, or for the labels in front, as in '*.example.com'"
            );
            self.findings.warning(entry.at, message);
        }
    }

    /// Keeps that a destination has settings for a tenant.
    pub(super) fn mention_tenant(&mut self, entry: &Entry, domain: &str) {
        if self.findings.is_damaged(entry.at) {
            return;
        }
        if domain == "default" {
            let name = &entry.key;
            let message = format!(
                "[queue.default.'{name}'] is never used; write [tenant.'{name}'] for all destinations of a tenant"
            );
            return self.findings.warning(entry.at, message);
        }
        let tenant = self.located(entry.key.clone(), entry);
        self.mentions.tenant(domain, tenant);
    }
}

/// Returns what to do about a key that is right elsewhere.
fn advice(entry: &Entry, place: Place) -> Option<&'static str> {
    let is_table = matches!(entry.node.value, Value::Table(_));
    match entry.key.as_str() {
        "routing_domain" if place == Place::Tenant => {
            Some("it belongs to a destination, [queue.'domain'], or to a campaign, [tenant.T.campaigns.C]")
        }
        "require_authz" => Some("it belongs to a tenant, [tenant.T]"),
        "overall_max_message_rate" => {
            Some("it belongs to a tenant, [tenant.T], or to a campaign, [tenant.T.campaigns.C]")
        }
        "routing_domain" => Some("it belongs to a destination, [queue.default] or [queue.'domain']"),
        "mx_list" => Some("it is a part of protocol: protocol.smtp.mx_list = ['host']"),
        "maildir_path" => Some("it is a part of protocol: protocol.maildir_path"),
        key if place == Place::Top && options::known(key).is_some() => {
            Some("it belongs to a queue or a tenant: [queue.default], [queue.'domain'] or [tenant.T]")
        }
        key if place != Place::Top && !is_table && TOP.contains(&key) => {
            Some("it belongs to the top of the file, before the first table")
        }
        key if PATH_OPTIONS.contains(&key) => Some("it belongs to a path: [egress.default] in tollgate.toml"),
        key if place == Place::Tenant && is_table && nearest(key, place.keys()).is_none() => {
            Some("campaigns are written as [tenant.T.campaigns.C]")
        }
        _ => None,
    }
}

/// Returns whether a key is a domain without dots, which is rarely meant: `[queue.gmail.com]` names domain `gmail`.
pub(super) fn lacks_quotes(domain: &str) -> bool {
    !domain.is_empty()
        && !["localhost", "*"].contains(&domain)
        && domains::normalize(domain) == domain
        && !domain.contains(['.', ':', '['])
}
