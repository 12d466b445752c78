//! The stock plugin alone, configured with given files.

use std::{sync::Arc, time::Duration};

use tollgate_config::Finding;
use tollgate_policy::{Chain, Link, OnFailure, Phase, Workers};
use tollgate_wasm::{Component, ConfigFile, Instances, Limits, Setup, StartError, WasmPlugin};

use super::{super::finding, answer, user_cache};
use crate::policy::Loader;

const NAME: &str = "queue-helper";

/// The plugin, compiled, of which any number of chains can be made.
pub(super) struct Stock {
    component: Arc<Component>,
    workers: Workers,
}

/// A chain of just the stock plugin, and what it said about its files.
pub(super) struct Configured {
    /// Absent where the files do not load.
    pub(super) chain: Option<Chain>,
    /// By file and position.
    pub(super) findings: Vec<Finding>,
}

#[allow(clippy::needless_pass_by_value, reason = "what map_err hands over")]
fn failed(reason: std::io::Error) -> String {
    format!("plugins cannot be run here: {reason}")
}

impl Stock {
    /// Compiles the plugin, or takes it from the user's cache.
    pub(super) fn load() -> Result<Self, String> {
        Self::of(Loader::new(user_cache().as_deref()).map_err(failed)?.queue_helper()?)
    }

    /// Returns one with another component in its place.
    pub(super) fn of(component: Arc<Component>) -> Result<Self, String> {
        Ok(Self { component, workers: Workers::start(1).map_err(failed)? })
    }

    /// Configures the plugin with files.
    pub(super) fn configure(&self, files: Vec<ConfigFile>) -> Configured {
        let order: Vec<String> = files.iter().map(|file| file.name.clone()).collect();
        // Beside a busy server an explanation may wait; what a message may cost in CPU time holds here too.
        let limits = Limits { wall: Duration::from_secs(30), ..Limits::default() };
        let setup = Setup { name: NAME.to_owned(), files, limits, instances: Instances::Warm, ..Setup::default() };
        let started = WasmPlugin::start(Arc::clone(&self.component), setup);
        let (chain, mut findings) = match started {
            Ok((plugin, configuration)) => (Some(self.chain(plugin)), configuration.findings),
            Err(StartError::Configuration(refused)) => (None, refused.findings),
            Err(StartError::Failed(failure)) => (None, vec![answer::error(failure.to_string())]),
        };
        let rank = |finding: &Finding| order.iter().position(|name| Some(name) == finding.file.as_ref());
        findings.sort_by_key(|finding| (rank(finding), finding.at));
        Configured { chain: chain.filter(|_| !finding::any_error(&findings)), findings }
    }

    fn chain(&self, plugin: WasmPlugin) -> Chain {
        let link = Link::new(plugin, Phase::Queue, OnFailure::Defer);
        Chain::new(vec![link], self.workers.clone())
    }
}
