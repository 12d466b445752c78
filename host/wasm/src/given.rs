//! What one plugin was given to use, and what is kept for it under its name while its generations come and go.

use std::sync::Arc;

use tollgate_capability::{
    ByName, Capability, Grants, Refused,
    counters::{Counters, Quota},
    metrics::{Declared, Totals},
};

use crate::limits::Limits;

/// What a plugin may use; shared by its instances.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub(crate) metrics: Arc<Declared>,
    counters: Option<Arc<Counters>>,
}

impl Given {
    /// Returns what a guest has that is configured and sees no event.
    pub(crate) fn nothing() -> Self {
        Self { metrics: Arc::new(Declared::open(Arc::default())), counters: None }
    }

    /// Returns the plugin's counters.
    ///
    /// # Errors
    /// Where they were not granted: such a plugin is not linked, and does not get here.
    pub(crate) fn counters(&self) -> Result<&Arc<Counters>, Refused> {
        self.counters.as_ref().ok_or_else(|| not_granted(Capability::Counters))
    }
}

fn not_granted(capability: Capability) -> Refused {
    Refused::Denied(format!("{} is not granted", capability.name()))
}

/// What is kept for all plugins of a runtime. A plugin is known by its name: what it has counted stays when it is loaded anew.
#[derive(Default)]
pub(crate) struct Keeper {
    counters: ByName<Counters>,
    totals: ByName<Totals>,
}

impl Keeper {
    /// Returns what a plugin of this name is given, and goes on to use where it was there before.
    pub(crate) fn give(&self, name: &str, grants: Grants, limits: &Limits) -> Given {
        let metrics = Arc::new(Declared::open(self.totals.get(name, Totals::default)));
        let counters = grants.contains(Capability::Counters).then(|| self.counters(name, limits));
        Given { metrics, counters }
    }

    fn counters(&self, name: &str, limits: &Limits) -> Arc<Counters> {
        let quota = Quota { keys: limits.counters, octets: limits.counter_bytes };
        let counters = self.counters.get(name, || Counters::new(quota));
        counters.set_quota(quota);
        counters
    }
}
