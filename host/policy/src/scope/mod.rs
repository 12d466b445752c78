//! What a plugin may touch.
//!
//! Operators' plugins may touch everything. A tenant's component is a stranger's: it judges that tenant's mail only, and
//! sets a handful of things within the operator's bounds. One [`Scope`] is asked everywhere: by the functions that a guest
//! calls, so that it reads what it may not do and why; and on what came back ([`Bounds::confine`], [`Bounds::clamp`]), so
//! that a fault in the first cannot widen a tenant.
//!
//! | a tenant's component | may | never |
//! |---|---|---|
//! | settings of its queues | `retry_interval`, `max_retry_interval`, `max_age`, `max_message_rate`, `egress_pool`, within bounds | everything else |
//! | metadata | `campaign`, keys of its own | what names, routes or describes a message to the host, and what others set |
//! | header | fields that are not reserved | trace, signatures, results, resent and list blocks |
//! | schedule | within the operator's `max_age` | beyond it |
//! | verdict | any on its own mail, unless the operator says otherwise | |
//!
//! * [`bounds`](Bounds): what the operator says. `settings`: values. `edits`: header and metadata. `schedule`: times.

mod bounds;
mod edits;
mod schedule;
mod settings;

use std::sync::Arc;

pub use bounds::{Bound, Bounds, Defaults};
pub use settings::Clamp;

use tollgate_message::Meta;

use crate::{Answer, QueueOption};

/// What a plugin may touch.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Scope {
    /// Everything: the plugin is the operator's own.
    #[default]
    Operator,
    /// What a tenant's component may, within these bounds.
    Tenant(Arc<Bounds>),
}

/// Why a plugin may not do what it asked for. It reads the text.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    /// It is out of scope; the text names what it would need.
    #[error("{0}")]
    Denied(String),
    /// The value is none.
    #[error("{0}")]
    Invalid(String),
    /// More than so many octets.
    #[error("more than {0} octets")]
    TooLarge(usize),
}

impl Scope {
    /// Returns the bounds of a tenant's component; of the operator's plugins there are none.
    #[must_use]
    pub fn bounds(&self) -> Option<&Bounds> {
        match self {
            Self::Operator => None,
            Self::Tenant(bounds) => Some(bounds),
        }
    }

    /// Returns whether an option of a queue may be set or cleared.
    ///
    /// # Errors
    /// [`Refused::Denied`].
    pub fn may_set(&self, option: &QueueOption) -> Result<(), Refused> {
        self.bounds().map_or(Ok(()), |_| settings::may_set(option))
    }

    /// Returns whether a header field may be added, replaced or removed.
    ///
    /// # Errors
    /// [`Refused::Denied`].
    pub fn may_write_header(&self, name: &str) -> Result<(), Refused> {
        self.bounds().map_or(Ok(()), |bounds| bounds.may_write_header(name))
    }

    /// Returns whether a piece of metadata may be set or removed. `before`: the metadata when the plugin was asked; `now`:
    /// as it is.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn may_set_meta(&self, before: &Meta, now: &Meta, key: &str, value: Option<&str>) -> Result<(), Refused> {
        self.bounds().map_or(Ok(()), |_| edits::may_set_meta(before, now, key, value))
    }

    /// Returns whether an answer about a message may be given.
    ///
    /// # Errors
    /// [`Refused::Denied`].
    pub fn may_answer(&self, answer: &Answer) -> Result<(), Refused> {
        self.bounds().map_or(Ok(()), |bounds| bounds.may_answer(answer))
    }
}

#[cfg(test)]
mod tests;
