//! What one plugin was given to use, and what is kept for it under its name while its generations come and go.

use std::{net::SocketAddr, sync::Arc};

use tollgate_capability::{
    ByName, Capability, Grants, Refused,
    counters::Counters,
    dns::Dns,
    http::{Allowed, Client, Trust},
    kv::{Store, Stores},
    metrics::{Declared, Totals},
};
use tollgate_dns::Resolver;

use crate::limits::Limits;

/// What a plugin may use; shared by its instances.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub(crate) metrics: Arc<Declared>,
    grants: Grants,
    counters: Option<Arc<Counters>>,
    store: Option<Arc<Store>>,
    dns: Option<Arc<Dns>>,
    http: Option<Client>,
}

/// What the host has for plugins that may wait, whoever of them was granted it. By default there is nothing: then what they ask
/// for is not to be had.
#[derive(Clone, Debug, Default)]
pub struct Services {
    /// Where values are kept.
    pub stores: Option<Arc<Stores>>,
    /// What there is of others who can be asked.
    pub outside: Option<Outside>,
}

/// What it takes to ask others.
#[derive(Clone, Debug)]
pub struct Outside {
    /// Whoever looks names up; nothing where no name server is known.
    pub resolver: Option<Resolver>,
    /// Where the program itself listens: no plugin is let in there by the back door.
    pub listeners: Arc<[SocketAddr]>,
    /// Whom plugins that fetch over TLS believe who somebody is.
    pub trust: Trust,
}

impl Given {
    /// Returns what a guest has that is configured and sees no event.
    pub(crate) fn nothing() -> Self {
        let (metrics, grants) = (Arc::new(Declared::open(Arc::default())), Grants::default());
        Self { metrics, grants, counters: None, store: None, dns: None, http: None }
    }

    /// Returns the plugin's counters.
    ///
    /// # Errors
    /// Where they were not granted (a plugin that imports them is then not linked, and does not get here), or this
    /// program has none.
    pub(crate) fn counters(&self) -> Result<&Arc<Counters>, Refused> {
        self.counters.as_ref().ok_or_else(|| self.lacks(Capability::Counters))
    }

    /// Returns the plugin's values on disk.
    ///
    /// # Errors
    /// As [`Given::counters`].
    pub(crate) fn store(&self) -> Result<&Arc<Store>, Refused> {
        self.store.as_ref().ok_or_else(|| self.lacks(Capability::Kv))
    }

    /// Returns whoever looks names up for the plugin.
    ///
    /// # Errors
    /// As [`Given::counters`].
    pub(crate) fn dns(&self) -> Result<Arc<Dns>, Refused> {
        self.dns.clone().ok_or_else(|| self.lacks(Capability::Dns))
    }

    /// Returns whoever fetches for the plugin.
    ///
    /// # Errors
    /// As [`Given::counters`].
    pub(crate) fn http(&self) -> Result<Client, Refused> {
        self.http.clone().ok_or_else(|| self.lacks(Capability::HttpClient))
    }

    fn lacks(&self, capability: Capability) -> Refused {
        let name = capability.name();
        if self.grants.contains(capability) {
            Refused::Unavailable(format!("there is no {name} here, where nothing is kept and nobody is asked"))
        } else {
            Refused::Denied(format!("{name} is not granted"))
        }
    }
}

/// What is kept for all plugins of a runtime. A plugin is known by its name: what it has counted stays when it is loaded anew.
#[derive(Default)]
pub(crate) struct Keeper {
    counters: ByName<Counters>,
    totals: ByName<Totals>,
}

impl Keeper {
    /// Returns what a plugin of this name is given, and goes on to use where it was there before.
    pub(crate) fn give(
        &self,
        name: &str,
        grants: Grants,
        limits: &Limits,
        services: &Services,
        allowed: Arc<Allowed>,
    ) -> Given {
        let Services { stores, outside } = services.clone();
        let has = |capability| grants.contains(capability);
        let asks = |capability| outside.clone().filter(|_| has(capability));
        let client = |Outside { resolver, listeners, trust }| {
            let largest = limits.http_bytes;
            Client { allowed, listeners, resolver, trust, largest }
        };
        Given {
            metrics: Arc::new(Declared::open(self.totals.get(name, Totals::default))),
            grants,
            counters: has(Capability::Counters).then(|| self.counters.get(name, Counters::default)),
            store: stores.filter(|_| has(Capability::Kv)).map(|stores| stores.of(name)),
            dns: asks(Capability::Dns).map(|outside| Arc::new(Dns::new(outside.resolver, limits.dns_queries))),
            http: asks(Capability::HttpClient).map(client),
        }
    }
}
