//! What a reload replaces as a whole: policy, who speaks for a tenant, and how mail leaves.
//!
//! Whoever works on a message takes the generation once and stays with it; the next message gets the next one. A queue
//! takes new values at its next event.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use ipnet::IpNet;
use tollgate_dns::{Addresses, Exchangers, LookupError, Resolver, SetupError};
use tollgate_outbound::Source;
use tollgate_policy::Chain;

use crate::{
    config::{Config, Egress, Identities, SourceConfig},
    policy::Plugins,
};

/// A configuration in force.
pub(crate) struct Generation {
    /// Counts up from 1; in every record.
    pub(crate) number: u64,
    pub(crate) chain: Chain,
    /// The plugins in the chain, with the versions before them.
    pub(crate) plugins: Plugins,
    /// Who speaks for which tenant.
    pub(crate) identities: Identities,
    pub(crate) egress: Egress,
    pub(crate) sources: HashMap<String, Source>,
    /// Our name to HTTP clients, and who of them may administrate.
    pub(crate) http_name: String,
    pub(crate) admin_hosts: Vec<IpNet>,
    names: Names,
    asks: tollgate_dns::Settings,
}

impl Generation {
    /// Returns the generation that the program starts with.
    ///
    /// # Errors
    /// Where names cannot be looked up as configured.
    pub(crate) fn first(config: &Config, chain: Chain, plugins: Plugins) -> Result<Self, SetupError> {
        let asks = config.resolver.clone();
        let names = Names::new(&asks)?;
        let (egress, identities) = (config.egress.clone(), config.tenants.identities.clone());
        let sources = sources(&egress.sources);
        let http_name = config.http.as_ref().map_or_else(|| config.hostname(), |http| http.hostname.clone());
        let admin_hosts = config.admin_hosts.clone();
        Ok(Self { number: 1, chain, plugins, identities, egress, sources, http_name, admin_hosts, names, asks })
    }

    /// Returns the generation after this one.
    ///
    /// Sources that are gone from the configuration stay known: mail that was promised to one goes out from its address
    /// and no other. What is known of names stays known if the same name servers are asked.
    ///
    /// # Errors
    /// Where names cannot be looked up as configured.
    pub(crate) fn next(&self, config: &Config, chain: Chain, plugins: Plugins) -> Result<Self, SetupError> {
        let mut next = Self { number: self.number + 1, ..Self::first(config, chain, plugins)? };
        if next.asks == self.asks {
            next.names = self.names.clone();
        }
        for (name, source) in &self.sources {
            next.sources.entry(name.clone()).or_insert_with(|| source.clone());
        }
        Ok(next)
    }

    /// Returns a source by name; the system chooses the address of one that nobody configured.
    pub(crate) fn source(&self, name: &str) -> Source {
        self.sources.get(name).cloned().unwrap_or_default()
    }
}

impl Generation {
    /// Returns the hosts that take a domain's mail.
    pub(crate) async fn mail_exchangers(&self, domain: &str) -> Result<Arc<Exchangers>, LookupError> {
        self.names.resolver(domain)?.mail_exchangers(domain).await
    }

    /// Returns the addresses of a host.
    pub(crate) async fn addresses(&self, host: &str) -> Result<Arc<Addresses>, LookupError> {
        self.names.resolver(host)?.addresses(host).await
    }
}

/// Whoever looks names up.
#[derive(Clone)]
enum Names {
    Resolver(Resolver),
    /// Nobody, for this reason: mail to hosts that are given as addresses needs none.
    Nobody(String),
}

impl Names {
    /// Fails for name servers that were configured; a system without one is as it may be.
    fn new(settings: &tollgate_dns::Settings) -> Result<Self, SetupError> {
        match Resolver::new(settings.clone()) {
            Ok(resolver) => Ok(Self::Resolver(resolver)),
            Err(error @ SetupError::System(_)) => {
                tracing::warn!(%error, "names cannot be looked up; or write [resolver] nameservers");
                Ok(Self::Nobody(error.to_string()))
            }
            Err(error) => Err(error),
        }
    }

    fn resolver(&self, name: &str) -> Result<&Resolver, LookupError> {
        match self {
            Self::Resolver(resolver) => Ok(resolver),
            Self::Nobody(why) => Err(LookupError::Unanswered { name: name.to_owned(), cause: why.clone() }),
        }
    }
}

fn sources(configured: &BTreeMap<String, SourceConfig>) -> HashMap<String, Source> {
    let source = |(name, config): (&String, &SourceConfig)| {
        let (source_address, ehlo_domain) = (config.source_address, config.ehlo_domain.clone());
        (name.clone(), Source { name: name.clone(), source_address, ehlo_domain })
    };
    configured.iter().map(source).collect()
}

/// The generation in force, swapped as a whole.
pub(crate) type Current = arc_swap::ArcSwap<Generation>;

/// Returns a place for the generation in force.
pub(crate) fn current(first: Generation) -> Current {
    Current::new(Arc::new(first))
}
