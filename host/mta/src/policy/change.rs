//! Changes of one plugin that an operator wants at once: another component, or the version before.
//!
//! Proposed first, so that the whole configuration can be looked over with it; only what is in force is kept.

use std::{io, sync::Arc};

use super::{Loader, version::Material};

/// What is to become of a plugin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    /// These octets are its component from now on.
    Swap(Vec<u8>),
    /// It is what it was before its last change.
    Rollback,
}

/// Why a change cannot even be tried.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum NoChange {
    #[error("there is no plugin of that name; there are: {0}")]
    Unknown(String),
    #[error("there is no version to go back to")]
    First,
}

impl Loader {
    /// Has the next configuration that is loaded be with this change.
    ///
    /// # Errors
    /// [`NoChange`].
    pub(crate) fn propose(&mut self, plugin: &str, change: Change) -> Result<(), NoChange> {
        let names = || self.plugins.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let installed = self.plugins.get(plugin).ok_or_else(|| NoChange::Unknown(names()))?;
        let current = &installed.current;
        let wanted = match change {
            Change::Swap(octets) => Material::new(octets.into(), current.material.files.to_vec()),
            Change::Rollback => {
                let kept = installed.previous.iter().map(|version| &version.material);
                // After a restart what files say is all that is known besides.
                let mut earlier = kept.chain([&current.of_files]).filter(|material| !material.is(&current.material));
                earlier.next().ok_or(NoChange::First)?.clone()
            }
        };
        self.proposed = Some((Arc::from(plugin), wanted));
        Ok(())
    }

    /// Keeps the change that was proposed, which is in force by now.
    ///
    /// # Errors
    /// What the system said: the change is gone with the next configuration.
    pub(crate) fn keep_proposed(&mut self) -> io::Result<()> {
        let Some((name, _)) = self.proposed.take() else { return Ok(()) };
        let installed = self.plugins.get(&*name);
        let Some((pins, version)) = self.pins.as_ref().zip(installed.map(|installed| &installed.current)) else {
            return Ok(());
        };
        pins.set(&name, &version.of_files, &version.material)
    }

    /// Forgets the change that was proposed.
    pub(crate) fn withdraw(&mut self) {
        self.proposed = None;
    }
}
