//! Values that outlive the program.

use std::time::Duration;

use tollgate_capability::{Refused, kv::Store};

use crate::{
    bindings::{host::tollgate::policy::types::PolicyError, waiting::tollgate::policy::kv as wit},
    state::HostState,
};

/// What a guest gets to read: an answer, or why there is none.
type Answer<T> = wasmtime::Result<Result<T, PolicyError>>;

impl HostState {
    /// Does something with the plugin's store. A disk cannot be left waiting, so the time is looked at when it is done.
    fn with_store<T>(&mut self, call: &'static str, act: impl FnOnce(&Store) -> Result<T, Refused>) -> Answer<T> {
        self.charge_in_event(call)?;
        let answer = self.given().store().and_then(|store| act(store)).map_err(PolicyError::from);
        self.tick()?;
        Ok(answer)
    }
}

impl wit::Host for HostState {
    fn get(&mut self, key: String) -> Answer<Option<Vec<u8>>> {
        self.with_store("kv.get", |store| store.get(&key))
    }

    fn set(&mut self, key: String, value: Vec<u8>, ttl_ms: Option<u64>) -> Answer<()> {
        let (time, quota) = (ttl_ms.map(Duration::from_millis), self.limits().kv_bytes as u64);
        self.with_store("kv.set", |store| store.set(&key, &value, time, quota))
    }

    fn delete(&mut self, key: String) -> Answer<bool> {
        self.with_store("kv.delete", |store| store.delete(&key))
    }
}
