//! What policy makes of a message that was put off, before it waits.
//!
//! In: the attempt, while the message is still in flight. Out: a [`Change`] to when and in which queue it waits, which the
//! engine carries out as it takes the message back, so that it is never in two queues, nor in none. Where policy fails, or
//! names a queue that cannot be had, the message waits as if nobody had been asked.

use std::sync::Arc;

use tollgate_message::{Address, Meta, QueueName, Timestamp, draft};
use tollgate_outbound::{RecipientOutcome, Verdict};
use tollgate_policy::{
    Event,
    event::requeue::{Changes, Queued},
};
use tollgate_queue::{Disposition, Lease, Outcome, Permit, Prospect, QueueConfig};

use super::{node::Node, outcome::Done, stored::StoredState};

/// How a message waits other than it would have; the default is just as it would have.
#[derive(Default)]
pub(super) struct Change {
    /// The queue that it goes into, with its settings.
    queue: Option<(QueueName, Arc<QueueConfig>)>,
    meta: Option<Meta>,
    not_before: Option<Timestamp>,
}

impl Change {
    /// Gives a message that was put off back to the engine.
    pub(super) fn conclude(&self, node: &Arc<Node>, permit: Permit) -> (Lease, Disposition) {
        let outcome = self.not_before.map_or(Outcome::Transient, |not_before| Outcome::Postponed { not_before });
        node.with_engine(|engine, now| {
            let queue = self.queue.as_ref().map(|(name, config)| {
                engine.queue(name).unwrap_or_else(|| engine.define_queue(now, name.clone(), (**config).clone()))
            });
            engine.outcome_in(now, permit, queue, outcome)
        })
    }

    /// Returns the state of the message with the change.
    pub(super) fn state(&self, before: &StoredState) -> StoredState {
        let queue = self.queue.as_ref().map_or(&before.queue, |(name, _)| name).clone();
        StoredState { queue, meta: self.meta.clone().or_else(|| before.meta.clone()), ..before.clone() }
    }
}

/// Asks policy how a message waits of which some recipients were put off.
pub(super) async fn ask(node: &Arc<Node>, done: &Done<'_>, permit: &Permit, replies: &[RecipientOutcome]) -> Change {
    let generation = node.generation();
    if !generation.chain.handles(Event::Requeue) {
        return Change::default();
    }
    let Some(prospect) = node.with_engine(|engine, now| engine.prospect(now, permit)) else { return Change::default() };
    let (changes, _) = generation.chain.requeue(queued(done, prospect, replies)).await;
    settled(node, done, &changes).await
}

fn queued(done: &Done<'_>, prospect: Prospect, replies: &[RecipientOutcome]) -> Queued {
    let about = done.about;
    let recipients = &about.meta.envelope.recipients;
    let put_off = done.state.pending.iter().zip(replies).filter(|(_, reply)| reply.verdict == Verdict::Transient);
    let put_off = put_off.filter_map(|(place, reply)| Some((recipients.get(*place as usize)?, &reply.reply)));
    Queued {
        id: about.id,
        sender: about.meta.envelope.sender.clone(),
        put_off: put_off.map(|(recipient, reply): (&Address, _)| (recipient.clone(), reply.clone())).collect(),
        queue: about.queue.clone(),
        attempts: prospect.attempts,
        size: about.meta.size,
        due: prospect.due,
        last_due: prospect.last_due,
        meta: about.meta.meta.clone(),
    }
}

/// Finds the queue that changed metadata names; where it cannot be had, the message stays in its own.
async fn settled(node: &Arc<Node>, done: &Done<'_>, changes: &Changes) -> Change {
    let not_before = changes.not_before();
    let Some(meta) = changes.changed_meta(&done.about.meta.meta) else {
        return Change { not_before, ..Change::default() };
    };
    let name = draft::queue_name(&done.about.meta.envelope, &meta);
    if name == *done.about.queue {
        return Change { queue: None, meta: Some(meta), not_before };
    }
    match node.queue_config(&name).await {
        Ok(config) => Change { queue: Some((name, config)), meta: Some(meta), not_before },
        Err(error) => {
            tracing::error!(id = %done.about.id, %error, "a message stays in its queue");
            Change { not_before, ..Change::default() }
        }
    }
}
