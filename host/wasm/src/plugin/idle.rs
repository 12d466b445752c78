//! Instances that nobody uses, of all plugins: the engine has room for so many, and a busy plugin must not go without because
//! others keep theirs.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::Inner;

/// The plugins that may keep instances.
#[derive(Default)]
pub(crate) struct Idle {
    plugins: Mutex<Vec<Weak<Inner>>>,
}

impl Idle {
    /// Remembers a plugin. Those that are gone are forgotten.
    pub(super) fn watch(&self, plugin: &Arc<Inner>) {
        let mut plugins = self.plugins.lock().unwrap_or_else(PoisonError::into_inner);
        // Not at every start: with many plugins that would be a walk over all of them for each.
        if plugins.len() == plugins.capacity() {
            plugins.retain(|plugin| plugin.strong_count() > 0);
        }
        plugins.push(Arc::downgrade(plugin));
    }

    /// Drops one instance of some plugin. Returns whether there was one.
    pub(crate) fn drop_one(&self) -> bool {
        let mut plugins = self.plugins.lock().unwrap_or_else(PoisonError::into_inner);
        // Each search starts where the last one ended, so that it is not always the same plugin that gives way.
        let found = plugins.iter().position(|plugin| plugin.upgrade().is_some_and(|plugin| plugin.drop_idle()));
        if let Some(found) = found {
            plugins.rotate_left(found);
        }
        found.is_some()
    }
}
