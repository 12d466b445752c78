//! What can go wrong with a connection, and what it means for the messages that were to use it.
//!
//! A [`Fault`] happens to one candidate or one connection; a [`ConnectError`] is the sum of all candidates' faults and can
//! say itself as a reply, which is what a record or a report of the failure shows; [`Stale`] is no failure of a message at
//! all.
//!
//! Rules: RFC 5321 §3.1 (554 greeting), §3.8 and §4.2.1 (421); RFC 3463 §3.5 (network status codes).

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use tollgate_smtp::client::Phase;
use tollgate_smtp::reply::{EnhancedCode, Reply, ReplyError, TempReply};

use crate::Candidate;

/// What went wrong with one connection; ordered by who is at fault.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The peer said no.
    #[error("{0}")]
    Refused(Reply),
    /// The peer sent what is no reply.
    #[error("{0}")]
    Unreadable(#[from] ReplyError),
    /// The peer answered before it was asked, or with what makes no sense.
    #[error("unexpected reply: {0}")]
    Unexpected(Reply),
    /// The peer closed the connection.
    #[error("connection closed by peer")]
    Closed,
    /// Nothing happened for too long.
    #[error("timed out after {0:?}")]
    TimedOut(Duration),
    /// The system said no: refused, reset, unreachable.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The source's address is of another family than the candidate's.
    #[error("source `{name}` sends from {address}, which cannot reach an address of the other family")]
    Family {
        /// Name of the source.
        name: String,
        /// Its address.
        address: IpAddr,
    },
    /// The source's address cannot be used on this host.
    #[error("source `{name}` cannot send from {address}: {error}")]
    Bind {
        /// Name of the source.
        name: String,
        /// Its address.
        address: IpAddr,
        /// What the system says; `AddrNotAvailable` if the address is not one of this host's.
        error: io::Error,
    },
}

impl Fault {
    /// Whether the connection is just gone, without a word.
    pub(crate) fn is_hang_up(&self) -> bool {
        matches!(self, Fault::Closed | Fault::Io(_))
    }

    fn is_permanent(&self) -> bool {
        matches!(self, Fault::Refused(reply) if reply.is_permanent())
    }
}

/// Why one candidate cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{candidate}: {fault}{}", during(*.phase))]
pub struct CandidateError {
    /// The candidate.
    pub candidate: Candidate,
    /// What was awaited; nothing while connecting.
    pub phase: Option<Phase>,
    /// What went wrong.
    #[source]
    pub fault: Fault,
}

/// Says where a fault happened, for the end of a sentence.
fn during(phase: Option<Phase>) -> String {
    phase.map_or_else(|| " while connecting".to_owned(), |phase| format!(" {}", awaiting(phase)))
}

/// Says what was awaited.
pub(crate) fn awaiting(phase: Phase) -> &'static str {
    match phase {
        Phase::Banner => "awaiting the greeting",
        Phase::Ehlo => "awaiting the reply to EHLO",
        Phase::MailFrom => "awaiting the reply to MAIL FROM",
        Phase::RcptTo => "awaiting the reply to RCPT TO",
        Phase::Data => "awaiting the reply to DATA",
        Phase::DataDot => "awaiting the reply to the final dot",
        Phase::Rset => "awaiting the reply to RSET",
        Phase::Quit | Phase::Ready | Phase::Closed => "between messages",
    }
}

/// Says why no candidate could be used: the faults of all, in the order in which they were tried.
#[derive(Debug, thiserror::Error)]
#[error("failed to connect to any candidate hosts: {}", self.causes())]
pub struct ConnectError {
    /// What went wrong with each; empty if there were no candidates.
    pub candidates: Vec<CandidateError>,
}

impl ConnectError {
    /// Returns whether trying again is of no use: every candidate answered, and refused for good.
    pub fn is_permanent(&self) -> bool {
        !self.candidates.is_empty() && self.candidates.iter().all(|candidate| candidate.fault.is_permanent())
    }

    /// Returns whether it is our source that cannot be used, whoever the peer is: its address is not one of this host's.
    pub fn source_is_unusable(&self) -> bool {
        self.candidates.iter().any(|candidate| matches!(candidate.fault, Fault::Bind { .. }))
    }

    /// Returns what to say of a message that was to go over the connection: the last refusal if all were for good, else
    /// 451 4.4.1 with the whole text.
    pub fn reply(&self) -> Reply {
        match self.candidates.last() {
            Some(CandidateError { fault: Fault::Refused(reply), .. }) if self.is_permanent() => reply.clone(),
            _ => put_off((4, 4, 1), self.to_string()).into(),
        }
    }

    fn causes(&self) -> String {
        if self.candidates.is_empty() {
            return "there are none".to_owned();
        }
        let causes: Vec<String> = self.candidates.iter().map(CandidateError::to_string).collect();
        causes.join("; ")
    }
}

/// Says that the peer had closed a kept connection before a message was passed over it.
///
/// Nobody's fault, and no attempt of the message: it goes over another connection at once. A connection that was just
/// opened is never stale, so this cannot go on for ever.
#[derive(Debug, thiserror::Error)]
#[error("the peer closed the connection between messages: {cause}")]
pub struct Stale {
    /// How that was noticed.
    #[source]
    pub cause: Fault,
}

/// Returns a 451 with an enhanced code of class 4.
pub(crate) fn put_off((class, subject, detail): (u8, u16, u16), text: impl Into<String>) -> TempReply {
    let enhanced = EnhancedCode::new(class, subject, detail);
    TempReply::new(451, enhanced, text).expect("the codes of this crate's replies are of class 4")
}
