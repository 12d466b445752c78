//! What is left of a panic. Without this the host would see a trap and no reason.

use std::panic::PanicHookInfo;

use crate::log::{Level, write};

/// Installs the hook, once for each instance. Called by what `register!` writes, before every event.
pub fn install() {
    std::thread_local! { static INSTALLED: () = std::panic::set_hook(Box::new(report)); }
    INSTALLED.with(|()| ());
}

fn report(panic: &PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("panic with a payload that is no text");
    let (file, line) = panic.location().map_or(("unknown", 0), |place| (place.file(), place.line()));
    write(Level::Error, message, &[("panic", "true"), ("file", file), ("line", &line.to_string())]);
}
