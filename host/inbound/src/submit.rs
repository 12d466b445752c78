//! The seam to the rest of the program: a transaction goes out, a verdict comes back.
//!
//! The doors know this trait and nothing behind it. `answer` makes the only positive replies of this crate, and it
//! cannot be called without the receipts that a verdict carries.

use std::future::Future;
use std::sync::Arc;

use tollgate_message::{Envelope, MessageId, Session, Timestamp};
use tollgate_smtp::{Reply, TempReply};
use tollgate_spool::Accepted;

use crate::admit::Visit;
use crate::caller::Caller;
use crate::content::Content;
use crate::replies;
use crate::socket::Ends;

/// What takes transactions.
pub trait Submit: Send + Sync + 'static {
    /// Returns whether a new transaction may start now. Must not block.
    ///
    /// # Errors
    /// The reply to MAIL, and the text of HTTP 503: the program is ending, or its spool is full or broken.
    fn ready(&self) -> Result<(), TempReply>;

    /// Returns whether anybody has a say in what clients do before there is a message; if not, [`Submit::admit`] is not
    /// called. Must not block.
    fn judges_sessions(&self) -> bool {
        false
    }

    /// Decides whether a client may do what it wants and the door would let it.
    ///
    /// The error is the reply, 4yz or 5yz; to [`crate::Wish::Connect`], the greeting of a session that ends with it.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing has happened.
    fn admit(&self, visit: Visit) -> impl Future<Output = Result<(), Reply>> + Send {
        drop(visit);
        std::future::ready(Ok(()))
    }

    /// Returns whom a user's name and password over HTTP prove a client to be; nothing where nobody knows the user. Not asked for
    /// users whom the door knows itself.
    ///
    /// The error is the reply of whoever refuses, 4yz or 5yz.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing has happened.
    fn identify(
        &self,
        ends: Ends,
        user: String,
        password: String,
    ) -> impl Future<Output = Result<Option<String>, Reply>> + Send {
        drop((ends, user, password));
        std::future::ready(Ok(None))
    }

    /// Decides on a transaction and makes it durable.
    ///
    /// # Cancel safety
    /// Need not be cancel safe towards clients: the doors see the future to its end, whatever the client does meanwhile.
    /// It is dropped only where the program gives up a draining `serve` or the runtime.
    fn submit(&self, transaction: Transaction) -> impl Future<Output = Submission> + Send;

    /// Returns the time, for whoever names or dates what comes in.
    fn now(&self) -> Timestamp;
}

/// What was received at once: the octets, and everybody they are for.
#[derive(Debug)]
pub struct Transaction {
    /// The session it came in.
    pub session: Arc<Session>,
    /// Who sends it.
    pub caller: Caller,
    /// From whom, for whom; at least one recipient.
    pub envelope: Envelope,
    /// The octets.
    pub content: Content,
    /// How many messages it becomes.
    pub batch_handling: BatchHandling,
    /// How it came, for the `Received` field.
    pub protocol: Protocol,
}

/// How many messages a transaction with several recipients becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BatchHandling {
    /// One for each recipient.
    #[default]
    BifurcateAlways,
    /// One for each domain, in the order in which the domains first appear; domains that mean the same are one.
    BatchByDomain,
}

/// The word behind `with` in a `Received` field.
///
/// # Source
/// RFC 5321 §4.4, RFC 6531 §4.3; HTTP is ours
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// The client said HELO.
    Smtp,
    /// The client said EHLO.
    Esmtp,
    /// The client asked for SMTPUTF8.
    Utf8Smtp,
    /// The injection API.
    Http,
}

impl Protocol {
    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Smtp => "SMTP",
            Self::Esmtp => "ESMTP",
            Self::Utf8Smtp => "UTF8SMTP",
            Self::Http => "HTTP",
        }
    }
}

/// What became of a transaction.
#[derive(Debug)]
pub enum Submission {
    /// Responsibility is taken for these messages, of which there is at least one.
    Accepted(Vec<(MessageId, Accepted)>),
    /// It is not; 4yz or 5yz.
    Refused(Reply),
}

/// Returns the reply to a whole message: 250 with the ids for receipts, the refusal otherwise.
///
/// An empty list of receipts and a refusal that is none become 451: nothing is accepted by mistake.
pub(crate) fn answer(submission: Submission) -> Reply {
    match submission {
        Submission::Accepted(receipts) if !receipts.is_empty() => accepted(receipts),
        Submission::Refused(reply) if reply.is_temporary() || reply.is_permanent() => reply,
        Submission::Accepted(_) | Submission::Refused(_) => tollgate_smtp::replies::local_error().into(),
    }
}

/// Consumes the receipts: each can stand behind one positive answer only.
fn accepted(receipts: Vec<(MessageId, Accepted)>) -> Reply {
    let ids: Vec<String> = receipts.into_iter().map(|(id, _receipt)| id.to_string()).collect();
    replies::accepted(&ids)
}

#[cfg(test)]
mod tests {
    use tollgate_spool::Discarded;

    use super::*;

    #[test]
    fn only_receipts_make_a_positive_reply() {
        let id = MessageId::from_bytes([7; 16]);
        let receipt = Accepted::Discarded(Discarded::by_policy("test"));
        let fine = Reply::new(250, None, "Fine").unwrap();

        let answers = [
            Submission::Accepted(vec![(id, receipt)]),
            Submission::Accepted(Vec::new()),
            Submission::Refused(fine),
            Submission::Refused(tollgate_smtp::replies::too_large()),
        ]
        .map(|submission| answer(submission).to_string());

        let expected = [
            "250 2.0.0 OK ids=07070707070707070707070707070707",
            "451 4.3.0 Local error, try again later",
            "451 4.3.0 Local error, try again later",
            "552 5.3.4 Message too large",
        ];
        assert_eq!(answers, expected);
    }
}
