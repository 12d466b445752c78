//! Domain names as the host compares them, so that a guest's keys and the host's agree.

use crate::{bindings::host::tollgate::policy::domains as wit, state::HostState};

impl wit::Host for HostState {
    fn normalize(&mut self, domain: String) -> wasmtime::Result<String> {
        self.charge()?;
        Ok(tollgate_message::domain::normalize(&domain))
    }
}
