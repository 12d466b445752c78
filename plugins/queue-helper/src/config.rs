//! What the files say, merged: tenants, destinations, and the options at each level with their origins.

use std::{collections::BTreeMap, rc::Rc};

use tollgate_config::{Findings, Position, Rate, Table, Value};
use tollgate_sdk::{Reference, ReferenceKind};

use crate::options::OptionValue;

/// Where something was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    /// The file, by the operator's name for it; shared, since every setting has one.
    pub file: Rc<str>,
    /// Where in it.
    pub at: Position,
}

/// Something with its origin.
#[derive(Clone, PartialEq, Debug)]
pub struct Located<T> {
    /// The thing.
    pub value: T,
    /// Where it was written.
    pub origin: Origin,
}

/// The whole of the configuration.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Config {
    /// Header that holds a schedule; always removed once it was read.
    pub scheduling_header: Option<String>,
    /// Header that names the tenant.
    pub tenant_header: Option<String>,
    /// Whether that header is removed.
    pub remove_tenant_header: Option<bool>,
    /// Header that names the campaign.
    pub campaign_header: Option<String>,
    /// Whether that header is removed.
    pub remove_campaign_header: Option<bool>,
    /// Tenant of mail that names none.
    pub default_tenant: Option<String>,
    /// The tenants, by name; names are exact.
    pub tenants: BTreeMap<String, Tenant>,
    /// Settings by destination, by normalised domain, `*.suffix`, `*` or `default`.
    pub destinations: BTreeMap<String, Destination>,
    /// What of the above is looked for in vain most of the time.
    pub routes: Routes,
    /// Whether some tenant may be used by certain identities only.
    pub guarded: bool,
}

/// Where mail is routed elsewhere at all. Every message asks, and of all levels few say so.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Routes {
    /// At some level.
    pub anywhere: bool,
    /// At one that is not a destination's, or below it: `default`, a tenant's, a campaign's.
    pub elsewhere: bool,
}

/// Queue options by name. There are tens of thousands of these and few options in each, so a list is smaller than a tree.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Options(Vec<(&'static str, Located<OptionValue>)>);

impl Options {
    /// Returns the setting of an option.
    #[must_use]
    pub fn get(&self, option: &str) -> Option<&Located<OptionValue>> {
        self.iter().find(|(name, _)| *name == option).map(|(_, setting)| setting)
    }

    /// Sets an option, in place of what was set before.
    pub fn insert(&mut self, option: &'static str, setting: Located<OptionValue>) {
        match self.0.iter_mut().find(|(name, _)| *name == option) {
            Some((_, before)) => *before = setting,
            None => self.0.push((option, setting)),
        }
    }

    /// Returns the options that are set, in the order in which they were first.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Located<OptionValue>)> {
        self.0.iter().map(|(name, setting)| (*name, setting))
    }
}

/// Options written at one level.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Level {
    /// Queue options.
    pub options: Options,
    /// The rate over all queues, where the level can have one.
    pub overall_max_message_rate: Option<Located<Rate>>,
    /// Where to route instead of the recipient's domain.
    pub routing_domain: Option<Located<String>>,
}

/// A tenant.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Tenant {
    /// Its options, for all destinations.
    pub level: Level,
    /// Who may use it; `None` is everybody, an empty list nobody.
    pub require_authz: Option<Located<Vec<String>>>,
    /// Its campaigns, for all destinations.
    pub campaigns: BTreeMap<String, Level>,
}

/// A destination.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Destination {
    /// Its options.
    pub level: Level,
    /// Options for tenants' mail to it.
    pub tenants: BTreeMap<String, DestinationTenant>,
    /// Whether some level here routes mail elsewhere; see [`Config::sum_up`].
    pub routes: bool,
}

/// A tenant's mail to a destination.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct DestinationTenant {
    /// Its options.
    pub level: Level,
    /// Options for campaigns.
    pub campaigns: BTreeMap<String, Level>,
}

/// Laying a later file over an earlier one: tables recurse, everything else is replaced whole.
pub trait Overlay {
    /// Puts what `later` has over what is here.
    fn overlay(&mut self, later: Self);
}

impl<T> Overlay for Option<T> {
    fn overlay(&mut self, later: Self) {
        if later.is_some() {
            *self = later;
        }
    }
}

impl<T: Overlay + Default> Overlay for BTreeMap<String, T> {
    fn overlay(&mut self, later: Self) {
        if self.is_empty() {
            *self = later;
            return;
        }
        for (name, value) in later {
            self.entry(name).or_default().overlay(value);
        }
    }
}

impl Overlay for Level {
    fn overlay(&mut self, later: Self) {
        for (option, setting) in later.options.0 {
            self.options.insert(option, setting);
        }
        self.overall_max_message_rate.overlay(later.overall_max_message_rate);
        self.routing_domain.overlay(later.routing_domain);
    }
}

impl Overlay for Tenant {
    fn overlay(&mut self, later: Self) {
        self.level.overlay(later.level);
        self.require_authz.overlay(later.require_authz);
        self.campaigns.overlay(later.campaigns);
    }
}

impl Overlay for Destination {
    fn overlay(&mut self, later: Self) {
        self.level.overlay(later.level);
        self.tenants.overlay(later.tenants);
    }
}

impl Overlay for DestinationTenant {
    fn overlay(&mut self, later: Self) {
        self.level.overlay(later.level);
        self.campaigns.overlay(later.campaigns);
    }
}

impl Overlay for Config {
    fn overlay(&mut self, later: Self) {
        self.scheduling_header.overlay(later.scheduling_header);
        self.tenant_header.overlay(later.tenant_header);
        self.remove_tenant_header.overlay(later.remove_tenant_header);
        self.campaign_header.overlay(later.campaign_header);
        self.remove_campaign_header.overlay(later.remove_campaign_header);
        self.default_tenant.overlay(later.default_tenant);
        self.tenants.overlay(later.tenants);
        self.destinations.overlay(later.destinations);
    }
}

impl Config {
    /// Returns every egress pool and every path of mailboxes that is named, at every level, and every tenant that not
    /// everybody may use.
    #[must_use]
    pub fn references(&self) -> Vec<Reference> {
        let guarded = self.tenants.iter().filter_map(|(name, tenant)| {
            Some(reference(ReferenceKind::GuardedTenant, name, &tenant.require_authz.as_ref()?.origin))
        });
        let named = self.levels().flat_map(|level| [pool_reference(level), maildir_reference(level)]);
        named.flatten().chain(guarded).collect()
    }

    /// Notes what routes mail elsewhere, and whether identities matter, once all files are there.
    pub fn sum_up(&mut self) {
        let routes = |level: &Level| level.routing_domain.is_some();
        for destination in self.destinations.values_mut() {
            let here = destination.levels().any(routes);
            destination.routes = here;
        }
        let default = self.destinations.get("default").is_some_and(|default| default.routes);
        let elsewhere = default || self.tenants.values().flat_map(Tenant::levels).any(routes);
        let anywhere = self.levels().any(routes);
        self.routes = Routes { anywhere, elsewhere };
        self.guarded = self.tenants.values().any(|tenant| tenant.require_authz.is_some());
    }

    fn levels(&self) -> impl Iterator<Item = &Level> {
        let tenants = self.tenants.values().flat_map(Tenant::levels);
        tenants.chain(self.destinations.values().flat_map(Destination::levels))
    }
}

impl Tenant {
    fn levels(&self) -> impl Iterator<Item = &Level> {
        [&self.level].into_iter().chain(self.campaigns.values())
    }
}

impl Destination {
    fn levels(&self) -> impl Iterator<Item = &Level> {
        let tenants = self.tenants.values();
        let below = tenants.flat_map(|tenant| [&tenant.level].into_iter().chain(tenant.campaigns.values()));
        [&self.level].into_iter().chain(below)
    }
}

fn pool_reference(level: &Level) -> Option<Reference> {
    let setting = level.options.get("egress_pool")?;
    let OptionValue::Text(name) = &setting.value else { return None };
    Some(reference(ReferenceKind::EgressPool, name, &setting.origin))
}

fn maildir_reference(level: &Level) -> Option<Reference> {
    let setting = level.options.get("protocol")?;
    let OptionValue::Json(protocol) = &setting.value else { return None };
    // It was written out by this plugin, so there is nothing to find.
    let protocol = Table::parse(protocol, true, &mut Findings::new(""));
    match (protocol.get("smtp"), &protocol.get("maildir_path")?.node.value) {
        (None, Value::String(path)) => Some(reference(ReferenceKind::MaildirPath, path, &setting.origin)),
        _ => None,
    }
}

fn reference(kind: ReferenceKind, name: &str, Origin { file, at }: &Origin) -> Reference {
    Reference { kind, name: name.to_owned(), file: file.to_string(), line: at.line, column: at.column }
}
