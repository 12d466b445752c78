//! What is kept for a plugin as long as any generation of it is there, found by the plugin's name.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

/// Things of plugins, by their plugin's name. One that nobody holds any more is forgotten.
#[derive(Debug)]
pub struct ByName<T>(Mutex<HashMap<String, Weak<T>>>);

impl<T> Default for ByName<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> ByName<T> {
    /// Returns what is kept under a name, or what is made now.
    pub fn get(&self, name: &str, make: impl FnOnce() -> T) -> Arc<T> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = kept.get(name).and_then(Weak::upgrade) {
            return found;
        }
        // Not at every name that is new: with many plugins that would be a walk over all of them for each.
        if kept.len() == kept.capacity() {
            kept.retain(|_, thing| thing.strong_count() > 0);
        }
        let made = Arc::new(make());
        kept.insert(name.to_owned(), Arc::downgrade(&made));
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_lives_as_long_as_somebody_holds_it() {
        let things = ByName::default();
        let first = things.get("a", || 1);

        let again = things.get("a", || 2);
        let other = things.get("b", || 3);
        drop(first);
        let held = things.get("a", || 4);
        drop((again, held.clone()));
        drop(held);

        assert_eq!((*things.get("a", || 5), *other), (5, 3));
    }
}
