//! What the writer thread and everybody else see together: the index, the health, the counters.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::index::Index;

/// Whether the spool takes mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It does.
    Healthy,
    /// The disk is full. Bodies can be read, messages can end, and that makes room again.
    Full,
    /// The disk failed. Nothing is promised any more until the spool is opened anew.
    Poisoned,
}

/// Figures for metrics. Counters start at zero when the spool is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Messages that are not done.
    pub messages: usize,
    /// Octets of the journal that are needed.
    pub live_bytes: u64,
    /// Octets of all segment files, spare ones included.
    pub journal_bytes: u64,
    /// Segments that may hold something live.
    pub segments: usize,
    /// Groups written.
    pub groups: u64,
    /// Syncs of the journal.
    pub syncs: u64,
    /// Octets handed in and written.
    pub written_bytes: u64,
    /// Octets written again so that old segments could be freed.
    pub moved_bytes: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) groups: AtomicU64,
    pub(crate) syncs: AtomicU64,
    pub(crate) written: AtomicU64,
    pub(crate) moved: AtomicU64,
    pub(crate) files: AtomicU64,
}

/// Adds to a counter that nobody orders anything by.
pub(crate) fn count(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}

#[derive(Debug, Default)]
pub(crate) struct Shared {
    index: Mutex<Index>,
    health: AtomicU8,
    pub(crate) counters: Counters,
}

impl Shared {
    pub(crate) fn new(index: Index) -> Self {
        Self { index: Mutex::new(index), ..Self::default() }
    }

    /// Locks the index; held for lookups and steps only, never over a read or write.
    pub(crate) fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn health(&self) -> Health {
        match self.health.load(Ordering::Acquire) {
            0 => Health::Healthy,
            1 => Health::Full,
            _ => Health::Poisoned,
        }
    }

    /// Changes the health; poison stays.
    pub(crate) fn set_health(&self, health: Health) {
        let value = match health {
            Health::Healthy => 0,
            Health::Full => 1,
            Health::Poisoned => 2,
        };
        let _ = self.health.fetch_update(Ordering::AcqRel, Ordering::Acquire, |old| (old < 2).then_some(value));
    }

    pub(crate) fn stats(&self) -> Stats {
        let index = self.index();
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            messages: index.messages(),
            live_bytes: index.live(),
            journal_bytes: read(&self.counters.files),
            segments: index.segments(),
            groups: read(&self.counters.groups),
            syncs: read(&self.counters.syncs),
            written_bytes: read(&self.counters.written),
            moved_bytes: read(&self.counters.moved),
        }
    }
}
