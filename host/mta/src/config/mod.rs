//! `tollgate.toml`: from text to resolved values, every error with its place, all of them at once.
//!
//! Relative paths are relative to the file. What one section says about another (a plugin's pools, a pool's sources) is
//! checked here, so that the rest of the program meets only values that hold together.

mod auth;
mod capture;
mod clash;
mod egress;
pub(crate) mod files;
mod grants;
mod limits;
mod listen;
mod path;
mod plugin;
mod read;
mod resolver;
mod rival;
mod secret;
mod tenant;
pub(crate) mod text;

use std::{collections::BTreeMap, path::PathBuf};

use crate::policy::Pins;
use ipnet::IpNet;
use tollgate_inbound::{http::HttpConfig, smtp::ListenerConfig};
use tollgate_spool::Durability;

pub(crate) use egress::{Egress, SourceConfig, UNSPECIFIED};
pub(crate) use path::Manner;
pub(crate) use plugin::{ComponentSource, PluginConfig, PluginFile};
pub(crate) use read::{Refused, Remains, read};
pub(crate) use rival::Rivalry;
#[cfg(test)]
pub(crate) use tenant::bindings;
pub(crate) use tenant::{Identities, Quota, Tenant, TenantPolicy, Tenants};

/// The configuration, resolved.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) spool: SpoolConfig,
    pub(crate) listeners: Vec<ListenerConfig>,
    pub(crate) http: Option<HttpConfig>,
    /// Who may change things over HTTP without a token.
    pub(crate) admin_hosts: Vec<IpNet>,
    pub(crate) plugins: Vec<PluginConfig>,
    /// The tenants: who speaks for them, and their own components.
    pub(crate) tenants: Tenants,
    pub(crate) egress: Egress,
    /// How names are looked up.
    pub(crate) resolver: tollgate_dns::Settings,
    /// What of the events that plugins are asked is written down, if anything is.
    pub(crate) capture: Option<tollgate_desk::capture::Wanted>,
    /// Folder of log records; none are written without one.
    pub(crate) records: Option<PathBuf>,
}

/// `[spool]`.
#[derive(Debug)]
pub(crate) struct SpoolConfig {
    pub(crate) path: PathBuf,
    pub(crate) durability: Durability,
}

impl SpoolConfig {
    /// Returns the folder of the components that tenants sent over HTTP.
    pub(crate) fn uploads(&self) -> PathBuf {
        self.path.join("tenants")
    }

    /// Returns the folder of what plugins keep.
    pub(crate) fn values(&self) -> PathBuf {
        self.path.join("plugins")
    }
}

impl SpoolConfig {
    /// Returns what stands in for files of plugins.
    pub(crate) fn pins(&self) -> Pins {
        Pins::new(self.path.join("plugins"))
    }
}

impl Config {
    /// Returns the name under which we greet other servers where a source has none of its own.
    pub(crate) fn hostname(&self) -> String {
        self.listeners.first().map_or_else(|| "localhost".to_owned(), |listener| listener.hostname.clone())
    }

    /// Returns the plugins that come from files, the operator's and tenants'. What comes over HTTP takes effect when it comes.
    pub(crate) fn all_plugins(&self) -> impl Iterator<Item = &PluginConfig> {
        let tenants = self.tenants.by_name.values().filter_map(|tenant| tenant.policy.as_ref());
        let tenants = tenants.filter(|policy| !policy.uploaded).map(|policy| &policy.plugin);
        self.plugins.iter().chain(tenants)
    }

    /// Returns the pools, the built-in one included, as source names with weights.
    pub(crate) fn pools(&self) -> &BTreeMap<String, Vec<(String, u32)>> {
        &self.egress.pools
    }
}
