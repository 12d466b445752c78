//! The operator's plugins, loaded and configured: from the configuration to a chain that can be asked.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use tollgate_config::{Finding, Severity, nearest};
use tollgate_policy::{Chain, Link, Workers};
use tollgate_wasm::{Component, ConfigFile, Configuration, Reference, Runtime, StartError, WasmPlugin};

use crate::config::{ComponentSource, PluginConfig};

/// The stock plugin, as a component.
const QUEUE_HELPER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/queue-helper.wasm"));

/// Where plugins are loaded: the engine, and the components that were loaded before.
pub(crate) struct Loader {
    runtime: Runtime,
    /// By where they came from; a file may hold another one by now.
    loaded: BTreeMap<PathBuf, Arc<Component>>,
}

/// Plugins ready to be asked, with what is to be said about their configuration.
pub(crate) struct Loaded {
    pub(crate) chain: Chain,
    /// Warnings and notes, of which none is an error.
    pub(crate) findings: Vec<Finding>,
}

impl Loader {
    /// Starts the engine; compiled code is kept in `cache`.
    pub(crate) fn new(cache: Option<&Path>) -> io::Result<Self> {
        Ok(Self { runtime: Runtime::new(cache)?, loaded: BTreeMap::new() })
    }

    /// Loads all plugins, or returns everything that is wrong with them and their files.
    pub(crate) fn load(&mut self, plugins: &[PluginConfig], pools: &[String]) -> Result<Loaded, Vec<Finding>> {
        let (mut links, mut findings) = (Vec::new(), Vec::new());
        for config in plugins {
            let configuration = match self.plugin(config) {
                Ok((link, configuration)) => {
                    links.push(link);
                    configuration
                }
                Err(refused) => refused,
            };
            findings.extend(by_place(config, configuration, pools));
        }
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            return Err(findings);
        }
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let workers =
            Workers::start(workers).map_err(|reason| vec![general(format!("no policy workers: {reason}"))])?;
        Ok(Loaded { chain: Chain::new(links, workers), findings })
    }

    /// Returns the stock plugin's component.
    pub(crate) fn queue_helper(&mut self) -> Result<Arc<Component>, String> {
        self.component(&ComponentSource::QueueHelper)
    }

    fn plugin(&mut self, config: &PluginConfig) -> Result<(Link, Configuration), Configuration> {
        let failed = |text: String| {
            let (file, at) = config.origin.clone();
            let message = format!("plugin '{}': {text}", config.name);
            let finding = Finding { severity: Severity::Error, file: Some(file), at: Some(at), message };
            Configuration { findings: vec![finding], references: Vec::new() }
        };
        let component = self.component(&config.component).map_err(failed)?;
        let files =
            config.config.iter().map(|(name, path)| read(name, path)).collect::<Result<_, _>>().map_err(failed)?;
        let started = WasmPlugin::start(&config.name, component, files, config.limits.clone(), config.instances);
        let (plugin, configuration) = started.map_err(|error| match error {
            StartError::Configuration(refused) => refused,
            StartError::Failed(failure) => failed(failure.to_string()),
        })?;
        let link = Link { plugin: Arc::new(plugin), phase: config.phase, on_failure: config.on_failure };
        Ok((link, configuration))
    }

    fn component(&mut self, source: &ComponentSource) -> Result<Arc<Component>, String> {
        let (key, octets) = match source {
            ComponentSource::QueueHelper => (PathBuf::from("builtin:queue-helper"), QUEUE_HELPER.to_vec()),
            ComponentSource::File(path) => {
                (path.clone(), fs::read(path).map_err(|reason| format!("{}: {reason}", path.display()))?)
            }
        };
        if let Some(component) = self.loaded.get(&key).filter(|component| component.is_made_of(&octets)) {
            return Ok(Arc::clone(component));
        }
        let component = self.runtime.load(&octets).map_err(|reason| format!("{}: {reason}", key.display()))?;
        let component = Arc::new(component);
        self.loaded.insert(key, Arc::clone(&component));
        Ok(component)
    }
}

fn read(name: &str, path: &Path) -> Result<ConfigFile, String> {
    let content = fs::read(path).map_err(|reason| format!("{}: {reason}", path.display()))?;
    Ok(ConfigFile { name: name.to_owned(), content })
}

/// Returns what there is to say about a plugin's files, undefined pools among the rest, by file and place.
fn by_place(config: &PluginConfig, configuration: Configuration, pools: &[String]) -> Vec<Finding> {
    let mut findings = configuration.findings;
    findings.extend(undefined(&configuration.references, pools));
    let rank = |finding: &Finding| config.config.iter().position(|(name, _)| Some(name) == finding.file.as_ref());
    findings.sort_by_key(|finding| (rank(finding), finding.at));
    findings
}

/// Returns an error for each pool that is named and not defined.
fn undefined(references: &[Reference], pools: &[String]) -> Vec<Finding> {
    let missing = references.iter().filter(|reference| !pools.contains(&reference.name));
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

fn general(message: String) -> Finding {
    Finding { severity: Severity::Error, file: None, at: None, message }
}
