//! Plugins, loaded and configured: from the configuration to a chain that can be asked, and to the components of tenants.
//!
//! What is wrong with the operator's plugins refuses the configuration. What is wrong with a tenant's is that tenant's.

mod tenant;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use tollgate_capability::{Capability, Grants, kv::Stores};
use tollgate_config::{Finding, Position, Severity, nearest};
use tollgate_dns::Resolver;
use tollgate_outbound::mailbox;
use tollgate_policy::{Chain, Event, Link, Workers};
use tollgate_wasm::{
    Compiler, Component, ConfigFile, Configuration, Limits, Outside, Reference, ReferenceKind, Runtime, Services,
    Setup, StartError, WasmPlugin,
};

use crate::config::{ComponentSource, Config, PluginConfig, PluginFile, Refused, Remains, text};

pub(crate) use tenant::{LoadedTenant, Own, Ready};

/// The stock plugin, as a component.
const QUEUE_HELPER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/queue-helper.wasm"));

/// Where plugins are loaded: the engine, and the components that were loaded before.
pub(crate) struct Loader {
    runtime: Runtime,
    /// What was loaded last, by where it came from, so that a reload finds in memory what has not changed.
    loaded: BTreeMap<PathBuf, Arc<Component>>,
    services: Services,
    /// What plugins have that are loaded one by one, since the last configuration that was found right; shared.
    in_force: Arc<Mutex<Services>>,
    /// Whoever looks names up for plugins, and as configured. Not who does so for the mail: what plugins ask pushes none of that out.
    resolver: Option<(tollgate_dns::Settings, Resolver)>,
}

/// What a component may cost, and use.
type May<'a> = (&'a Limits, Grants);

/// Plugins ready to be asked, with what is to be said about their configuration.
pub(crate) struct Loaded {
    pub(crate) chain: Chain,
    /// Warnings and notes about the operator's plugins, of which none is an error.
    pub(crate) findings: Vec<Finding>,
    /// What is to be said of tenants and their components. An error is that tenant's, and refuses nothing else.
    pub(crate) of_tenants: Vec<Finding>,
    pub(crate) tenants: BTreeMap<Arc<str>, LoadedTenant>,
    /// Loads on the same engine what comes later.
    pub(crate) loader: Loader,
}

/// What plugins came to: those that are fine, everything that is to be said, and the tenants that they guard.
#[derive(Default)]
struct Configured {
    links: Vec<Link>,
    findings: Vec<Finding>,
    guarded: BTreeSet<String>,
}

impl Loaded {
    /// Returns everything that is to be said, the operator's part first.
    pub(crate) fn said(&self) -> impl Iterator<Item = Finding> {
        self.findings.iter().chain(&self.of_tenants).cloned()
    }
}

impl Loader {
    /// Starts the engine; compiled code is kept in `cache`. Plugins keep nothing and ask nobody.
    pub(crate) fn new(cache: Option<&Path>) -> io::Result<Self> {
        let (runtime, loaded) = (Runtime::new(cache, compiler())?, BTreeMap::new());
        Ok(Self { runtime, loaded, services: Services::default(), in_force: Arc::default(), resolver: None })
    }

    /// Starts the engine for a server: plugins that were granted it keep values in a folder, and ask others.
    pub(crate) fn serving(cache: &Path, values: PathBuf) -> io::Result<Self> {
        let mut loader = Self::new(Some(cache))?;
        loader.services.stores = Some(Arc::new(Stores::new(values)));
        Ok(loader)
    }

    /// Returns a loader on the same engine.
    pub(crate) fn share(&self) -> Self {
        let (runtime, services) = (self.runtime.clone(), self.services.clone());
        let in_force = Arc::clone(&self.in_force);
        Self { runtime, loaded: BTreeMap::new(), services, in_force, resolver: None }
    }

    /// Sees to it that plugins of a server can ask others, as this configuration has it.
    fn open_outside(&mut self, config: &Config) {
        let asks = |grants: Grants| grants.contains(Capability::Dns) || grants.contains(Capability::HttpClient);
        let tenants = config.tenants.by_name.values().filter_map(|tenant| tenant.policy.as_ref());
        let mut plugins = config.plugins.iter().chain(tenants.map(|policy| &policy.plugin));
        if self.services.stores.is_none() || !plugins.any(|plugin| asks(plugin.grants)) {
            return;
        }
        if self.resolver.as_ref().is_none_or(|(settings, _)| *settings != config.resolver) {
            let made = Resolver::new(config.resolver.clone());
            let made = made.inspect_err(|reason| tracing::warn!(%reason, "plugins cannot look names up"));
            self.resolver = made.ok().map(|resolver| (config.resolver.clone(), resolver));
        }
        let doors = config.listeners.iter().map(|listener| listener.listen);
        let listeners = doors.chain(config.http.iter().map(|http| http.listen)).collect();
        let resolver = self.resolver.as_ref().map(|(_, resolver)| resolver.clone());
        self.services.outside = Some(Outside { resolver, listeners });
    }

    /// Loads all plugins, or returns everything that is wrong with the operator's and their files. What is wrong with
    /// tenants' is told besides.
    pub(crate) fn load(&mut self, config: &Config) -> Result<Loaded, Vec<Finding>> {
        self.open_outside(config);
        let pools: Vec<String> = config.pools().keys().cloned().collect();
        let Configured { links, findings, guarded } = self.configure(&config.plugins, Some(&pools));
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            return Err(findings);
        }
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let workers =
            Workers::start(workers).map_err(|reason| vec![general(format!("no policy workers: {reason}"))])?;
        let (tenants, of_tenants) = self.tenants(config, &guarded);
        *self.in_force.lock().unwrap_or_else(PoisonError::into_inner) = self.services.clone();
        Ok(Loaded { chain: Chain::new(links, workers), findings, of_tenants, tenants, loader: self.share() })
    }

    /// Returns what is to be said about the plugins of a file that is refused, and about their files.
    pub(crate) fn examine(&mut self, remains: &Remains) -> Vec<Finding> {
        self.configure(&remains.plugins, remains.pools.as_deref()).findings
    }

    /// Returns a refusal with everything that is wrong with the plugins, too.
    pub(crate) fn examined(&mut self, refused: Refused) -> Refused {
        match refused {
            Refused::Findings(mut findings, remains) => {
                findings.extend(self.examine(&remains));
                Refused::Findings(findings, Remains::default())
            }
            other => other,
        }
    }

    /// Loads and configures plugins; returns those that are fine, and everything that is to be said. Without `pools` it
    /// is not known which there are.
    fn configure(&mut self, plugins: &[PluginConfig], pools: Option<&[String]>) -> Configured {
        let (mut configured, mut told) = (Configured::default(), Vec::new());
        for config in plugins {
            let configuration = match self.plugin(config) {
                Ok((link, configuration)) => {
                    configured.links.push(link);
                    configuration
                }
                Err(refused) => refused,
            };
            configured.guarded.extend(guarded(&configuration.references));
            told.push((config, configuration));
        }
        // A pool may be known to any of the plugins, so all of them are loaded by now.
        let links = &configured.links;
        let is_known =
            |pool: &str| pools.is_none_or(|pools| pools.iter().any(|name| name == pool)) || knows(links, pool);
        let findings =
            told.into_iter().flat_map(|(config, told)| by_place(config, told, &is_known, pools.unwrap_or_default()));
        configured.findings = findings.collect();
        configured
    }

    /// Returns the stock plugin's component.
    pub(crate) fn queue_helper(&mut self) -> Result<Arc<Component>, String> {
        self.component(&ComponentSource::QueueHelper, (&Limits::default(), Grants::default()))
    }

    fn plugin(&mut self, config: &PluginConfig) -> Result<(Link, Configuration), Configuration> {
        let component = self.component(&config.component, (&config.limits, config.grants));
        let (plugin, configuration) = self.start(config, component)?;
        let link = Link::new(plugin, config.phase, config.on_failure);
        Ok((link, configuration))
    }

    /// Makes a plugin of a component and configures it, or returns everything that is wrong with either.
    fn start(
        &self,
        config: &PluginConfig,
        component: Result<Arc<Component>, String>,
    ) -> Result<(WasmPlugin, Configuration), Configuration> {
        let failed = |at: Position, text: String| {
            let (file, message) = (config.origin.0.clone(), format!("plugin '{}': {text}", config.name));
            Finding { severity: Severity::Error, file: Some(file), at: Some(at), message }
        };
        let mut errors = Vec::new();
        let component = component.map_err(|text| errors.push(failed(config.component_at, text))).ok();
        let files: Vec<ConfigFile> = config
            .config
            .iter()
            .filter_map(|file| read(file, failed).map_err(|error| errors.push(error)).ok())
            .collect();
        let Some(component) = component.filter(|_| errors.is_empty()) else { return Err(unnamed(errors)) };
        let (name, limits) = (config.name.clone(), config.limits.clone());
        let (instances, core_dumps, scope) = (config.instances, config.core_dumps.clone(), config.scope.clone());
        let (services, hosts) = (self.services.clone(), Arc::clone(&config.hosts));
        let setup = Setup { name, files, limits, instances, core_dumps, scope, services, hosts };
        let started = WasmPlugin::start(component, setup);
        started.map_err(|error| match error {
            StartError::Configuration(refused) => refused,
            StartError::Failed(failure) => unnamed(vec![failed(config.origin.1, failure.to_string())]),
        })
    }

    fn component(&mut self, source: &ComponentSource, may: May<'_>) -> Result<Arc<Component>, String> {
        self.load_octets(Self::octets(source)?, may)
    }

    /// Reads a component; returns it with where it comes from.
    fn octets(source: &ComponentSource) -> Result<(PathBuf, Vec<u8>), String> {
        match source {
            ComponentSource::QueueHelper => Ok((PathBuf::from("builtin:queue-helper"), QUEUE_HELPER.to_vec())),
            ComponentSource::File(path) => {
                let octets = fs::read(path);
                let reason = |error| format!("{}: {}", path.display(), text::unreadable(path, &error));
                Ok((path.clone(), octets.map_err(reason)?))
            }
        }
    }

    fn load_octets(&mut self, source: (PathBuf, Vec<u8>), may: May<'_>) -> Result<Arc<Component>, String> {
        let ((key, octets), (limits, grants)) = (source, may);
        let loaded = self.runtime.load_granted(&octets, limits, grants);
        let component = loaded.map_err(|reason| format!("{}: {reason}", key.display()))?;
        self.loaded.insert(key, Arc::clone(&component));
        Ok(component)
    }
}

/// Reads a file of a plugin's; `failed` makes the error of a place in `tollgate.toml`.
fn read(file: &PluginFile, failed: impl Fn(Position, String) -> Finding) -> Result<ConfigFile, Finding> {
    let name = file.name.clone();
    let unreadable = |error| failed(file.at, format!("{name}: {}", text::unreadable(&file.path, &error)));
    let content = fs::read(&file.path).map_err(unreadable)?;
    // What else a plugin may be given is its own affair.
    let is_text = [".toml", ".json"].iter().any(|end| name.ends_with(end));
    let content = if is_text { text::utf8(&name, content)?.into_bytes() } else { content };
    Ok(ConfigFile { name, content })
}

/// Returns a refusal with everything that is wrong with the plugins, too.
pub(crate) fn examined(refused: Refused, cache: Option<&Path>) -> Refused {
    // Where plugins cannot be run, what is wrong with the file itself is enough to mend.
    match Loader::new(cache) {
        Ok(mut loader) if refused.remains() => loader.examined(refused),
        _ => refused,
    }
}

/// Returns what is wrong before a plugin could name anything.
fn unnamed(findings: Vec<Finding>) -> Configuration {
    Configuration { findings, references: Vec::new() }
}

/// Returns whether one of the plugins knows a pool.
fn knows(links: &[Link], pool: &str) -> bool {
    let asked = |link: &&Link| link.plugin.events().contains(Event::Egress);
    links.iter().filter(asked).any(|link| matches!(link.plugin.egress_pool(pool), Ok(Some(_))))
}

/// Returns what there is to say about a plugin's files, undefined pools and paths that are none among the rest, by file and place. `pools` are those
/// that files define.
fn by_place(
    config: &PluginConfig,
    configuration: Configuration,
    is_known: &impl Fn(&str) -> bool,
    pools: &[String],
) -> Vec<Finding> {
    let mut findings = configuration.findings;
    findings.extend(undefined(&configuration.references, is_known, pools));
    findings.extend(pathless(&configuration.references));
    let rank = |finding: &Finding| config.config.iter().position(|file| finding.file.as_ref() == Some(&file.name));
    findings.sort_by_key(|finding| (rank(finding), finding.at));
    findings
}

/// Returns the tenants that a plugin guards.
fn guarded(references: &[Reference]) -> impl Iterator<Item = String> {
    let guarded = references.iter().filter(|reference| reference.kind == ReferenceKind::GuardedTenant);
    guarded.map(|reference| reference.name.clone())
}

/// Returns an error for each pool that is named and not defined.
fn undefined(references: &[Reference], is_known: &impl Fn(&str) -> bool, pools: &[String]) -> Vec<Finding> {
    let named = references.iter().filter(|reference| reference.kind == ReferenceKind::EgressPool);
    let missing = named.filter(|reference| !is_known(&reference.name));
    let finding = |reference: &Reference| {
        let name = &reference.name;
        let hint = nearest(name, pools.iter().map(String::as_str));
        let hint = hint.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        Finding {
            severity: Severity::Error,
            file: Some(reference.file.clone()),
            at: Some(reference.at),
            message: format!(
                "egress_pool: pool '{name}' is not defined in tollgate.toml as [pool.'{name}'.SOURCE]{hint}"
            ),
        }
    };
    missing.map(finding).collect()
}

/// Returns an error for each path of mailboxes that is none.
fn pathless(references: &[Reference]) -> impl Iterator<Item = Finding> {
    let templates = references.iter().filter(|reference| reference.kind == ReferenceKind::MaildirPath);
    templates.filter_map(|Reference { name, file, at, .. }| {
        let message = format!("protocol: {}", mailbox::judge(name).err()?);
        Some(Finding { severity: Severity::Error, file: Some(file.clone()), at: Some(*at), message })
    })
}

/// Components are compiled by this program in a process of its own; the system knows by this name which file that is, though
/// a newer one may lie in its place by now.
fn compiler() -> Compiler {
    Compiler::Child { program: PathBuf::from("/proc/self/exe"), arguments: vec!["compile-child".to_owned()] }
}

fn general(message: String) -> Finding {
    Finding { severity: Severity::Error, file: None, at: None, message }
}
