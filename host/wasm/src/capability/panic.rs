//! What a guest says when it panics, eight octets at a time.

use crate::{bindings::host::tollgate::policy::panic as wit, capability::log, state::HostState};

impl wit::Host for HostState {
    fn note(&mut self, octets: u64, count: u8) -> wasmtime::Result<()> {
        self.charge()?;
        let octets = octets.to_le_bytes();
        let count = usize::from(count).min(octets.len());
        let said = self.said_in_panic();
        let room = log::LINE.saturating_sub(said.len());
        said.extend(&octets[..count.min(room)]);
        if count == octets.len() {
            return Ok(());
        }
        let line = log::clean(&String::from_utf8_lossy(&std::mem::take(said)), &[]);
        if self.log_budget().take() {
            tracing::error!(target: "tollgate::plugin", plugin = self.plugin_name(), "{line}");
        }
        self.note_panic(line);
        Ok(())
    }
}
