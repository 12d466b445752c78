//! Numbers that outlive an event.

use std::{sync::Arc, time::Duration};

use tollgate_capability::{
    Refused,
    counters::{Counters, Quota},
};

use crate::{
    bindings::host::tollgate::policy::{counters as wit, types::PolicyError},
    state::HostState,
};

/// What a guest gets to read: an answer, or why there is none.
type Answer<T> = wasmtime::Result<Result<T, PolicyError>>;

impl HostState {
    /// Does something with the plugin's counters. There are none while it is configured: what is read there would be kept, in a
    /// snapshot, for longer than it holds.
    fn with_counters<T>(
        &mut self,
        call: &'static str,
        act: impl FnOnce(&Arc<Counters>) -> Result<T, Refused>,
    ) -> Answer<T> {
        self.charge_in_event(call)?;
        Ok(self.given().counters().and_then(act).map_err(PolicyError::from))
    }
}

impl wit::Host for HostState {
    fn increment(&mut self, key: String, by: u64, window_ms: u64) -> Answer<u64> {
        let window = Duration::from_millis(window_ms);
        let quota = Quota { keys: self.limits().counters, octets: self.limits().counter_bytes };
        self.with_counters("counters.increment", |counters| counters.increment(&key, by, window, quota))
    }

    fn get(&mut self, key: String) -> Answer<u64> {
        self.with_counters("counters.get", |counters| Ok(counters.get(&key)))
    }

    fn age_ms(&mut self, key: String) -> Answer<Option<u64>> {
        let millis = |age: Duration| u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        self.with_counters("counters.age-ms", |counters| Ok(counters.age(&key).map(millis)))
    }

    fn reset(&mut self, key: String) -> Answer<bool> {
        self.with_counters("counters.reset", |counters| Ok(counters.reset(&key)))
    }
}
