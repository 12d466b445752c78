//! A message has come in and is about to be accepted.
//!
//! In: the message, as a [`tollgate_message::Draft`] that the plugin may edit. Out: an [`Answer`]. A plugin that does not
//! handle the event counts as one that accepts.

use tollgate_smtp::{PermReply, Reply, TempReply};

/// What a plugin says: a verdict, or the refusal that the sender is to read.
pub type Answer = Result<Verdict, Refusal>;

/// What becomes of a message that is not refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It goes on to the next plugin, then to its queue.
    Accept,
    /// The sender is told that all is well; the message ends here, with a record.
    Discard,
    /// It is kept in a queue that is not served, under this reason.
    Hold(String),
}

/// A refusal, either for now or for good; "reject with 250" cannot be written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The sender is to try again.
    Defer(TempReply),
    /// The sender is not to try again.
    Reject(PermReply),
}

impl Refusal {
    /// Returns the reply for the sender.
    #[must_use]
    pub fn reply(&self) -> &Reply {
        match self {
            Self::Defer(reply) => reply.as_ref(),
            Self::Reject(reply) => reply.as_ref(),
        }
    }

    /// Returns the word for this refusal in records and in `explain`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Defer(_) => "defer",
            Self::Reject(_) => "reject",
        }
    }
}

/// Gives the reply back where it refuses nothing.
impl TryFrom<Reply> for Refusal {
    type Error = Reply;

    fn try_from(reply: Reply) -> Result<Self, Reply> {
        TempReply::try_from(reply).map(Self::Defer).or_else(|reply| PermReply::try_from(reply).map(Self::Reject))
    }
}
