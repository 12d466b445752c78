//! The time for everything that waits: the wall clock at the start, and from then on a clock that never jumps.
//!
//! Someone who sets the machine's clock would otherwise make every message due, or none.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tollgate_message::Timestamp;

#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    wall: Timestamp,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: Instant::now(), wall: Timestamp::from_millis(0) + since_epoch }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.wall + self.started.elapsed()
    }

    /// Returns the instant of a time, for waiting; now for one that has passed.
    pub(crate) fn instant(&self, at: Timestamp) -> Instant {
        self.started + at.since(self.wall)
    }
}
