//! From the text of files to one configuration, with everything that is wrong with it.
//!
//! A key is an option if its name is an option of that level, whatever its value. Any other key must be a table, and names a
//! tenant (under a destination) or a campaign (one level down). The explicit tables `tenants` and `campaigns` take any name.
//! What is read of each value is in [`values`]; what is said about keys that mean nothing, in [`unknown`]; what can be
//! judged only when every file is read, in [`whole`].

mod place;
mod unknown;
mod values;
mod whole;

use std::{
    collections::{BTreeMap, HashMap},
    rc::Rc,
    time::Duration,
};

use tollgate_config::{Entry, Finding, Findings, Table, Value, duration};
use tollgate_sdk::domains;

use self::{place::Place, unknown::Name, whole::Mentions};
use crate::{
    config::{Config, Destination, DestinationTenant, Level, Located, Origin, Overlay, Tenant},
    options::{self, INERT, OptionValue},
};

/// What the files came to.
pub struct Loaded {
    /// The configuration, as far as it could be read.
    pub config: Config,
    /// Everything to say about it, by file and position.
    pub findings: Vec<Finding>,
}

/// Reads files in order, each with its name, and lays them over each other.
#[must_use]
pub fn load(files: &[(String, Vec<u8>)]) -> Loaded {
    let mut config = Config::default();
    let mut mentions = Mentions::default();
    let mut findings = Vec::new();
    for (name, content) in files {
        let mut found = Findings::new(name);
        let text = text_of(content, &mut found);
        let table = Table::parse(&text, name.ends_with(".json"), &mut found);
        let reader = Reader {
            file: Rc::from(name.as_str()),
            findings: &mut found,
            mentions: &mut mentions,
            domains: HashMap::new(),
        };
        config.overlay(reader.config(&table));
        findings.extend(found.into_sorted());
    }
    config.sum_up();
    findings.extend(mentions.findings(&config));
    let rank = |finding: &Finding| files.iter().position(|(name, _)| Some(name) == finding.file.as_ref());
    findings.sort_by_cached_key(|finding| (rank(finding), finding.at));
    Loaded { config, findings }
}

/// Returns the text of a file; octets that are not UTF-8 are an error where they are.
fn text_of<'a>(content: &'a [u8], findings: &mut Findings) -> std::borrow::Cow<'a, str> {
    // Some editors put a mark in front of UTF-8; it says nothing.
    let content = content.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(content);
    if let Err(error) = std::str::from_utf8(content) {
        let before = String::from_utf8_lossy(&content[..error.valid_up_to()]);
        let (line, column) =
            (before.matches('\n').count(), before.rsplit('\n').next().unwrap_or_default().chars().count());
        let number = |n: usize| u32::try_from(n + 1).unwrap_or(u32::MAX);
        let at = tollgate_config::Position { line: number(line), column: number(column) };
        findings.error(at, "not UTF-8; save the file in that encoding");
    }
    String::from_utf8_lossy(content)
}

/// Reads one file.
struct Reader<'a> {
    file: Rc<str>,
    findings: &'a mut Findings,
    mentions: &'a mut Mentions,
    /// The destinations of this file: as compared, and as written.
    domains: HashMap<String, String>,
}

impl Reader<'_> {
    fn config(mut self, table: &Table) -> Config {
        let mut config = Config::default();
        for entry in &table.entries {
            match entry.key.as_str() {
                "scheduling_header" => config.scheduling_header = self.header(entry),
                "tenant_header" => config.tenant_header = self.header(entry),
                "campaign_header" => config.campaign_header = self.header(entry),
                "remove_tenant_header" => config.remove_tenant_header = self.removal(entry, "tenant_header"),
                "remove_campaign_header" => config.remove_campaign_header = self.removal(entry, "campaign_header"),
                "default_tenant" => config.default_tenant = self.default_tenant(entry),
                "tenant" | "tenants" => config.tenants.overlay(self.tenants(entry)),
                "queue" | "queues" => self.destinations(entry, &mut config.destinations),
                _ => self.unknown(entry, Place::Top),
            }
        }
        config
    }

    fn tenants(&mut self, entry: &Entry) -> BTreeMap<String, Tenant> {
        self.children(entry).iter().filter_map(|entry| Some((entry.key.clone(), self.tenant(entry)?))).collect()
    }

    fn tenant(&mut self, entry: &Entry) -> Option<Tenant> {
        let table = self.table(entry)?;
        self.check_name(entry, "tenant");
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

    fn destinations(&mut self, entry: &Entry, destinations: &mut BTreeMap<String, Destination>) {
        for entry in self.children(entry) {
            let key = domains::normalize(&entry.key);
            self.check_domain(entry, &key);
            if let Some(destination) = self.destination(entry, &key) {
                destinations.entry(key).or_default().overlay(destination);
            }
        }
    }

    fn destination(&mut self, entry: &Entry, domain: &str) -> Option<Destination> {
        let table = self.table(entry)?;
        let mut destination = Destination::default();
        for entry in &table.entries {
            match entry.key.as_str() {
                "tenants" => {
                    for entry in self.children(entry) {
                        self.mention_tenant(entry, domain);
                        self.destination_tenant(entry, &mut destination);
                    }
                }
                _ if self.option(entry, Place::Destination, &mut destination.level) => {}
                _ => {
                    let Some(name) = self.names(entry, Place::Destination) else { continue };
                    // Where nothing is used, a name that is doubtful besides is told both.
                    if name == Name::Plain || domain == "default" {
                        self.mention_tenant(entry, domain);
                    }
                    self.destination_tenant(entry, &mut destination);
                }
            }
        }
        Some(destination)
    }

    fn destination_tenant(&mut self, entry: &Entry, destination: &mut Destination) {
        let Some(table) = self.table(entry) else { return };
        self.check_name(entry, "tenant");
        let place = Place::DestinationTenant;
        let mut tenant = DestinationTenant::default();
        for entry in &table.entries {
            match entry.key.as_str() {
                "campaigns" => tenant.campaigns.overlay(self.campaigns(entry, Place::DestinationCampaign)),
                _ if self.option(entry, place, &mut tenant.level) => {}
                name => {
                    let Some(_) = self.names(entry, place) else { continue };
                    if let Some(campaign) = self.campaign(entry, Place::DestinationCampaign) {
                        tenant.campaigns.entry(name.to_owned()).or_default().overlay(campaign);
                    }
                }
            }
        }
        destination.tenants.entry(entry.key.clone()).or_default().overlay(tenant);
    }

    fn campaigns(&mut self, entry: &Entry, place: Place) -> BTreeMap<String, Level> {
        let children = self.children(entry);
        children.iter().filter_map(|entry| Some((entry.key.clone(), self.campaign(entry, place)?))).collect()
    }

    fn campaign(&mut self, entry: &Entry, place: Place) -> Option<Level> {
        let table = self.table(entry)?;
        self.check_name(entry, "campaign");
        let mut level = Level::default();
        for entry in &table.entries {
            if !self.option(entry, place, &mut level) {
                self.unknown(entry, place);
            }
        }
        Some(level)
    }

    /// Reads a key that is an option here; returns false where it is none.
    fn option(&mut self, entry: &Entry, place: Place, level: &mut Level) -> bool {
        let is_read = match entry.key.as_str() {
            "overall_max_message_rate" => {
                level.overall_max_message_rate = self.overall_rate(entry, place);
                return true;
            }
            "routing_domain" if place.routes() => {
                level.routing_domain = self.routing_domain(entry);
                level.routing_domain.is_some()
            }
            name => {
                let Some(option) = options::known(name) else { return false };
                self.queue_option(option, entry, level)
            }
        };
        let inert = INERT.iter().any(|(name, _)| *name == entry.key);
        if is_read && !inert && place == Place::TenantCampaign {
            self.findings.note(entry.at, format!("{}: KumoMTA ignores this here; Tollgate honours it", entry.key));
        }
        true
    }

    /// Reads an option of a queue; returns whether its value is one.
    fn queue_option(&mut self, option: &'static str, entry: &Entry, level: &mut Level) -> bool {
        let Some(value) = options::read(option, entry, self.findings).filter(|_| !self.findings.is_damaged(entry.at))
        else {
            return false;
        };
        if let Some((_, reason)) = INERT.iter().find(|(name, _)| *name == option) {
            self.findings.note(entry.at, format!("{option} has no effect: {reason}"));
        }
        if let ("max_retry_interval", OptionValue::Duration(cap)) = (option, &value)
            && *cap < Duration::from_secs(1)
        {
            let cap = duration::format(*cap);
            let message = format!("{option}: {cap} counts as 1 second; attempts are at least that far apart");
            self.findings.note(entry.at, message);
        }
        let setting = self.located(value, entry);
        self.mentions.setting(option, &setting);
        level.options.insert(option, setting);
        true
    }

    /// Returns what is in a table, or says that it should be one.
    fn table<'t>(&mut self, entry: &'t Entry) -> Option<&'t Table> {
        match &entry.node.value {
            Value::Table(table) => Some(table),
            other => {
                self.findings.error(entry.at, format!("{}: expected a table, got {}", entry.key, other.kind()));
                None
            }
        }
    }

    fn children<'t>(&mut self, entry: &'t Entry) -> &'t [Entry] {
        self.table(entry).map_or(&[], |table| &table.entries)
    }

    fn located<T>(&self, value: T, entry: &Entry) -> Located<T> {
        Located { value, origin: self.origin(entry) }
    }

    fn origin(&self, entry: &Entry) -> Origin {
        Origin { file: Rc::clone(&self.file), at: entry.at }
    }
}
