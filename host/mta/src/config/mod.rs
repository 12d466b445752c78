//! `tollgate.toml`: from text to resolved values, every error with its place, all of them at once.
//!
//! Relative paths are relative to the file. What one section says about another (a plugin's pools, a pool's sources) is
//! checked here, so that the rest of the program meets only values that hold together.

mod clash;
mod egress;
pub(crate) mod files;
mod listen;
mod plugin;
mod read;
mod secret;
pub(crate) mod text;

use std::{collections::BTreeMap, path::PathBuf};

use tollgate_inbound::{http::HttpConfig, smtp::ListenerConfig};
use tollgate_spool::Durability;

pub(crate) use egress::{Egress, SourceConfig, UNSPECIFIED};
pub(crate) use plugin::{ComponentSource, PluginConfig, PluginFile};
pub(crate) use read::{Refused, Remains, read};

/// The configuration, resolved.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) spool: SpoolConfig,
    pub(crate) listeners: Vec<ListenerConfig>,
    pub(crate) http: Option<HttpConfig>,
    pub(crate) plugins: Vec<PluginConfig>,
    pub(crate) egress: Egress,
    /// Folder of log records; none are written without one.
    pub(crate) records: Option<PathBuf>,
}

/// `[spool]`.
#[derive(Debug)]
pub(crate) struct SpoolConfig {
    pub(crate) path: PathBuf,
    pub(crate) durability: Durability,
}

impl Config {
    /// Returns the name under which we greet other servers where a source has none of its own.
    pub(crate) fn hostname(&self) -> String {
        self.listeners.first().map_or_else(|| "localhost".to_owned(), |listener| listener.hostname.clone())
    }

    /// Returns the pools, the built-in one included, as source names with weights.
    pub(crate) fn pools(&self) -> &BTreeMap<String, Vec<(String, u32)>> {
        &self.egress.pools
    }
}
