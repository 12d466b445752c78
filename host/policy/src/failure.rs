//! A plugin that gave no usable answer.
//!
//! "The guest said no" is an answer, not a failure. What a failure means for the message is the operator's choice.

use tollgate_smtp::{EnhancedCode, PermReply, TempReply};

use crate::Refusal;

/// How a plugin failed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FailureKind {
    /// It answered what makes no sense: a refusal with 250, a value out of range.
    Nonsense,
    /// It trapped: a panic, an access out of bounds, a call that the host does not allow.
    Trap,
    /// It ran out of CPU time.
    Time,
    /// It ran out of wall-clock time, which a busy machine may have kept from it: nobody's fault for sure.
    WallTime,
    /// It ran out of memory, tables or stack.
    Memory,
    /// It ran out of host calls, or handed over too much in one.
    HostCalls,
    /// There was no answer to be had: no instance or worker was free, or the plugin itself says that it has none.
    Unavailable,
    /// It was not asked, since it kept failing before.
    Quarantined,
}

impl FailureKind {
    /// All kinds whose words differ.
    pub const ALL: [Self; 7] =
        [Self::Nonsense, Self::Trap, Self::Time, Self::Memory, Self::HostCalls, Self::Unavailable, Self::Quarantined];

    /// Returns whether the plugin is to blame, as far as can be told.
    #[must_use]
    pub fn is_its_fault(self) -> bool {
        !matches!(self, Self::WallTime | Self::Unavailable | Self::Quarantined)
    }

    /// Returns the word for this failure in metrics and records.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Nonsense => "nonsense",
            Self::Trap => "trap",
            Self::Time | Self::WallTime => "time",
            Self::Memory => "memory",
            Self::HostCalls => "host-calls",
            Self::Unavailable => "unavailable",
            Self::Quarantined => "quarantined",
        }
    }
}

/// One failure, for the log. The sender never reads the detail.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("plugin {plugin} failed ({}): {detail}", kind.word())]
pub struct Failure {
    /// The plugin, by its configured name.
    pub plugin: String,
    /// How it failed.
    pub kind: FailureKind,
    /// What is known of it: the panic's message and place, the limit and its knob.
    pub detail: String,
}

/// What a failure in `message-received` means for the message, and in `smtp-session` for what the client wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OnFailure {
    /// The sender is asked to try again: `451 4.3.0`.
    #[default]
    Defer,
    /// It is refused: `550 5.3.0`.
    Reject,
    /// The chain goes on as if the plugin were not there. Not for plugins that authorise.
    Skip,
}

impl OnFailure {
    /// Returns the refusal that this choice means, or nothing where the chain goes on.
    #[must_use]
    pub fn refusal(self) -> Option<Refusal> {
        let text = "message processing failed";
        match self {
            Self::Defer => TempReply::new(451, EnhancedCode::new(4, 3, 0), text).map(Refusal::Defer),
            Self::Reject => PermReply::new(550, EnhancedCode::new(5, 3, 0), text).map(Refusal::Reject),
            Self::Skip => None,
        }
    }
}
