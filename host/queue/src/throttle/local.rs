//! Buckets of this node alone, in memory. A restart finds them full.

use std::collections::HashMap;

use tollgate_message::Timestamp;

use super::{Store, Throttle, gcra::Level};

/// The store of a node that shares its rates with no other.
#[derive(Debug, Default)]
pub struct LocalStore {
    pub(super) levels: HashMap<Throttle, Level>,
}

impl Store for LocalStore {
    fn next(&mut self, now: Timestamp, throttle: &Throttle) -> Timestamp {
        self.levels.get(throttle).map_or(now, |level| level.next(throttle.rate))
    }

    fn take(&mut self, now: Timestamp, throttle: &Throttle) {
        let level = match self.levels.get_mut(throttle) {
            Some(level) => level,
            None => self.levels.entry(throttle.clone()).or_default(),
        };
        *level = level.after(now, throttle.rate);
    }

    fn tidy(&mut self, now: Timestamp) {
        self.levels.retain(|throttle, level| !level.is_full(now, throttle.rate));
    }
}
