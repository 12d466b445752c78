//! Tenants' own components: loaded like any plugin, and each its tenant's affair.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, PoisonError},
};

use tollgate_capability::Grants;
use tollgate_config::{Finding, Severity};
use tollgate_policy::{Event, Health, Missing, Plugin, TenantPolicy, scope::Bounds};
use tollgate_wasm::{Configuration, Reference, ReferenceKind};

use super::{
    Loader, failed, read_files,
    references::{Whose, by_place},
    unnamed,
    version::{digest, digest_of},
};
use crate::config::{ComponentSource, Config, PluginConfig, Tenant, files::quoted};

/// A tenant, and what became of its component.
pub(crate) struct LoadedTenant {
    pub(crate) config: Tenant,
    pub(crate) own: Own,
}

/// A tenant's component.
#[derive(Clone)]
pub(crate) enum Own {
    /// It has none, or has sent none yet.
    None,
    /// It is ready to be asked.
    Ready(Ready),
    /// It is not, for this reason.
    Broken(String),
}

/// A component that can be asked.
#[derive(Clone)]
pub(crate) struct Ready {
    pub(crate) plugin: Arc<dyn Plugin>,
    pub(crate) health: Arc<Health>,
    /// Digest of its octets, hexadecimal.
    pub(crate) digest: String,
    /// What it was granted.
    pub(crate) grants: Grants,
    /// How many octets they are.
    pub(crate) size: u64,
}

impl LoadedTenant {
    /// Returns whoever is asked for this tenant after the chain; nobody where it has no component.
    pub(crate) fn policy(&self, tenant: &Arc<str>) -> Option<TenantPolicy> {
        let config = &self.config.policy.as_ref()?.plugin;
        let (plugin, health): (Arc<dyn Plugin>, _) = match &self.own {
            Own::None => return None,
            Own::Ready(ready) => (Arc::clone(&ready.plugin), Arc::clone(&ready.health)),
            Own::Broken(reason) => {
                let (name, reason) = (config.name.clone(), reason.clone());
                (Arc::new(Missing { name, reason }), Arc::default())
            }
        };
        let (tenant, bounds) = (Arc::clone(tenant), Arc::clone(&self.config.bounds));
        Some(TenantPolicy { tenant, plugin, bounds, on_failure: config.on_failure, health })
    }
}

impl Loader {
    /// Loads the components of all tenants; returns them, and everything that is to be said.
    /// `guarded`: the tenants for which the operator's plugins demand that the sender has an identity.
    pub(super) fn tenants(
        &mut self,
        config: &Config,
        guarded: &BTreeSet<String>,
    ) -> (BTreeMap<Arc<str>, LoadedTenant>, Vec<Finding>) {
        let (mut tenants, mut findings) = (BTreeMap::new(), unprotected(config, guarded));
        let named =
            |name: &String| name.strip_prefix("tenant:").is_some_and(|name| config.tenants.by_name.contains_key(name));
        self.of_tenants.retain(|name, _| named(name));
        for (name, tenant) in &config.tenants.by_name {
            let (own, said) = self.tenant(tenant);
            findings.extend(said);
            tenants.insert(Arc::clone(name), LoadedTenant { config: tenant.clone(), own });
        }
        (tenants, findings)
    }

    /// Loads a tenant's component; returns what became of it, and everything that is to be said.
    fn tenant(&mut self, tenant: &Tenant) -> (Own, Vec<Finding>) {
        match &tenant.policy {
            Some(policy) if policy.uploaded && !is_there(&policy.plugin) => (Own::None, Vec::new()),
            Some(policy) => {
                let source = self.octets(&policy.plugin.component);
                self.tenant_of(tenant, &policy.plugin, source)
            }
            None => (Own::None, Vec::new()),
        }
    }

    /// Makes a tenant's component of octets that were just sent, as [`Loader::tenant`] would of the same in a file.
    pub(crate) fn sent(&mut self, tenant: &Tenant, plugin: &PluginConfig, octets: Vec<u8>) -> (Own, Vec<Finding>) {
        let key = PathBuf::from(format!("the component of {}", plugin.name));
        self.services = self.in_force.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.tenant_of(tenant, plugin, Ok((key, octets)))
    }

    fn tenant_of(
        &mut self,
        tenant: &Tenant,
        config: &PluginConfig,
        source: Result<(PathBuf, Vec<u8>), String>,
    ) -> (Own, Vec<Finding>) {
        let (own, configuration) = match self.ready(config, source) {
            Ok((ready, configuration)) => (Own::Ready(ready), configuration),
            Err(refused) => {
                let first = refused.findings.iter().find(|finding| finding.severity == Severity::Error);
                (Own::Broken(first.map_or_else(String::new, ToString::to_string)), refused)
            }
        };
        let mut findings = beyond(&configuration.references, &tenant.bounds);
        findings.extend(by_place(config, configuration, &|_| Whose::Known, &[]));
        if let Own::Ready(ready) = &own {
            findings.extend(unasked(config, ready));
        }
        (own, findings)
    }
}

impl Loader {
    /// Returns a component that can be asked: the very same as before where nothing about it has changed, so that its health
    /// and its instances stay.
    fn ready(
        &mut self,
        config: &PluginConfig,
        source: Result<(PathBuf, Vec<u8>), String>,
    ) -> Result<(Ready, Configuration), Configuration> {
        let mut errors = Vec::new();
        let source = source.map_err(|text| errors.push(failed(config, config.component_at, &text))).ok();
        let files = read_files(config, &mut errors);
        let Some((key, octets)) = source.filter(|_| errors.is_empty()) else { return Err(unnamed(errors)) };
        let wanted = self
            .capture
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .map(|capture| capture.wanted().clone());
        let setup = format!("{}{wanted:?}", self.setup_of(config));
        let identity = (digest(&octets), digest_of(&files), setup);
        if let Some(known) = self.of_tenants.get(&config.name).filter(|known| known.identity == identity) {
            return Ok((known.ready.clone(), known.configuration.clone()));
        }
        let (size, grants) = (octets.len() as u64, config.grants);
        let component = self.load_octets((key, octets), (&config.limits, grants));
        let (plugin, configuration) = self.start(config, component, files)?;
        let (plugin, health, digest) = (self.captured(Arc::new(plugin)), Arc::default(), identity.0.clone());
        let ready = Ready { plugin, health, digest, grants, size };
        let known = Known { identity, ready: ready.clone(), configuration: configuration.clone() };
        self.of_tenants.insert(config.name.clone(), known);
        Ok((ready, configuration))
    }
}

/// A component that was loaded before.
pub(super) struct Known {
    /// Digests of the component and its files, and what else it was started with.
    identity: (String, String, String),
    ready: Ready,
    configuration: Configuration,
}

fn is_there(plugin: &PluginConfig) -> bool {
    matches!(&plugin.component, ComponentSource::File(path) if path.exists())
}

/// Returns a warning for each pool that a tenant's configuration names and its bounds do not list. Which pools there are is
/// not for a tenant to learn.
fn beyond(references: &[Reference], bounds: &Bounds) -> Vec<Finding> {
    let pools = references.iter().filter(|reference| reference.kind == ReferenceKind::EgressPool);
    let beyond = pools.filter(|reference| !bounds.egress_pools.contains(&reference.name));
    let finding = |reference: &Reference| Finding {
        severity: Severity::Warning,
        file: Some(reference.file.clone()),
        at: Some(reference.at),
        message: format!(
            "egress_pool: '{}' is not in the tenant's bounds.egress_pools; a queue for which the operator has another \
             keeps that",
            reference.name
        ),
    };
    beyond.map(finding).collect()
}

/// Returns what is to be said about events that a tenant's component handles and is not asked, or that it does not handle.
fn unasked(config: &PluginConfig, ready: &Ready) -> Vec<Finding> {
    let events = ready.plugin.events();
    let asked = [Event::MessageReceived, Event::QueueConfig].iter().any(|event| events.contains(*event));
    let said = |severity, text: &str| Finding {
        severity,
        file: Some(config.origin.0.clone()),
        at: Some(config.component_at),
        message: format!("plugin '{}': {text}", config.name),
    };
    let in_vain = UNASKED.iter().filter(|event| events.contains(**event));
    let in_vain = in_vain.map(|event| {
        said(Severity::Note, &format!("handles {}, which tenants' components are not asked for", event.name()))
    });
    let nothing = "handles neither message-received nor queue-config, so it is never asked";
    in_vain.chain((!asked).then(|| said(Severity::Warning, nothing))).collect()
}

/// The events that are about everybody's mail, or about rates that are the operator's to set.
const UNASKED: [Event; 5] = [Event::Throttles, Event::SmtpSession, Event::Egress, Event::Requeue, Event::Record];

/// Returns a warning for each tenant with a component that anybody can pretend to be, who may relay. `guarded`: the tenants for
/// which some plugin demands that the sender has an identity.
fn unprotected(config: &Config, guarded: &BTreeSet<String>) -> Vec<Finding> {
    let open = config.tenants.by_name.iter().filter(|(name, tenant)| {
        let has_component = tenant.policy.is_some();
        has_component && !tenant.is_closed && !guarded.contains(&***name)
    });
    open.map(|(name, tenant)| unprotected_tenant(name, tenant)).collect()
}

fn unprotected_tenant(name: &str, tenant: &Tenant) -> Finding {
    let key = quoted(name);
    Finding {
        severity: Severity::Warning,
        file: tenant.policy.as_ref().map(|policy| policy.plugin.origin.0.clone()),
        at: Some(tenant.at),
        message: format!(
            "tenant '{name}' has a component and no `identities`: whoever may relay can name the tenant, and have its \
             component judge other mail; list its users, tokens and networks here, or write `require_authz` in \
             [tenant.{key}] of queues.toml"
        ),
    }
}
