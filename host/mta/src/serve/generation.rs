//! What a reload replaces as a whole: policy, who speaks for a tenant, and how mail leaves.
//!
//! Whoever works on a message takes the generation once and stays with it; the next message gets the next one. A queue
//! takes new values at its next event.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use tollgate_outbound::Source;
use tollgate_policy::Chain;

use crate::config::{Config, Egress, Identities, SourceConfig};

/// A configuration in force.
pub(crate) struct Generation {
    /// Counts up from 1; in every record.
    pub(crate) number: u64,
    pub(crate) chain: Chain,
    /// Who speaks for which tenant.
    pub(crate) identities: Identities,
    pub(crate) egress: Egress,
    pub(crate) sources: HashMap<String, Source>,
}

impl Generation {
    /// Returns the generation that the program starts with.
    pub(crate) fn first(config: &Config, chain: Chain) -> Self {
        let (egress, identities) = (config.egress.clone(), config.identities.clone());
        Self { number: 1, chain, identities, sources: sources(&egress.sources), egress }
    }

    /// Returns the generation after this one.
    ///
    /// Sources that are gone from the configuration stay known: mail that was promised to one goes out from its address
    /// and no other.
    pub(crate) fn next(&self, config: &Config, chain: Chain) -> Self {
        let mut next = Self { number: self.number + 1, ..Self::first(config, chain) };
        for (name, source) in &self.sources {
            next.sources.entry(name.clone()).or_insert_with(|| source.clone());
        }
        next
    }

    /// Returns a source by name; the system chooses the address of one that nobody configured.
    pub(crate) fn source(&self, name: &str) -> Source {
        self.sources.get(name).cloned().unwrap_or_default()
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
