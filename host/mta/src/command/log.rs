//! Diagnostics on standard error: what `tracing` says, as text.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Starts to print diagnostics, `info` and above unless `TOLLGATE_LOG` says otherwise (`debug`, `tollgate_wasm=debug`).
pub(crate) fn start() {
    start_at("info");
}

/// Starts to print diagnostics of this level and above, unless `TOLLGATE_LOG` says otherwise.
pub(crate) fn start_at(level: &str) {
    let filter = EnvFilter::try_from_env("TOLLGATE_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    // Started twice only in tests, where the first is as good.
    drop(tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colour).with_writer(std::io::stderr).try_init());
}
