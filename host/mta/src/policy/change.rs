//! Changes of one plugin that an operator wants at once: another component, or the version before.
//!
//! Proposed first, so that the whole configuration can be looked over with it; only what is in force is kept.

use std::{io, sync::Arc};

use super::{
    Loader,
    version::{Material, Plugins},
};

/// What is to become of a plugin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    /// These octets are its component from now on.
    Swap(Vec<u8>),
    /// It is what it was before its last change.
    Rollback,
}

/// A change that is looked over with the next configuration.
#[derive(Clone, Debug)]
pub(super) struct Proposal {
    pub(super) plugin: Arc<str>,
    wanted: Wanted,
}

#[derive(Clone, Debug)]
enum Wanted {
    Component(Arc<[u8]>),
    Version(Material),
}

impl Proposal {
    /// Returns what the plugin is made of with this change. `otherwise`: what it is made of without.
    pub(super) fn on(&self, otherwise: &Material) -> Material {
        match &self.wanted {
            Wanted::Component(component) => Material::new(Arc::clone(component), otherwise.files.to_vec()),
            Wanted::Version(material) => material.clone(),
        }
    }
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
            Change::Swap(octets) => Wanted::Component(octets.into()),
            Change::Rollback => {
                let kept = installed.previous.iter().map(|version| &version.material);
                // After a restart what files say is all that is known besides.
                let mut earlier = kept.chain([&current.of_files]).filter(|material| !material.is(&current.material));
                Wanted::Version(earlier.next().ok_or(NoChange::First)?.clone())
            }
        };
        self.proposed = Some(Proposal { plugin: Arc::from(plugin), wanted });
        Ok(())
    }

    /// Takes note of what is in force by now, and keeps for the next start what stands in for files; what stood in for one that
    /// has changed is forgotten.
    ///
    /// # Errors
    /// What the system said: a change that was proposed is gone with the next configuration.
    pub(crate) fn accept(&mut self, plugins: &Plugins) -> io::Result<()> {
        self.plugins.clone_from(plugins);
        self.proposed = None;
        let Some(pins) = &self.pins else { return Ok(()) };
        self.plugins.iter().try_for_each(|(name, installed)| {
            let version = &installed.current;
            pins.set(name, &version.of_files, &version.material)
        })
    }

    /// Forgets the change that was proposed.
    pub(crate) fn withdraw(&mut self) {
        self.proposed = None;
    }
}
