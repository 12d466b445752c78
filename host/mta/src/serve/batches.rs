//! One message to many recipients: in as many transactions as it takes, one after the other over the same connection, or into
//! one mailbox after the other.
//!
//! In: a message with the recipients that are not done. Out: a reply for each of them, or that the message goes on
//! later. Between two transactions the recipients that are done get their records and leave the stored state, so that
//! neither a crash nor a connection that ends asks for them again.
//!
//! The invariant: a recipient leaves `pending` only behind its final record.

use std::time::Duration;

use tollgate_control::Kind;
use tollgate_message::MessageId;
use tollgate_outbound::{Delivery, RecipientOutcome, SaidBy, Verdict};
use tollgate_smtp::{EnhancedCode, Reply};

use super::{
    connection::{self, Exit},
    fresh::Item,
    local,
    node::Node,
    report::{About, Attempt},
    stored::encode,
};

/// How long a message waits that cannot be read: a disk that fails now may do better later.
pub(super) const UNREADABLE: Duration = Duration::from_secs(300);

/// How an attempt ended.
pub(super) enum End {
    /// Everybody in the state's `pending` has a reply, in that order. `reusable`: the connection can take another message.
    Told { replies: Vec<RecipientOutcome>, reusable: bool },
    /// Nobody was put off; whoever is in `pending` was not asked. The message goes on after a while, and this counts no
    /// attempt.
    Later { after: Duration, reusable: bool },
}

/// An attempt under way.
struct Sending<'a> {
    node: &'a Node,
    id: MessageId,
    item: &'a mut Item,
    attempt: &'a Attempt,
    /// Most recipients in a transaction.
    most: usize,
    /// Those who were put off, who are the first in `pending`; the others in it were not asked yet.
    put_off: Vec<RecipientOutcome>,
}

/// Sends a message to everybody who is not done, at most `most` of them in one transaction.
///
/// # Cancel safety
/// None, as [`tollgate_outbound::Connection::deliver`]; what was done in earlier transactions is kept.
pub(super) async fn send(
    node: &Node,
    exit: &mut Exit,
    id: MessageId,
    item: &mut Item,
    attempt: &Attempt,
    most: usize,
) -> End {
    let mut sending = Sending { node, id, item, attempt, most, put_off: Vec::new() };
    loop {
        let (places, last) = sending.next_batch();
        let mut message = match connection::outgoing(node, id, sending.item, &places) {
            Ok(message) => message,
            Err(reason) => {
                tracing::error!(%id, reason, "a message cannot be read from the spool and waits");
                return sending.interrupted("the message cannot be read from the spool", UNREADABLE, true);
            }
        };
        let delivered = match exit {
            Exit::Hop(connection) => connection.deliver(&mut message).await,
            Exit::Mailboxes(maildir) => Ok(local::deliver(node, maildir, id, sending.item, &places, message).await),
        };
        match delivered {
            Ok(delivery) if last => return sending.told(delivery),
            Ok(Delivery { recipients, reusable }) => {
                sending.note(recipients);
                if !reusable || node.is_stopped() {
                    return sending.interrupted("the connection ended before this recipient", Duration::ZERO, false);
                }
            }
            Err(stale) => {
                tracing::debug!(%id, %stale, "the message goes over another connection");
                return sending.interrupted("the connection ended before this recipient", Duration::ZERO, false);
            }
        }
    }
}

impl Sending<'_> {
    /// Returns the places of the recipients of the next transaction, and whether it is the last.
    fn next_batch(&self) -> (Vec<u32>, bool) {
        let rest = self.item.state.pending.get(self.put_off.len()..).unwrap_or_default();
        (rest[..rest.len().min(self.most)].to_vec(), rest.len() <= self.most)
    }

    fn told(mut self, delivery: Delivery) -> End {
        self.put_off.extend(delivery.recipients);
        End::Told { replies: self.put_off, reusable: delivery.reusable }
    }

    /// Records who of a transaction is done, and remembers who is not.
    fn note(&mut self, replies: Vec<RecipientOutcome>) {
        let about = About { id: self.id, meta: &self.item.meta, queue: &self.item.state.queue };
        let asked = self.put_off.len()..self.put_off.len() + replies.len();
        let mut kept = Vec::new();
        for (place, reply) in self.item.state.pending[asked.clone()].iter().zip(replies) {
            match last_record(reply.verdict) {
                Some(kind) => {
                    self.node.record_attempt(kind, &about, &reply.recipient, reply.reply, self.attempt, None);
                }
                None => {
                    kept.push(*place);
                    self.put_off.push(reply);
                }
            }
        }
        if kept.len() == asked.len() {
            return;
        }
        self.item.state.pending.splice(asked, kept);
        if let Err(reason) = self.node.spool.update(self.id.to_bytes(), encode(&self.item.state)) {
            tracing::error!(id = %self.id, %reason, "a message's state could not be stored");
        }
    }

    /// Ends an attempt before everybody was asked. Where somebody was put off it counts, and those who were not asked wait
    /// with him: a message has one due time.
    fn interrupted(mut self, text: &str, after: Duration, reusable: bool) -> End {
        if self.put_off.is_empty() {
            return End::Later { after, reusable };
        }
        let reply = Reply::new(451, EnhancedCode::new(4, 4, 2), text).expect("451 and 4.4.2 are of one class");
        let recipients = &self.item.meta.envelope.recipients;
        let rest = self.item.state.pending[self.put_off.len()..].iter();
        let unasked = rest.filter_map(|place| recipients.get(*place as usize)).map(|recipient| RecipientOutcome {
            recipient: recipient.to_string(),
            reply: reply.clone(),
            verdict: Verdict::Transient,
            by: SaidBy::Us,
        });
        self.put_off.extend(unasked);
        End::Told { replies: self.put_off, reusable }
    }
}

/// Returns the record that ends a recipient, if this verdict does.
fn last_record(verdict: Verdict) -> Option<Kind> {
    match verdict {
        Verdict::Delivered => Some(Kind::Delivery),
        Verdict::Permanent => Some(Kind::Bounce),
        Verdict::Transient => None,
    }
}
