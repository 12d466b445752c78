//! Plugins, loaded and configured: from the configuration to a chain that can be asked, and to the components of tenants.
//!
//! What is wrong with the operator's plugins refuses the configuration. What is wrong with a tenant's is that tenant's.

mod change;
mod pin;
mod references;
mod source;
mod tenant;
mod version;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::SystemTime,
};

use tollgate_capability::{Capability, Grants, http::Trust, kv::Stores};
use tollgate_config::{Finding, Position, Severity};
use tollgate_desk::capture::Capture;
use tollgate_dns::Resolver;
use tollgate_message::Timestamp;
use tollgate_policy::{Chain, Link, Plugin, Workers};
use tollgate_wasm::{
    Compiler, Component, ConfigFile, Configuration, Outside, Runtime, Services, Setup, StartError, WasmPlugin,
};

use crate::config::{Config, PluginConfig, Refused, Remains};

use change::Proposal;
pub(crate) use change::{Change, NoChange};
pub(crate) use pin::Pins;
use references::{Whose, by_place, guarded, of_plugins};
pub(crate) use source::pulled;
use source::{read_files, source};
pub(crate) use tenant::{LoadedTenant, Own, Ready};
use version::Installed;
pub(crate) use version::{Plugins, Version};

/// Where plugins are loaded: the engine, and the components that were loaded before.
pub(crate) struct Loader {
    runtime: Runtime,
    services: Services,
    /// The operator's plugins in force, with the versions before them.
    plugins: Plugins,
    /// What stands in for their files.
    pins: Option<Pins>,
    /// What one of them is to be made of, whatever files and pins say.
    proposed: Option<Proposal>,
    /// Tenants' components that were loaded last, by the names of their plugins.
    of_tenants: BTreeMap<String, tenant::Known>,
    /// Where the program listens, or did in an earlier configuration.
    doors: BTreeSet<SocketAddr>,
    /// What plugins have that are loaded one by one, since the last configuration that was found right; shared.
    in_force: Arc<Mutex<Services>>,
    /// Whoever looks names up for plugins, and as configured. Not who does so for the mail: what plugins ask pushes none of that
    /// out.
    resolver: Option<(tollgate_dns::Settings, Resolver)>,
    /// The folder of components that were pulled from registries.
    pulled: PathBuf,
    /// Where what plugins are asked is written down; shared.
    capture: Arc<Mutex<Option<Arc<Capture>>>>,
}

/// Plugins ready to be asked, with what is to be said about their configuration.
pub(crate) struct Loaded {
    pub(crate) chain: Chain,
    /// Warnings and notes about the operator's plugins, of which none is an error.
    pub(crate) findings: Vec<Finding>,
    /// What is to be said of tenants and their components. An error is that tenant's, and refuses nothing else.
    pub(crate) of_tenants: Vec<Finding>,
    pub(crate) tenants: BTreeMap<Arc<str>, LoadedTenant>,
    /// The operator's plugins, with the versions before them.
    pub(crate) plugins: Plugins,
    /// Loads on the same engine what comes later.
    pub(crate) loader: Loader,
}

/// What plugins came to: those that are fine, everything that is to be said, and the tenants that they guard.
#[derive(Default)]
struct Configured {
    links: Vec<Link>,
    plugins: Plugins,
    findings: Vec<Finding>,
    guarded: BTreeSet<String>,
}

impl Loaded {
    /// Returns everything that is to be said, the operator's part first.
    pub(crate) fn said(&self) -> impl Iterator<Item = Finding> {
        self.findings.iter().chain(&self.of_tenants).cloned()
    }

    /// Has every plugin take its snapshot now, rather than behind its first events; returns how many have one, and how many do
    /// without.
    pub(crate) fn take_snapshots(&self) -> (usize, usize) {
        let own = self.tenants.values().filter_map(LoadedTenant::ready).map(|ready| &ready.plugin);
        let plugins = self.chain.links().map(|link| &link.plugin).chain(own);
        let taken = plugins.map(|plugin| match plugin.take_snapshot() {
            Ok(()) => (1, 0),
            Err(reason) => {
                tracing::debug!(plugin = plugin.name(), reason, "no snapshot");
                (0, 1)
            }
        });
        taken.fold((0, 0), |(with, without), (one, other)| (with + one, without + other))
    }
}

impl Loader {
    /// Starts the engine; compiled code is kept in `cache`. Plugins keep nothing and ask nobody.
    pub(crate) fn new(cache: Option<&Path>) -> io::Result<Self> {
        let mut loader =
            Self::on(Runtime::new(cache, compiler())?, Services::default(), Arc::default(), Arc::default());
        loader.pulled = pulled(cache);
        Ok(loader)
    }

    fn on(
        runtime: Runtime,
        services: Services,
        in_force: Arc<Mutex<Services>>,
        capture: Arc<Mutex<Option<Arc<Capture>>>>,
    ) -> Self {
        Self {
            runtime,
            services,
            plugins: Plugins::new(),
            pins: None,
            proposed: None,
            of_tenants: BTreeMap::new(),
            doors: BTreeSet::new(),
            in_force,
            resolver: None,
            pulled: PathBuf::from("pulled"),
            capture,
        }
    }

    /// Starts the engine for a server: plugins that were granted it keep values in a folder, and ask others.
    pub(crate) fn serving(cache: &Path, values: PathBuf) -> io::Result<Self> {
        let mut loader = Self::new(Some(cache))?;
        loader.keep(values);
        Ok(loader)
    }

    /// Returns a loader on the same engine.
    pub(crate) fn share(&self) -> Self {
        let (in_force, capture) = (Arc::clone(&self.in_force), Arc::clone(&self.capture));
        let shared = Self::on(self.runtime.clone(), self.services.clone(), in_force, capture);
        Self { pulled: self.pulled.clone(), ..shared }
    }

    /// Sees to it that plugins of a server can ask others, as this configuration has it.
    fn open_outside(&mut self, config: &Config) {
        let tenants = config.tenants.by_name.values().filter_map(|tenant| tenant.policy.as_ref());
        let mut plugins = config.plugins.iter().chain(tenants.map(|policy| &policy.plugin));
        // Also where nobody asks others yet: a door stays where it was opened until the program ends.
        self.doors.extend(config.listeners.iter().map(|listener| listener.listen));
        self.doors.extend(config.http.iter().map(|http| http.listen));
        if self.services.stores.is_none() || !plugins.any(|plugin| asks_others(plugin.grants)) {
            return;
        }
        if self.resolver.as_ref().is_none_or(|(settings, _)| *settings != config.resolver) {
            let made = Resolver::new(config.resolver.clone());
            let made = made.inspect_err(|reason| tracing::warn!(%reason, "plugins cannot look names up"));
            self.resolver = made.ok().map(|resolver| (config.resolver.clone(), resolver));
        }
        let listeners = self.doors.iter().copied().collect();
        let resolver = self.resolver.as_ref().map(|(_, resolver)| resolver.clone());
        self.services.outside = Some(Outside { resolver, listeners, trust: Trust::default() });
    }

    /// Sees to it that what plugins of a server are asked is written down, as this configuration has it.
    fn open_capture(&self, config: &Config) {
        // Whoever only asks what would be writes nothing down.
        let wanted = config.capture.as_ref().filter(|_| self.services.stores.is_some());
        let mut capture = self.capture.lock().unwrap_or_else(PoisonError::into_inner);
        if capture.as_ref().map(|capture| capture.wanted()) != wanted {
            let warn = |reason: &io::Error| tracing::warn!(%reason, "events are not written down (capture.path)");
            *capture = wanted.and_then(|wanted| Capture::start(wanted.clone()).inspect_err(warn).ok());
        }
    }

    /// Returns a plugin as it is asked: what it is asked may be written down.
    fn captured(&self, plugin: Arc<dyn Plugin>) -> Arc<dyn Plugin> {
        let capture = self.capture.lock().unwrap_or_else(PoisonError::into_inner);
        match &*capture {
            Some(capture) => capture.of(plugin),
            None => plugin,
        }
    }

    /// Loads all plugins, or returns everything that is wrong with the operator's and their files. What is wrong with
    /// tenants' is told besides.
    pub(crate) fn load(&mut self, config: &Config) -> Result<Loaded, Vec<Finding>> {
        self.open_outside(config);
        self.open_capture(config);
        let pools: Vec<String> = config.pools().keys().cloned().collect();
        self.pins = Some(config.spool.pins());
        let Configured { links, plugins, findings, guarded } = self.configure(&config.plugins, Some(&pools));
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            return Err(findings);
        }
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let workers =
            Workers::start(workers).map_err(|reason| vec![general(format!("no policy workers: {reason}"))])?;
        let (tenants, of_tenants) = self.tenants(config, &guarded);
        *self.in_force.lock().unwrap_or_else(PoisonError::into_inner) = self.services.clone();
        Ok(Loaded { chain: Chain::new(links, workers), findings, of_tenants, tenants, plugins, loader: self.share() })
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
                Ok(version) => {
                    let configuration = version.configuration.clone();
                    configured.findings.extend(pinned(config, &version));
                    configured.links.push(self.link(config, &version));
                    let installed = Installed::with(self.plugins.get(&config.name), version);
                    configured.plugins.insert(config.name.clone(), installed);
                    configuration
                }
                Err(refused) => refused,
            };
            configured.guarded.extend(guarded(&configuration.references));
            told.push((config, configuration));
        }
        // A pool may be known to any of the plugins, so all of them are loaded by now.
        let links = &configured.links;
        let whose = |pool: &str| match pools {
            Some(pools) if !pools.iter().any(|name| name == pool) => of_plugins(links, pool),
            _ => Whose::Known,
        };
        let findings =
            told.into_iter().flat_map(|(config, told)| by_place(config, told, &whose, pools.unwrap_or_default()));
        let findings: Vec<_> = findings.collect();
        configured.findings.extend(findings);
        configured
    }

    /// Returns a plugin's place in the chain.
    fn link(&self, config: &PluginConfig, version: &Version) -> Link {
        Link {
            plugin: self.captured(Arc::clone(&version.plugin)),
            phase: config.phase,
            on_failure: config.on_failure,
            health: Arc::clone(&version.health),
            mode: config.rivalry.mode,
            instead_of: config.rivalry.instead_of.as_ref().map(|(name, _)| name.clone()),
        }
    }

    /// Returns a plugin as it is to run from now on: the very same as before where nothing about it has changed.
    fn plugin(&mut self, config: &PluginConfig) -> Result<Version, Configuration> {
        let of_files = self.material(config)?;
        let failed = |error| {
            unnamed(vec![failed(config, config.component_at, &format!("what stands in for its files: {error}"))])
        };
        let material = match &self.pins {
            Some(pins) => pins.apply(&config.name, &of_files).map_err(failed)?,
            None => of_files.clone(),
        };
        let proposed = self.proposed.as_ref().filter(|proposal| *proposal.plugin == *config.name);
        let material = proposed.map_or_else(|| material.clone(), |proposal| proposal.on(&material));
        let (before, setup) = (self.plugins.get(&config.name), self.setup_of(config));
        if let Some(known) = before.and_then(|installed| installed.find(&material, &setup)) {
            let is_back = before.is_some_and(|installed| installed.current.number != known.number);
            return Ok(Version { of_files, since: if is_back { now() } else { known.since }, ..known.clone() });
        }
        let number = before.map_or(1, Installed::next_number);
        let key = (PathBuf::from(source(&config.component)), material.component.to_vec());
        let component = self.load_octets(key, (&config.limits, config.grants));
        let (plugin, configuration) = self.start(config, component, material.files.to_vec())?;
        let (plugin, health, since) = (Arc::new(plugin), Arc::default(), now());
        Ok(Version { number, material, of_files, setup, plugin, health, configuration, since })
    }

    /// Returns a plugin that is in no configuration, if it can be had, with everything that is to be said about it.
    pub(crate) fn alone(&mut self, config: &PluginConfig) -> (Option<Arc<dyn Plugin>>, Vec<Finding>) {
        let (plugin, configuration) = match self.plugin(config) {
            Ok(version) => (Some(version.plugin), version.configuration),
            Err(refused) => (None, refused),
        };
        // Which pools there are is the operator's to say.
        (plugin, by_place(config, configuration, &|_| Whose::Known, &[]))
    }

    /// Returns everything but its files that makes a plugin another.
    fn setup_of(&self, config: &PluginConfig) -> String {
        let PluginConfig { limits, instances, core_dumps, scope, grants, hosts, .. } = config;
        let outside = self.services.outside.as_ref().map(|outside| &outside.listeners);
        let outside = outside.zip(self.resolver.as_ref().map(|(settings, _)| settings));
        let outside = outside.filter(|_| asks_others(*grants));
        format!("{:?}", (limits, instances, core_dumps, scope, grants, hosts, outside))
    }

    /// Makes a plugin of a component and configures it, or returns everything that is wrong with either.
    fn start(
        &self,
        config: &PluginConfig,
        component: Result<Arc<Component>, String>,
        files: Vec<ConfigFile>,
    ) -> Result<(WasmPlugin, Configuration), Configuration> {
        let component = component.map_err(|text| unnamed(vec![failed(config, config.component_at, &text)]))?;
        let started = WasmPlugin::start(component, self.setup(config, files));
        started.map_err(|error| match error {
            StartError::Configuration(refused) => refused,
            StartError::Failed(failure) => unnamed(vec![failed(config, config.origin.1, &failure.to_string())]),
        })
    }

    /// Returns what a plugin is started with.
    fn setup(&self, config: &PluginConfig, files: Vec<ConfigFile>) -> Setup {
        let (name, limits) = (config.name.clone(), config.limits.clone());
        let (instances, core_dumps, scope) = (config.instances, config.core_dumps.clone(), config.scope.clone());
        let (services, hosts) = (self.services.clone(), Arc::clone(&config.hosts));
        Setup { name, files, limits, instances, core_dumps, scope, services, hosts }
    }

    /// Returns the component of a plugin that is in no configuration, and what it would be started with.
    ///
    /// # Errors
    /// Everything that is wrong with the component, and with files that cannot be read.
    pub(crate) fn unstarted(&mut self, config: &PluginConfig) -> Result<(Arc<Component>, Setup), Vec<Finding>> {
        let material = self.material(config).map_err(|refused| refused.findings)?;
        let key = (PathBuf::from(source(&config.component)), material.component.to_vec());
        let component = self.load_octets(key, (&config.limits, config.grants));
        let component = component.map_err(|text| vec![failed(config, config.component_at, &text)])?;
        Ok((component, self.setup(config, material.files.to_vec())))
    }

    /// Has plugins that were granted it keep values in a folder.
    pub(crate) fn keep(&mut self, values: PathBuf) {
        self.services.stores = Some(Arc::new(Stores::new(values)));
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Returns an error about a plugin, at a place in the file that names it.
fn failed(config: &PluginConfig, at: Position, text: &str) -> Finding {
    let (file, message) = (config.origin.0.clone(), format!("plugin '{}': {text}", config.name));
    Finding { severity: Severity::Error, file: Some(file), at: Some(at), message }
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

/// Says that something stands in for a plugin's files: who reads them is to know.
fn pinned(config: &PluginConfig, version: &Version) -> Option<Finding> {
    let (material, of_files) = (&version.material, &version.of_files);
    let component = (material.digest != of_files.digest)
        .then(|| format!("component blake3:{} instead of {}", &material.digest[..16], source(&config.component)));
    let files = (material.files_digest != of_files.files_digest).then(|| "earlier configuration files".to_owned());
    let what = [component, files].into_iter().flatten().collect::<Vec<_>>().join(", and ");
    let message = format!(
        "plugin '{}' runs version {} with {what}: it was swapped in or gone back to, and holds until the file changes",
        config.name, version.number
    );
    let (file, at) = (Some(config.origin.0.clone()), Some(config.component_at));
    version.is_pinned().then_some(Finding { severity: Severity::Note, file, at, message })
}

/// Returns whether a plugin may ask others than the host.
fn asks_others(grants: Grants) -> bool {
    grants.contains(Capability::Dns) || grants.contains(Capability::HttpClient)
}

/// Components are compiled by this program in a process of its own; the system knows by this name which file that is, though
/// a newer one may lie in its place by now.
fn compiler() -> Compiler {
    Compiler::Child { program: PathBuf::from("/proc/self/exe"), arguments: vec!["compile-child".to_owned()] }
}

fn general(message: String) -> Finding {
    Finding { severity: Severity::Error, file: None, at: None, message }
}
