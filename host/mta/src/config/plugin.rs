//! `[[plugin]]`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tollgate_capability::{Grants, http::Allowed};
use tollgate_config::{Findings, Node, Position, Section, Value};
use tollgate_policy::{OnFailure, Phase, scope::Scope};
use tollgate_registry::{Pinned, Reference, ReferenceError};
use tollgate_wasm::{Instances, Limits};

use super::{
    grants::{self, Whose},
    limits,
    rival::{self, Rivalry},
};

/// A plugin of the operator's.
#[derive(Clone, Debug)]
pub(crate) struct PluginConfig {
    pub(crate) name: String,
    pub(crate) component: ComponentSource,
    pub(crate) config: Vec<PluginFile>,
    pub(crate) phase: Phase,
    pub(crate) on_failure: OnFailure,
    pub(crate) instances: Instances,
    pub(crate) limits: Limits,
    /// What it may use.
    pub(crate) grants: Grants,
    /// The hosts that it may reach.
    pub(crate) hosts: Arc<Allowed>,
    /// Whether it decides.
    pub(crate) rivalry: Rivalry,
    /// What it may touch.
    pub(crate) scope: Scope,
    /// Folder for core dumps of instances that trapped.
    pub(crate) core_dumps: Option<PathBuf>,
    /// Where the plugin stands: the file, and the place in it.
    pub(crate) origin: (String, Position),
    /// Where its component is named, in the same file.
    pub(crate) component_at: Position,
}

/// A file of a plugin's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct PluginFile {
    /// The name that messages use for it: as written in `tollgate.toml`.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    /// Where in `tollgate.toml` it is named.
    pub(crate) at: Position,
}

/// Where a component comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum ComponentSource {
    /// The stock plugin.
    QueueHelper,
    /// A file.
    File(PathBuf),
    /// What a registry has under a digest.
    Registry(Pinned),
}

pub(super) fn plugins(top: &mut Section<'_>, folder: &Path, findings: &mut Findings) -> Vec<PluginConfig> {
    let Some(entry) = top.entry("plugin") else { return Vec::new() };
    let Value::Array(items) = &entry.node.value else {
        findings.error(entry.at, "plugin: expected [[plugin]], with two brackets: there may be several");
        return Vec::new();
    };
    let mut plugins: Vec<PluginConfig> = Vec::new();
    for item in items {
        let Value::Table(table) = &item.value else {
            findings.error(item.at, format!("plugin: expected a table, got {}", item.value.kind()));
            continue;
        };
        let plugin = plugin(Section::new(table, item.at, "plugin"), folder, findings);
        let twin = |name: &str| plugins.iter().any(|other| other.name == name);
        match plugin {
            Some(plugin) if twin(&plugin.name) => {
                findings.error(item.at, format!("a second plugin named '{}'", plugin.name));
            }
            Some(plugin) => plugins.push(plugin),
            None => {}
        }
    }
    rival::settle(&mut plugins, findings);
    plugins
}

fn plugin(mut section: Section<'_>, folder: &Path, findings: &mut Findings) -> Option<PluginConfig> {
    let origin = (findings.file().to_owned(), section.at());
    let name = section.parsed("name", findings, name);
    let component_at = section.entry("component").map_or(section.at(), |entry| entry.at);
    let component = section.parsed("component", findings, |text| component(text, folder));
    let config = files(&mut section, folder, findings);
    let stock = component == Some(ComponentSource::QueueHelper);
    let phase = section.parsed("phase", findings, phase).unwrap_or(if stock { Phase::Queue } else { Phase::Received });
    let on_failure = section.parsed("on_failure", findings, on_failure).unwrap_or_default();
    if on_failure == OnFailure::Skip && phase == Phase::Queue {
        findings.error(section.at(), "on_failure: \"skip\" is not for the queue phase: that plugin authorises");
    }
    let instances = section.parsed("instances", findings, instances);
    let grants = grants::grants(&mut section, findings);
    let hosts = grants::hosts(&mut section, grants, Whose::Operators, findings);
    let limits = limits::limits(&mut section, grants, findings);
    let rivalry = rival::rivalry(&mut section, findings);
    let core_dumps = section.text("core_dumps", findings).map(|path| folder.join(path));
    for (key, found) in [("name", name.is_some()), ("component", component.is_some())] {
        if !found && section.entry_is_missing(key) {
            section.missing(key, findings);
        }
    }
    section.finish(findings);
    let instances = instances.unwrap_or(if stock { Instances::Warm } else { Instances::Fresh });
    let (name, component, config) = (name?, component?, config?);
    Some(PluginConfig {
        name,
        component,
        config,
        phase,
        on_failure,
        instances,
        limits,
        grants,
        hosts,
        rivalry,
        scope: Scope::Operator,
        core_dumps,
        origin,
        component_at,
    })
}

/// Reads the names of the files; nothing where one of them is none, for what a plugin says to the rest may be wrong.
pub(super) fn files(section: &mut Section<'_>, folder: &Path, findings: &mut Findings) -> Option<Vec<PluginFile>> {
    let Some(entry) = section.entry("config") else { return Some(Vec::new()) };
    let names = section.list("config", findings, |text| Ok(text.to_owned()))?;
    let Value::Array(items) = &entry.node.value else { return None };
    let file = |(name, item): (String, &Node)| PluginFile { path: folder.join(&name), name, at: item.at };
    (names.len() == items.len()).then(|| names.into_iter().zip(items).map(file).collect())
}

/// A plugin's name stands in logs, records and metrics, where a tenant's component is `tenant:NAME`.
fn name(text: &str) -> Result<String, String> {
    match text.starts_with("tenant:") {
        true => Err(format!("'{text}' is the name of a tenant's component; a plugin has another")),
        false => Ok(text.to_owned()),
    }
}

/// Returns where a component comes from.
pub(super) fn component(text: &str, folder: &Path) -> Result<ComponentSource, String> {
    match text.strip_prefix("builtin:") {
        Some("queue-helper") => Ok(ComponentSource::QueueHelper),
        Some(other) => Err(format!("there is no built-in component '{other}'; there is builtin:queue-helper")),
        None if Reference::is_meant(text) => {
            let name = text.strip_prefix("oci://").unwrap_or(text);
            name.parse().map(ComponentSource::Registry).map_err(|error: ReferenceError| error.to_string())
        }
        None => Ok(ComponentSource::File(folder.join(text))),
    }
}

fn phase(text: &str) -> Result<Phase, String> {
    match text {
        "session" => Ok(Phase::Session),
        "received" => Ok(Phase::Received),
        "queue" => Ok(Phase::Queue),
        other => Err(format!("'{other}' is no phase; there are session, received and queue")),
    }
}

fn on_failure(text: &str) -> Result<OnFailure, String> {
    match text {
        "defer" => Ok(OnFailure::Defer),
        "reject" => Ok(OnFailure::Reject),
        "skip" => Ok(OnFailure::Skip),
        other => Err(format!("'{other}' is none of defer, reject and skip")),
    }
}

fn instances(text: &str) -> Result<Instances, String> {
    match text {
        "fresh" => Ok(Instances::Fresh),
        "warm" => Ok(Instances::Warm),
        other => Err(format!("'{other}' is neither fresh nor warm")),
    }
}
