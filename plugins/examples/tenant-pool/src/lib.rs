//! The egress pool of a tenant is the pool of its name; mail of all others leaves by the built-in pool `unspecified`.
//!
//! A plugin cannot see which pools there are, so its file lists those that tenants have. The host is told of each with its
//! place and refuses a configuration that names one that it does not know.

use std::collections::BTreeMap;

use tollgate_sdk::{
    Configure, File, PolicyError, QueueConfig, QueueName, Reference, Settings,
    config::{Findings, Outcome, Section, one_file},
    register,
};

/// The pool that is always there; its one source lets the system choose the address.
const UNSPECIFIED: &str = "unspecified";

/// The pools that tenants have, each with where it is listed.
struct Pools(BTreeMap<String, String>);

impl Pools {
    fn read(top: &mut Section<'_>, findings: &mut Findings) -> (Self, Vec<Reference>) {
        if top.position("pools").is_none() {
            top.missing("pools", findings);
        }
        let listed = top.texts("pools", findings).unwrap_or_default();
        let mut pools = BTreeMap::new();
        for (name, at) in &listed {
            if pools.insert((*name).to_owned(), format!("{}:{}", findings.file(), at.line)).is_some() {
                findings.warning(*at, format!("pools: '{name}' is listed twice"));
            }
        }
        let reference = |(name, at): &(&str, _)| Reference::egress_pool(name, findings.file(), *at);
        (Self(pools), listed.iter().map(reference).collect())
    }

    /// Returns the pool for a tenant's mail, and where that was written if it was.
    fn choose(&self, tenant: Option<&str>) -> (&str, Option<&str>) {
        let listed = tenant.and_then(|name| self.0.get_key_value(name));
        listed.map_or((UNSPECIFIED, None), |(pool, origin)| (pool, Some(origin)))
    }
}

impl Configure for Pools {
    fn configure(files: Vec<File>) -> Outcome<Self> {
        one_file(&files, Self::read)
    }
}

impl QueueConfig for Pools {
    fn queue_config(&self, name: &QueueName, _so_far: &Settings) -> Result<Option<Settings>, PolicyError> {
        let (pool, origin) = self.choose(name.tenant.as_deref());
        let settings = Settings::new();
        settings.set_egress_pool(pool, origin)?;
        Ok(Some(settings))
    }
}

register!(Pools: configure, queue_config);

#[cfg(test)]
mod tests;
