//! How many core instances a component comes to, without making one.
//!
//! The cost of a component is one for each core module that it instantiates, and the cost of each component that it
//! instantiates. Components are named by index, in a space that definitions, aliases and exports fill, so one pass that keeps
//! those spaces finds it. An index that is out of range costs nothing here: validation refuses it later.

use wasmparser::{ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind, Instance};

use super::{ScanError, first_order};

/// The components that are being read, the outermost first.
#[derive(Default)]
pub(super) struct Costs {
    open: Vec<Space>,
    whole: u64,
}

/// What is known of one component so far.
#[derive(Default)]
struct Space {
    /// Its own cost.
    cost: u64,
    /// The costs of the components that it can name.
    components: Vec<u64>,
}

impl Costs {
    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    pub(super) fn enter(&mut self) {
        self.open.push(Space::default());
    }

    /// Ends a component, which its parent can name from now on.
    pub(super) fn leave(&mut self) {
        let Some(Space { cost, .. }) = self.open.pop() else { return };
        match self.open.last_mut() {
            Some(parent) => parent.components.push(cost),
            None => self.whole = cost,
        }
    }

    pub(super) fn core_instance(&mut self, instance: &Instance<'_>) {
        if let (Instance::Instantiate { .. }, Some(space)) = (instance, self.open.last_mut()) {
            space.cost = space.cost.saturating_add(1);
        }
    }

    pub(super) fn instance(&mut self, instance: &ComponentInstance<'_>) {
        let (ComponentInstance::Instantiate { component_index, .. }, Some(space)) = (instance, self.open.last_mut())
        else {
            return;
        };
        space.cost = space.cost.saturating_add(space.named(*component_index));
    }

    pub(super) fn alias(&mut self, alias: &ComponentAlias<'_>) -> Result<(), ScanError> {
        match alias {
            ComponentAlias::InstanceExport { kind, .. } => first_order(*kind),
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, count, index } => {
                let outer = self.open.len().checked_sub(1 + *count as usize).and_then(|at| self.open.get(at));
                let cost = outer.map_or(0, |space| space.named(*index));
                if let Some(space) = self.open.last_mut() {
                    space.components.push(cost);
                }
                Ok(())
            }
            ComponentAlias::Outer { .. } | ComponentAlias::CoreInstanceExport { .. } => Ok(()),
        }
    }

    /// An export is a name of its own for the thing that it exports.
    pub(super) fn export(&mut self, kind: ComponentExternalKind, index: u32) {
        if let (ComponentExternalKind::Component, Some(space)) = (kind, self.open.last_mut()) {
            space.components.push(space.named(index));
        }
    }

    pub(super) fn of_whole(&self) -> u64 {
        self.whole
    }
}

impl Space {
    fn named(&self, index: u32) -> u64 {
        self.components.get(index as usize).copied().unwrap_or(0)
    }
}
