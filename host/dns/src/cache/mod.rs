//! Answers kept for a while, and one question under way for each name.
//!
//! Whoever asks for a name gets the kept answer while it holds; else the question is put, in a task of its own, and all
//! who ask meanwhile wait for that one. A task of its own means that whoever stops waiting takes nothing from the others,
//! and that the answer is kept all the same. A question whose task dies frees its place, and its askers hear so.
//!
//! The number of kept answers is bounded, and the least recently used one gives way; questions under way are not in that
//! number. Time is tokio's, so tests can move it.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lru::LruCache;
use tokio::sync::watch;
use tokio::time::Instant;

/// Answers by name. Clones share them.
pub(crate) struct Cache<V> {
    shelves: Arc<Mutex<Shelves<V>>>,
}

struct Shelves<V> {
    kept: LruCache<String, Kept<V>>,
    /// The places where the answers under way will appear.
    asked: HashMap<String, Pending<V>>,
}

struct Kept<V> {
    value: V,
    until: Instant,
}

type Pending<V> = watch::Receiver<Option<V>>;

/// What an asker meets.
enum Found<V> {
    Kept(V),
    Asked(Pending<V>),
    Nothing(watch::Sender<Option<V>>, Pending<V>),
}

impl<V> Clone for Cache<V> {
    fn clone(&self) -> Self {
        Cache { shelves: Arc::clone(&self.shelves) }
    }
}

impl<V: Clone + Send + Sync + 'static> Cache<V> {
    /// `entries`: how many answers are kept at most; 0 counts as 1.
    pub(crate) fn new(entries: usize) -> Self {
        // Not `LruCache::new`, which sets room for all entries aside at once.
        let mut kept = LruCache::unbounded();
        kept.resize(NonZeroUsize::new(entries).unwrap_or(NonZeroUsize::MIN));
        Cache { shelves: Arc::new(Mutex::new(Shelves { kept, asked: HashMap::new() })) }
    }

    /// Returns the answer for a name: kept, or under way, or from `ask`, which yields it and how long it holds.
    ///
    /// Nothing if the task that asked died: a panic, or a runtime that ends.
    ///
    /// # Cancel safety
    /// The question goes on for whoever else waits, and its answer is kept.
    pub(crate) async fn get<F>(&self, name: &str, ask: impl FnOnce() -> F) -> Option<V>
    where
        F: Future<Output = (V, Duration)> + Send + 'static,
    {
        let mut pending = match self.find(name) {
            Found::Kept(value) => return Some(value),
            Found::Asked(pending) => pending,
            Found::Nothing(answer, pending) => {
                let place = Place { cache: self.clone(), name: name.to_owned() };
                tokio::spawn(fill(answer, place, ask()));
                pending
            }
        };
        let value = pending.wait_for(Option::is_some).await.ok()?;
        value.clone()
    }

    /// Finds the answer or its place; if there is neither, makes the place.
    fn find(&self, name: &str) -> Found<V> {
        let mut shelves = self.lock();
        if let Some(kept) = shelves.kept.get(name)
            && Instant::now() < kept.until
        {
            return Found::Kept(kept.value.clone());
        }
        if let Some(pending) = shelves.asked.get(name) {
            return Found::Asked(pending.clone());
        }
        let (answer, pending) = watch::channel(None);
        shelves.asked.insert(name.to_owned(), pending.clone());
        Found::Nothing(answer, pending)
    }

    fn keep(&self, name: &str, value: V, time: Duration) {
        let until = Instant::now() + time;
        self.lock().kept.put(name.to_owned(), Kept { value, until });
    }

    fn lock(&self) -> MutexGuard<'_, Shelves<V>> {
        // Nothing that can panic happens under the lock, so what it guards is whole.
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    fn sizes(&self) -> (usize, usize) {
        let shelves = self.lock();
        (shelves.kept.len(), shelves.asked.len())
    }
}

/// The place of a question under way, freed by drop.
struct Place<V: Clone + Send + Sync + 'static> {
    cache: Cache<V>,
    name: String,
}

/// Puts the answer where it is awaited and where it is kept.
///
/// The parameters are dropped last to first: should the question panic, the place is free before its askers hear of it.
async fn fill<V: Clone + Send + Sync + 'static>(
    answer: watch::Sender<Option<V>>,
    place: Place<V>,
    asked: impl Future<Output = (V, Duration)>,
) {
    let (value, time) = asked.await;
    // Kept before the place is free, so that nobody finds neither and asks again.
    place.cache.keep(&place.name, value.clone(), time);
    drop(place);
    answer.send_replace(Some(value));
}

impl<V: Clone + Send + Sync + 'static> Drop for Place<V> {
    fn drop(&mut self) {
        self.cache.lock().asked.remove(&self.name);
    }
}
