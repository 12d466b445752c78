//! Receipts: the values without which nobody may answer 250.
//!
//! They have private fields and no public constructor besides [`Discarded::by_policy`], so the type system holds what
//! a review would have to: a positive answer is either backed by the disk or a decision not to store.

use crate::Id;

/// Proof that a batch is on stable storage. Only the spool makes one.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a receipt nobody looks at means a message nobody schedules"]
pub struct Committed {
    pub(crate) ids: Vec<Id>,
}

impl Committed {
    /// Returns the messages of the batch, in its order.
    #[must_use]
    pub fn ids(&self) -> &[Id] {
        &self.ids
    }

    /// Returns a receipt for each message of the batch, in its order, in place of the one for all.
    pub fn into_each(self) -> impl Iterator<Item = (Id, Self)> {
        self.ids.into_iter().map(|id| (id, Self { ids: vec![id] }))
    }
}

/// The verdict to take responsibility for a message by dropping it.
#[derive(Debug, PartialEq, Eq)]
pub struct Discarded {
    reason: String,
}

impl Discarded {
    /// Records that policy decided so; `reason` is for the log.
    #[must_use]
    pub fn by_policy(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }

    /// Returns what policy said.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// The two ways in which responsibility is taken.
#[derive(Debug, PartialEq, Eq)]
pub enum Accepted {
    /// Stored, and to be delivered.
    Committed(Committed),
    /// Dropped on purpose.
    Discarded(Discarded),
}
