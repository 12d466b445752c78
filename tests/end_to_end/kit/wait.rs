//! Waiting for something that must come.

use std::{
    thread,
    time::{Duration, Instant},
};

/// Longest wait for anything; a program may take half a minute to drain.
pub(super) const PATIENCE: Duration = Duration::from_secs(40);

/// Waits for a value.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Waits for a condition.
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    wait_for(what, || holds().then_some(()));
}
