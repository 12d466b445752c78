//! Numbers that outlive an event: kept in memory for one plugin, and gone when the program ends.
//!
//! What frequency caps and greylists are made of. A counter begins at its first addition and lasts for the window given there;
//! after that it is as if it had never been. [`Table`] is the counting itself, and reads no clock; [`Counters`] is a table that
//! threads share. One lock for each plugin is held for one look-up, so plugins do not wait for each other, and the events of
//! one plugin hardly do.

mod table;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

pub use table::{ENTRY, LONGEST_KEY, LONGEST_WINDOW, Quota, Table};

use crate::Refused;

/// The counters of one plugin; shared by its instances, and by its generations.
#[derive(Debug)]
pub struct Counters {
    table: Mutex<Table>,
    started: Instant,
}

/// Counters that hold nothing yet.
impl Default for Counters {
    fn default() -> Self {
        Self { table: Mutex::default(), started: Instant::now() }
    }
}

impl Counters {
    /// As [`Table::increment`], now.
    ///
    /// # Errors
    /// As [`Table::increment`].
    pub fn increment(&self, key: &str, by: u64, window: Duration, quota: Quota) -> Result<u64, Refused> {
        let now = self.now();
        self.lock().increment(now, key, by, window, quota)
    }

    /// As [`Table::get`], now.
    #[must_use]
    pub fn get(&self, key: &str) -> u64 {
        let now = self.now();
        self.lock().get(now, key)
    }

    /// As [`Table::age`], now.
    #[must_use]
    pub fn age(&self, key: &str) -> Option<Duration> {
        let now = self.now();
        self.lock().age(now, key)
    }

    /// As [`Table::reset`], now.
    pub fn reset(&self, key: &str) -> bool {
        let now = self.now();
        self.lock().reset(now, key)
    }

    /// Read before the lock is taken; the table puts up with times that come in the wrong order.
    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
