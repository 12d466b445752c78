//! From a transaction to messages in queues: split, policy, spool, queue, reply.
//!
//! A transaction becomes one message for each recipient, or for each domain where the listener says so; of several
//! recipients the first gives a message its queue. A refusal of one message refuses all, since SMTP has one reply after
//! DATA; nothing has been stored by then. The reply comes after the spool has the messages on stable storage.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use tollgate_control::record::PolicyStep;
use tollgate_inbound::{BatchHandling, Submission, Submit, Transaction, Visit, http::Ends};
use tollgate_message::{Address, Draft, Envelope, MessageId, QueueName, Received, Timestamp, trace};
use tollgate_policy::{Event, Outcome, Step};
use tollgate_queue::{Entrance, QueueConfig};
use tollgate_smtp::{EnhancedCode, Reply, TempReply, replies};
use tollgate_spool::{Accepted, Batch, Body, CommitError, Discarded, Health, NewMessage as Spooled};

use super::{
    fresh::Item,
    identity::Claim,
    node::Node,
    queues::{self, Arrival, QueueError},
    report::About,
    session,
    stored::{StoredMeta, StoredState, encode},
    usage::Place,
};

/// The queue whose mail is thrown away.
const NULL: &str = "null";

/// A message that policy let pass.
struct Judged {
    id: MessageId,
    fate: Fate,
    meta: Arc<StoredMeta>,
    state: StoredState,
    /// Its place in the quota of its tenant, if that has one.
    place: Option<Place>,
}

/// What becomes of it.
enum Fate {
    /// It goes into its queue, which has these settings.
    Queue(Arc<QueueConfig>),
    /// It ends here, with a record that says why.
    Discard(String),
}

/// Where a message lands.
struct Landing {
    queue: QueueName,
    fate: Fate,
    /// Why it is held, if it is.
    held: Option<String>,
    place: Option<Place>,
}

/// What the doors hand transactions to.
pub(crate) struct Reception(pub(crate) Arc<Node>);

impl Submit for Reception {
    fn ready(&self) -> Result<(), TempReply> {
        if self.0.is_draining() {
            return Err(temporary(421, 3, 2, "shutting down"));
        }
        match self.0.spool.health() {
            Health::Healthy => Ok(()),
            Health::Full => Err(temporary(452, 3, 1, "insufficient storage, try again later")),
            Health::Poisoned => Err(temporary(451, 3, 0, "storage failed, try again later")),
        }
    }

    fn judges_sessions(&self) -> bool {
        self.0.generation().chain.handles(Event::SmtpSession)
    }

    async fn admit(&self, visit: Visit) -> Result<(), Reply> {
        session::admit(&self.0, visit).await
    }

    async fn identify(&self, ends: Ends, user: String, password: String) -> Result<Option<String>, Reply> {
        session::identify(&self.0, ends, user, password).await
    }

    async fn submit(&self, transaction: Transaction) -> Submission {
        match self.0.receive(transaction).await {
            Ok(accepted) => Submission::Accepted(accepted),
            Err(reply) => Submission::Refused(reply),
        }
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }
}

impl Node {
    async fn receive(self: &Arc<Self>, transaction: Transaction) -> Result<Vec<(MessageId, Accepted)>, Reply> {
        let mut judged = Vec::with_capacity(transaction.envelope.recipients.len());
        for envelope in split(&transaction.envelope, transaction.batch_handling) {
            judged.push(self.judge(&transaction, envelope).await?);
        }
        self.keep(transaction, judged).await
    }

    /// Puts one message through policy and finds its queue.
    async fn judge(self: &Arc<Self>, transaction: &Transaction, envelope: Envelope) -> Result<Judged, Reply> {
        let mut draft = Draft::new(received(self.clock.now(), transaction, envelope));
        let trace = trace::received(&draft.received, transaction.protocol.as_str());
        // A trace field is built of parts that were checked; without one mail loops could not be seen.
        draft.edits.header.prepend("Received", &trace).map_err(|_| Reply::from(replies::local_error()))?;
        let generation = self.generation();
        let claim = Claim::make(&generation.identities, &transaction.caller, &mut draft);
        let decision = generation.chain.message_received(&mut draft).await;
        let name = draft.queue_name();
        let (outcome, mut policy) = (claim.hold(decision.outcome, &draft, &name), steps(decision.trail));
        let (outcome, place) = self.judge_as_tenants(&generation, &mut draft, outcome, &mut policy).await;
        // The tenant may have given it another campaign.
        let name = draft.queue_name();
        match self.land(outcome, name, place, draft.received.size).await {
            Ok(landing) => Ok(judged(draft, transaction, landing, policy, generation.number)),
            Err(reply) => {
                self.record_rejection(&draft, transaction.protocol, &reply, &policy, generation.number);
                Err(reply)
            }
        }
    }

    /// Finds out where a message lands about which all have had their say. `queue`: where it would go.
    ///
    /// # Errors
    /// What the sender reads of a message that is not taken.
    async fn land(
        self: &Arc<Self>,
        outcome: Outcome,
        queue: QueueName,
        place: Option<Place>,
        size: u64,
    ) -> Result<Landing, Reply> {
        let discard = |queue, reason: &str| {
            let fate = Fate::Discard(reason.to_owned());
            Ok(Landing { queue, fate, held: None, place: None })
        };
        let (queue, held) = match outcome {
            Outcome::Refuse(refusal) => return Err(refusal.reply().clone()),
            Outcome::Discard => return discard(queue, "policy discarded the message"),
            Outcome::Accept if is_null(&queue) => return discard(queue, "the queue is null"),
            Outcome::Accept => (queue, None),
            Outcome::Hold(reason) => (queues::held(&queue), Some(reason)),
        };
        // Before policy is asked about a queue that may never come about.
        let place = self.store_for_tenant(place, &queue, size)?;
        let config = match held {
            Some(_) => Arc::default(),
            None => self.queue_config(&queue).await.map_err(|error| unusable(&error))?,
        };
        Ok(Landing { queue, fate: Fate::Queue(config), held, place })
    }

    /// Makes the messages durable and puts them into their queues.
    async fn keep(
        self: &Arc<Self>,
        transaction: Transaction,
        judged: Vec<Judged>,
    ) -> Result<Vec<(MessageId, Accepted)>, Reply> {
        let head = transaction.content.head.clone();
        let whole = transaction.content.file.is_none();
        let body = transaction.content.file.unwrap_or_else(|| Body::Inline(head.clone()));
        let mut accepted = self.commit(body, &judged).await?;
        for message in judged {
            let about = About { id: message.id, meta: &message.meta, queue: &message.state.queue };
            self.record_reception(&about);
            match message.fate {
                Fate::Discard(reason) => {
                    self.record_discard(&about, &reason);
                    accepted.push((message.id, Accepted::Discarded(Discarded::by_policy(reason))));
                }
                Fate::Queue(ref config) => {
                    let (config, due) = (Arc::clone(config), message.state.due);
                    if message.state.held.is_none() && due > self.clock.now() {
                        self.record_delay(&about, &message.state.pending, 0, due, "Received, ScheduledForLater");
                    }
                    self.schedule(&config, message, whole.then(|| head.clone()));
                }
            }
        }
        Ok(accepted)
    }

    /// Commits the messages that go into queues, all of them or none, and returns their receipts.
    async fn commit(&self, body: Body, judged: &[Judged]) -> Result<Vec<(MessageId, Accepted)>, Reply> {
        let queued = judged.iter().filter(|message| matches!(message.fate, Fate::Queue(_)));
        let messages: Vec<Spooled> = queued
            .map(|message| Spooled {
                id: message.id.to_bytes(),
                meta: encode(&*message.meta),
                state: encode(&message.state),
            })
            .collect();
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        let committed = self.spool.commit(Batch { body, messages }).await.map_err(|error| not_stored(&error))?;
        let receipts = committed.into_each();
        Ok(receipts.map(|(id, receipt)| (MessageId::from_bytes(id), Accepted::Committed(receipt))).collect())
    }

    fn schedule(self: &Arc<Self>, config: &QueueConfig, message: Judged, octets: Option<Bytes>) {
        let Judged { id, meta, state, place, .. } = message;
        // From here on it is counted until it leaves the spool.
        match place {
            Some(place) => place.keep(),
            None => self.usage.found(&state.queue, meta.size),
        }
        let (queue, held) = (state.queue.clone(), state.held.is_some());
        let (schedule, entrance) = (meta.schedule.clone(), Entrance::Fresh);
        let arrival = Arrival { id, due: state.due, attempts: 0, schedule, entrance };
        // Mail for later, or held, would only take the room of mail for now.
        if !held && state.due <= self.clock.now() {
            self.fresh.put(id, Item { meta, state, octets });
        }
        self.enqueue(&queue, arrival, config, held);
    }
}

fn received(now: Timestamp, transaction: &Transaction, envelope: Envelope) -> Received {
    Received {
        id: MessageId::new(now),
        at: now,
        envelope,
        session: Arc::clone(&transaction.session),
        content: transaction.content.head.clone(),
        size: transaction.content.size,
    }
}

/// Returns the envelope of each message that a transaction becomes, in the order of their first recipients.
fn split(envelope: &Envelope, handling: BatchHandling) -> Vec<Envelope> {
    let mut groups: Vec<Vec<Address>> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for recipient in &envelope.recipients {
        let place = match handling {
            BatchHandling::BifurcateAlways => groups.len(),
            BatchHandling::BatchByDomain => *places.entry(recipient.domain_key()).or_insert(groups.len()),
        };
        match groups.get_mut(place) {
            Some(group) => group.push(recipient.clone()),
            None => groups.push(vec![recipient.clone()]),
        }
    }
    let Envelope { sender, smtputf8, eight_bit, .. } = envelope;
    let of = |recipients| Envelope { sender: sender.clone(), recipients, smtputf8: *smtputf8, eight_bit: *eight_bit };
    groups.into_iter().map(of).collect()
}

fn judged(
    draft: Draft,
    transaction: &Transaction,
    landing: Landing,
    policy: Vec<PolicyStep>,
    generation: u64,
) -> Judged {
    let Landing { queue, fate, held, place } = landing;
    let Draft { received, edits } = draft;
    let received = Arc::unwrap_or_clone(received);
    let due = edits.schedule.as_ref().map_or(received.at, |schedule| schedule.adjust(received.at));
    let pending = (0..u32::try_from(received.envelope.recipients.len()).unwrap_or(u32::MAX)).collect();
    let meta = StoredMeta {
        envelope: received.envelope,
        header: edits.header.pieces(),
        body_at: edits.header.original_len() as u64,
        size: received.size,
        meta: edits.meta,
        schedule: edits.schedule,
        protocol: transaction.protocol.as_str().to_owned(),
        generation,
        policy,
    };
    let state = StoredState { queue, due, attempts: 0, pending, held, meta: None };
    Judged { id: received.id, fate, meta: Arc::new(meta), state, place }
}

/// Names are printed only where the domain leaves a doubt, which no domain of mail does.
fn is_null(name: &QueueName) -> bool {
    name.domain == NULL && name.to_string() == NULL
}

fn steps(trail: Vec<Step>) -> Vec<PolicyStep> {
    let step = |step: Step| PolicyStep { plugin: step.plugin, outcome: step.outcome.to_owned(), micros: step.micros };
    trail.into_iter().map(step).collect()
}

fn unusable(error: &QueueError) -> Reply {
    tracing::error!(%error, "mail is deferred");
    temporary(451, 3, 5, "queue configuration failed").into()
}

fn not_stored(error: &CommitError) -> Reply {
    tracing::error!(%error, "a message could not be stored");
    match error {
        CommitError::Full => temporary(452, 3, 1, "insufficient storage, try again later").into(),
        CommitError::TooLarge { .. } => replies::too_large(),
        _ => temporary(451, 3, 0, "storage failed, try again later").into(),
    }
}

/// Returns a temporary refusal with an enhanced code `4.subject.detail`.
pub(super) fn temporary(code: u16, subject: u16, detail: u16, text: &str) -> TempReply {
    TempReply::new(code, EnhancedCode::new(4, subject, detail), text)
        .expect("the codes of these replies are of class 4")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_is_split_by_recipient_or_by_domain_in_the_order_of_first_appearance() {
        let recipients =
            ["a@X.example", "b@y.example", "c@x.example.", "Postmaster", "d@BÜCHER.example", "b@Y.example"]
                .into_iter()
                .chain(["e@xn--bcher-kva.example"]);
        let recipients = recipients.map(Address::new).collect();
        let envelope = Envelope { sender: None, recipients, smtputf8: false, eight_bit: true };

        let split = [BatchHandling::BifurcateAlways, BatchHandling::BatchByDomain].map(|handling| {
            let line = |envelope: Envelope| {
                assert!(envelope.eight_bit);
                envelope.recipients.iter().map(Address::as_str).collect::<Vec<_>>().join(" ")
            };
            split(&envelope, handling).into_iter().map(line).collect::<Vec<_>>()
        });

        let each =
            "a@X.example b@y.example c@x.example. Postmaster d@BÜCHER.example b@Y.example e@xn--bcher-kva.example";
        let by_domain = [
            "a@X.example c@x.example.",
            "b@y.example b@Y.example",
            "Postmaster",
            "d@BÜCHER.example e@xn--bcher-kva.example",
        ];
        assert_eq!(
            split,
            [each.split(' ').map(str::to_owned).collect::<Vec<_>>(), by_domain.map(str::to_owned).to_vec()]
        );
    }
}
