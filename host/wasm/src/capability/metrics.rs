//! Numbers that a plugin shows: declared while it is configured, counted in events.

use tollgate_capability::Refused;

use crate::{
    bindings::host::tollgate::policy::{metrics as wit, types::PolicyError},
    state::HostState,
};

impl wit::Host for HostState {
    fn declare(&mut self, name: String, help: String) -> wasmtime::Result<Result<(), PolicyError>> {
        self.charge()?;
        if !self.is_configuring() {
            let text = "counters are declared while the plugin is configured".to_owned();
            return Ok(Err(Refused::Denied(text).into()));
        }
        Ok(self.given().metrics.declare(&name, &help).map_err(PolicyError::from))
    }

    fn increment(&mut self, name: String, by: u64) -> wasmtime::Result<Result<(), PolicyError>> {
        self.charge_in_event("metrics.increment")?;
        Ok(self.given().metrics.increment(&name, by).map_err(PolicyError::from))
    }
}
