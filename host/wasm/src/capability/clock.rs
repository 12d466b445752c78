//! The time, coarse on purpose: a fine clock lets a guest measure its neighbours.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::{bindings::host::tollgate::policy::clock as wit, state::HostState};

impl wit::Host for HostState {
    fn now_ms(&mut self) -> wasmtime::Result<u64> {
        self.charge_in_event("clock.now-ms")?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
    }
}
