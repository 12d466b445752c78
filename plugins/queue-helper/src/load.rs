//! From the text of files to one configuration, with everything that is wrong with it.
//!
//! A key is an option if its name is an option of that level, whatever its value. Any other key must be a table, and names a
//! tenant (under a destination) or a campaign (one level down). The explicit tables `tenants` and `campaigns` take any name.

use std::collections::BTreeMap;

use tollgate_config::{Entry, Finding, Findings, Node, Rate, Table, Value, nearest};
use tollgate_sdk::domains;

use crate::{
    config::{Config, Destination, DestinationTenant, Level, Located, Origin, Overlay, Tenant},
    options::{self, INERT, text},
};

/// What the files came to.
pub struct Loaded {
    /// The configuration, as far as it could be read.
    pub config: Config,
    /// Everything to say about it, by file and position.
    pub findings: Vec<Finding>,
}

/// Where a set of options is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Destination,
    DestinationTenant,
    DestinationCampaign,
    Tenant,
    TenantCampaign,
}

const TOP: [&str; 10] = [
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
    /// Returns the keys besides queue options that mean something here.
    fn helper_keys(self) -> &'static [&'static str] {
        match self {
            Self::Destination => &["overall_max_message_rate", "routing_domain", "tenants"],
            Self::DestinationTenant => &["overall_max_message_rate", "routing_domain", "campaigns"],
            Self::DestinationCampaign | Self::TenantCampaign => &["overall_max_message_rate", "routing_domain"],
            Self::Tenant => &["overall_max_message_rate", "require_authz", "campaigns"],
        }
    }

    fn has_overall_rate(self) -> bool {
        matches!(self, Self::Tenant | Self::TenantCampaign)
    }
}

/// Reads files in order, each with its name, and lays them over each other.
#[must_use]
pub fn load(files: &[(String, Vec<u8>)]) -> Loaded {
    let mut loaded = Loaded { config: Config::default(), findings: Vec::new() };
    for (name, content) in files {
        let mut findings = Findings::new(name);
        let text = String::from_utf8_lossy(content);
        let table = Table::parse(&text, name.ends_with(".json"), &mut findings);
        loaded.config.overlay(Reader { findings: &mut findings }.config(&table));
        loaded.findings.extend(findings.into_sorted());
    }
    loaded
}

struct Reader<'a> {
    findings: &'a mut Findings,
}

impl Reader<'_> {
    fn config(&mut self, table: &Table) -> Config {
        let mut config = Config::default();
        for entry in &table.entries {
            match entry.key.as_str() {
                "scheduling_header" => config.scheduling_header = self.name(entry),
                "tenant_header" => config.tenant_header = self.name(entry),
                "remove_tenant_header" => config.remove_tenant_header = self.boolean(entry),
                "campaign_header" => config.campaign_header = self.name(entry),
                "remove_campaign_header" => config.remove_campaign_header = self.boolean(entry),
                "default_tenant" => config.default_tenant = self.name(entry),
                "tenant" | "tenants" => config.tenants.overlay(self.tenants(entry)),
                "queue" | "queues" => config.destinations.overlay(self.destinations(entry)),
                other => self.findings.unknown(entry.at, other, "an option of this file", TOP),
            }
        }
        config
    }

    fn tenants(&mut self, entry: &Entry) -> BTreeMap<String, Tenant> {
        self.children(entry).map_or_else(BTreeMap::new, |table| {
            table.entries.iter().filter_map(|entry| Some((entry.key.clone(), self.tenant(entry)?))).collect()
        })
    }

    fn tenant(&mut self, entry: &Entry) -> Option<Tenant> {
        let table = self.children(entry)?;
        let mut tenant = Tenant::default();
        for entry in &table.entries {
            match entry.key.as_str() {
                "require_authz" => tenant.require_authz = self.identities(entry),
                "campaigns" => tenant.campaigns = self.campaigns(entry, Place::TenantCampaign),
                _ if self.option(entry, Place::Tenant, &mut tenant.level) => {}
                _ => self.unknown(entry, Place::Tenant),
            }
        }
        Some(tenant)
    }

    fn destinations(&mut self, entry: &Entry) -> BTreeMap<String, Destination> {
        let mut destinations = BTreeMap::new();
        let mut written: BTreeMap<String, &str> = BTreeMap::new();
        let Some(table) = self.children(entry) else { return destinations };
        for entry in &table.entries {
            let key = domains::normalize(&entry.key);
            if let Some(twin) = written.insert(key.clone(), &entry.key) {
                self.findings.error(entry.at, format!("'{}' and '{twin}' are the same domain, `{key}`", entry.key));
            }
            if let Some(destination) = self.destination(entry) {
                destinations.insert(key, destination);
            }
        }
        destinations
    }

    fn destination(&mut self, entry: &Entry) -> Option<Destination> {
        let table = self.children(entry)?;
        let is_default = entry.key == "default";
        let mut destination = Destination::default();
        for entry in &table.entries {
            match entry.key.as_str() {
                "tenants" => destination.tenants.overlay(self.destination_tenants(entry)),
                _ if self.option(entry, Place::Destination, &mut destination.level) => {}
                name => {
                    if let Some(tenant) =
                        self.named(entry, Place::Destination, "tenant").and_then(|()| self.destination_tenant(entry))
                    {
                        if is_default {
                            self.default_tenant_is_unused(entry);
                        }
                        destination.tenants.overlay(BTreeMap::from([(name.to_owned(), tenant)]));
                    }
                }
            }
        }
        Some(destination)
    }

    fn default_tenant_is_unused(&mut self, entry: &Entry) {
        let name = &entry.key;
        let message =
            format!("[queue.default.'{name}'] is never used; write [tenant.'{name}'] for all destinations of a tenant");
        self.findings.warning(entry.at, message);
    }

    fn destination_tenants(&mut self, entry: &Entry) -> BTreeMap<String, DestinationTenant> {
        self.children(entry).map_or_else(BTreeMap::new, |table| {
            table
                .entries
                .iter()
                .filter_map(|entry| Some((entry.key.clone(), self.destination_tenant(entry)?)))
                .collect()
        })
    }

    fn destination_tenant(&mut self, entry: &Entry) -> Option<DestinationTenant> {
        let table = self.children(entry)?;
        let place = Place::DestinationTenant;
        let mut tenant = DestinationTenant::default();
        for entry in &table.entries {
            match entry.key.as_str() {
                "campaigns" => tenant.campaigns.overlay(self.campaigns(entry, Place::DestinationCampaign)),
                _ if self.option(entry, place, &mut tenant.level) => {}
                name => {
                    let campaign = self
                        .named(entry, place, "campaign")
                        .and_then(|()| self.campaign(entry, Place::DestinationCampaign));
                    if let Some(campaign) = campaign {
                        tenant.campaigns.overlay(BTreeMap::from([(name.to_owned(), campaign)]));
                    }
                }
            }
        }
        Some(tenant)
    }

    fn campaigns(&mut self, entry: &Entry, place: Place) -> BTreeMap<String, Level> {
        self.children(entry).map_or_else(BTreeMap::new, |table| {
            table.entries.iter().filter_map(|entry| Some((entry.key.clone(), self.campaign(entry, place)?))).collect()
        })
    }

    fn campaign(&mut self, entry: &Entry, place: Place) -> Option<Level> {
        let table = self.children(entry)?;
        let mut level = Level::default();
        for entry in &table.entries {
            if !self.option(entry, place, &mut level) {
                self.unknown(entry, place);
            } else if place == Place::TenantCampaign && entry.key != "overall_max_message_rate" {
                let message = format!("{}: KumoMTA ignores this here; Tollgate honours it", entry.key);
                self.findings.note(entry.at, message);
            }
        }
        Some(level)
    }

    /// Reads a key that is an option here; returns false where it is none.
    fn option(&mut self, entry: &Entry, place: Place, level: &mut Level) -> bool {
        match entry.key.as_str() {
            "overall_max_message_rate" => level.overall_max_message_rate = self.overall_rate(entry, place),
            "routing_domain" if place.helper_keys().contains(&"routing_domain") => {
                level.routing_domain = self.name(entry).map(|domain| self.located(domain, entry));
            }
            name => {
                let Some(option) = options::known(name) else { return false };
                self.queue_option(option, entry, level);
            }
        }
        true
    }

    fn queue_option(&mut self, option: &'static str, entry: &Entry, level: &mut Level) {
        match options::read(option, &entry.node) {
            Ok(value) => drop(level.options.insert(option, self.located(value, entry))),
            Err(reason) => self.findings.error(entry.at, format!("{option}: {reason}")),
        }
        if let Some((_, reason)) = INERT.iter().find(|(name, _)| *name == option) {
            self.findings.note(entry.at, format!("{option} has no effect: {reason}"));
        }
        if matches!(&entry.node.value, Value::Table(table) if option == "protocol" && table.get("maildir_path").is_some())
        {
            self.findings.warning(
                entry.at,
                "protocol: delivery to maildir_path is not built in; mail for such queues is deferred (451 4.3.5)",
            );
        }
    }

    fn overall_rate(&mut self, entry: &Entry, place: Place) -> Option<Located<Rate>> {
        if !place.has_overall_rate() {
            let message =
                "overall_max_message_rate has no effect here; it belongs into [tenant.T] or [tenant.T.campaigns.C]";
            self.findings.warning(entry.at, message);
        }
        let rate = text(&entry.node.value, "a rate such as '100/s'").and_then(str::parse);
        rate.map(|rate| self.located(rate, entry))
            .map_err(|reason: String| self.findings.error(entry.at, format!("overall_max_message_rate: {reason}")))
            .ok()
    }

    /// Checks a key that names a tenant or a campaign: it must be a table, and had better not look like an option.
    fn named(&mut self, entry: &Entry, place: Place, what: &str) -> Option<()> {
        if !matches!(entry.node.value, Value::Table(_)) {
            self.unknown(entry, place);
            return None;
        }
        if let Some(near) = nearest(&entry.key, option_names(place)) {
            let name = &entry.key;
            self.findings
                .warning(entry.at, format!("`{name}` is taken for the name of a {what}; did you mean `{near}`?"));
        }
        Some(())
    }

    fn unknown(&mut self, entry: &Entry, place: Place) {
        if entry.key == "routing_domain" {
            let message = "routing_domain is no option of a tenant; it belongs to a destination, [queue.'domain']";
            return self.findings.error(entry.at, message);
        }
        let what = match (place, &entry.node.value) {
            (Place::Tenant, Value::Table(_)) => {
                "an option of a tenant; campaigns are written as [tenant.T.campaigns.C]"
            }
            (Place::Tenant, _) => "an option of a tenant",
            (Place::DestinationCampaign | Place::TenantCampaign, _) => "an option of a campaign",
            _ => "an option of a queue",
        };
        self.findings.unknown(entry.at, &entry.key, what, option_names(place));
    }

    fn children<'t>(&mut self, entry: &'t Entry) -> Option<&'t Table> {
        match &entry.node.value {
            Value::Table(table) => Some(table),
            other => {
                self.findings.error(entry.at, format!("{}: expected a table, got {}", entry.key, other.kind()));
                None
            }
        }
    }

    fn located<T>(&self, value: T, entry: &Entry) -> Located<T> {
        Located { value, origin: Origin { file: self.findings.file().to_owned(), at: entry.at } }
    }

    fn name(&mut self, entry: &Entry) -> Option<String> {
        self.checked(entry, |node| text(&node.value, "text").map(str::to_owned))
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
    }

    fn boolean(&mut self, entry: &Entry) -> Option<bool> {
        self.checked(entry, |node| match node.value {
            Value::Boolean(value) => Ok(value),
            ref other => Err(format!("expected true or false, got {}", other.kind())),
        })
    }

    fn identities(&mut self, entry: &Entry) -> Option<Vec<String>> {
        self.checked(entry, |node| match &node.value {
            Value::Array(items) => {
                items.iter().map(|item| text(&item.value, "a list of names").map(str::to_owned)).collect()
            }
            other => Err(format!("expected a list of names, got {}", other.kind())),
        })
    }

    fn checked<T>(&mut self, entry: &Entry, read: impl FnOnce(&Node) -> Result<T, String>) -> Option<T> {
        read(&entry.node).map_err(|reason| self.findings.error(entry.at, format!("{}: {reason}", entry.key))).ok()
    }
}

fn option_names(place: Place) -> impl Iterator<Item = &'static str> {
    options::names().chain(place.helper_keys().iter().copied())
}
