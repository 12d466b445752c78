//! A component of an author's, on his desk: with its files and grants, and no server.

use std::{path::PathBuf, sync::Arc};

use tollgate_capability::{Capability, Grants};
use tollgate_config::{Finding, Position};
use tollgate_policy::{OnFailure, Phase, scope::Scope};
use tollgate_wasm::{Instances, Limits};

use crate::config::{ComponentSource, PluginConfig, PluginFile, Rivalry};

/// What a component is tried with.
#[derive(clap::Args, Debug)]
pub(super) struct Component {
    /// The component.
    #[arg(value_name = "COMPONENT")]
    pub(super) file: PathBuf,
    /// A file of its configuration; may be repeated.
    #[arg(long, short, value_name = "FILE")]
    config: Vec<PathBuf>,
    /// What it is granted, such as counters or kv; may be repeated.
    #[arg(long = "grant", value_name = "NAME", value_parser = capability)]
    grants: Vec<Capability>,
}

fn capability(name: &str) -> Result<Capability, String> {
    let all = || Capability::ALL.map(Capability::name).join(", ");
    Capability::named(name).ok_or_else(|| format!("nothing that can be granted; there are {}", all()))
}

impl Component {
    /// Returns findings with their places in files that people read: in the component there are no lines.
    pub(super) fn in_words(&self, findings: Vec<Finding>) -> Vec<Finding> {
        let component = self.file.display().to_string();
        let place = |finding: Finding| match finding.file.as_ref() == Some(&component) {
            true => Finding { at: None, ..finding },
            false => finding,
        };
        findings.into_iter().map(place).collect()
    }

    /// Returns what a section of `tollgate.toml` with nothing else in it would say.
    pub(super) fn section(&self) -> PluginConfig {
        let grants: Grants = self.grants.iter().copied().collect();
        let (file, at) = (self.file.display().to_string(), Position { line: 1, column: 1 });
        let name = self.file.file_stem().map_or_else(|| file.clone(), |stem| stem.to_string_lossy().into_owned());
        let config =
            self.config.iter().map(|path| PluginFile { name: path.display().to_string(), path: path.clone(), at });
        PluginConfig {
            name,
            component: ComponentSource::File(self.file.clone()),
            config: config.collect(),
            phase: Phase::Received,
            on_failure: OnFailure::Defer,
            instances: Instances::Fresh,
            limits: Limits::of(grants),
            grants,
            hosts: Arc::default(),
            rivalry: Rivalry::default(),
            scope: Scope::Operator,
            core_dumps: None,
            origin: (file, at),
            component_at: at,
        }
    }
}
