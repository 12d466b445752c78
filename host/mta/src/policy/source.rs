//! Where what plugins are made of comes from: the program itself, files, registries.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use tollgate_capability::Grants;
use tollgate_config::Finding;
use tollgate_registry::{Cache, Registry};
use tollgate_wasm::{Component, ConfigFile, Configuration, Limits};

use super::{Loader, failed, unnamed, version::Material};
use crate::config::{ComponentSource, PluginConfig, PluginFile, text};

/// The stock plugin, as a component.
const QUEUE_HELPER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/queue-helper.wasm"));

/// What a component may cost, and use.
type May<'a> = (&'a Limits, Grants);

impl Loader {
    /// Returns the stock plugin's component.
    pub(crate) fn queue_helper(&mut self) -> Result<Arc<Component>, String> {
        self.component(&ComponentSource::QueueHelper, (&Limits::default(), Grants::default()))
    }

    /// Returns what a plugin is made of by its files, or everything that is wrong with them.
    pub(super) fn material(&self, config: &PluginConfig) -> Result<Material, Configuration> {
        let mut errors = Vec::new();
        let octets = self.octets(&config.component);
        let octets = octets.map_err(|text| errors.push(failed(config, config.component_at, &text))).ok();
        let files = read_files(config, &mut errors);
        match octets.filter(|_| errors.is_empty()) {
            Some((_, octets)) => Ok(Material::new(octets.into(), files)),
            None => Err(unnamed(errors)),
        }
    }

    /// Reads a component and loads it.
    fn component(&mut self, source: &ComponentSource, may: May<'_>) -> Result<Arc<Component>, String> {
        self.load_octets(self.octets(source)?, may)
    }

    /// Reads a component; returns it with where it comes from.
    pub(super) fn octets(&self, source: &ComponentSource) -> Result<(PathBuf, Vec<u8>), String> {
        match source {
            ComponentSource::QueueHelper => Ok((PathBuf::from("builtin:queue-helper"), QUEUE_HELPER.to_vec())),
            ComponentSource::File(path) => {
                let octets = fs::read(path);
                let reason = |error| format!("{}: {}", path.display(), text::unreadable(path, &error));
                Ok((path.clone(), octets.map_err(reason)?))
            }
            ComponentSource::Registry(pinned) => {
                let octets = Registry::new(Cache::in_folder(self.pulled.clone())).pinned(pinned);
                Ok((PathBuf::from(pinned.to_string()), octets.map_err(|error| error.to_string())?))
            }
        }
    }

    /// Has the engine take a component, which came from there.
    pub(super) fn load_octets(&mut self, source: (PathBuf, Vec<u8>), may: May<'_>) -> Result<Arc<Component>, String> {
        let ((key, octets), (limits, grants)) = (source, may);
        let loaded = self.runtime.load_granted(&octets, limits, grants);
        loaded.map_err(|reason| format!("{}: {reason}", key.display()))
    }
}

/// Reads the files of a plugin as far as they can be read.
pub(super) fn read_files(config: &PluginConfig, errors: &mut Vec<Finding>) -> Vec<ConfigFile> {
    let read = config.config.iter().map(|file| read(config, file));
    read.filter_map(|file| file.map_err(|error| errors.push(error)).ok()).collect()
}

/// Reads a file of a plugin's.
fn read(config: &PluginConfig, file: &PluginFile) -> Result<ConfigFile, Finding> {
    let name = file.name.clone();
    let unreadable = |error| failed(config, file.at, &format!("{name}: {}", text::unreadable(&file.path, &error)));
    let content = fs::read(&file.path).map_err(unreadable)?;
    // What else a plugin may be given is its own affair.
    let is_text = [".toml", ".json"].iter().any(|end| name.ends_with(end));
    let content = if is_text { text::utf8(&name, content)?.into_bytes() } else { content };
    Ok(ConfigFile { name, content })
}

/// Returns the folder of components that were pulled, beside the compiled code in `cache`.
pub(crate) fn pulled(cache: Option<&Path>) -> PathBuf {
    cache.map_or_else(|| std::env::temp_dir().join("tollgate-pulled"), |cache| cache.join("pulled"))
}

/// Returns where a component comes from, for people.
pub(super) fn source(component: &ComponentSource) -> String {
    match component {
        ComponentSource::QueueHelper => "builtin:queue-helper".to_owned(),
        ComponentSource::File(path) => path.display().to_string(),
        ComponentSource::Registry(pinned) => pinned.to_string(),
    }
}
