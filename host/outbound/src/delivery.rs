//! What became of a message's recipients: replies in, verdicts out.
//!
//! Rules: RFC 5321 §4.2.1 (what the first digit means), §4.5.3.1.10 (552 in reply to RCPT).

pub use tollgate_smtp::client::SaidBy;
use tollgate_smtp::client::{Phase, RecipientReply};
use tollgate_smtp::reply::Reply;

/// What a reply means for its recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The peer has taken responsibility.
    Delivered,
    /// Try again later.
    Transient,
    /// Do not try again.
    Permanent,
}

/// What became of one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipientOutcome {
    /// The recipient as in the envelope.
    pub recipient: String,
    /// The reply that decided.
    pub reply: Reply,
    /// What it means, which is not always what its first digit says.
    pub verdict: Verdict,
    /// Who decided.
    pub by: SaidBy,
}

/// What became of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// One outcome for each recipient, in the order of the envelope.
    pub recipients: Vec<RecipientOutcome>,
    /// Whether the connection can take another message. Drop it if not.
    pub reusable: bool,
}

/// What was heard in the course of one delivery, as far as it matters for its end.
#[derive(Debug, Default)]
pub(crate) struct Course {
    /// Whether the peer has answered any command of this delivery.
    pub(crate) answered: bool,
    /// Whether the connection has to be closed behind the delivery.
    pub(crate) spent: bool,
    /// Replies 552 to RCPT.
    too_many: Vec<Reply>,
}

impl Course {
    /// Takes note of a reply that was awaited in `phase`.
    ///
    /// RSET belongs to the delivery before, and 421 to the connection.
    pub(crate) fn note(&mut self, phase: Phase, reply: &Reply) {
        self.answered |= phase != Phase::Rset && reply.code() != 421;
        if phase == Phase::RcptTo && reply.code() == 552 {
            self.too_many.push(reply.clone());
        }
    }

    /// Returns the outcomes for the replies that recipients got in the end.
    pub(crate) fn outcomes(&self, replies: Vec<RecipientReply>) -> Vec<RecipientOutcome> {
        replies.into_iter().map(|reply| self.outcome(reply)).collect()
    }

    fn outcome(&self, RecipientReply { recipient, reply, said_by }: RecipientReply) -> RecipientOutcome {
        // Older servers say 552 where they mean 452, too many recipients.
        let verdict = match reply.code() / 100 {
            2 => Verdict::Delivered,
            5 if !self.too_many.contains(&reply) => Verdict::Permanent,
            _ => Verdict::Transient,
        };
        RecipientOutcome { recipient, reply, verdict, by: said_by }
    }
}
