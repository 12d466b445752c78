//! What becomes of a message after an attempt: the engine decides, the spool remembers, a record says so.

use std::sync::{Arc, Weak, mpsc::Receiver};

use tokio::sync::oneshot;
use tollgate_control::Kind;
use tollgate_outbound::{RecipientOutcome, Verdict};
use tollgate_queue::{Cause, Disposition, Lease, NoRoute, Outcome, Permit, Settled};
use tollgate_smtp::{EnhancedCode, Reply};

use super::{
    fresh::Item,
    node::Node,
    report::{About, Attempt},
    requeue::{self, Change},
    stored::{self, StoredMeta, StoredState, encode},
};

/// An attempt that is over.
pub(crate) struct Done<'a> {
    pub(crate) about: About<'a>,
    pub(crate) state: &'a StoredState,
    pub(crate) attempt: &'a Attempt,
}

/// Takes the replies of an attempt to the engine, the spool and the log. `replies` are those of the pending recipients, in
/// their order. Where somebody was put off, policy may have a say in how the message waits; until then it is in flight, so
/// whoever asks holds up this connection and nothing else.
///
/// # Cancel safety
/// When dropped, the permit is lost, and the engine counts a failed attempt as for any connection whose task died.
pub(crate) async fn report(node: &Arc<Node>, done: &Done<'_>, permit: Permit, replies: &[RecipientOutcome]) -> Lease {
    let waits = |reply: &RecipientOutcome| reply.verdict == Verdict::Transient;
    let (change, (lease, disposition)) = if replies.iter().any(waits) {
        let change = requeue::ask(node, done, &permit, replies).await;
        let concluded = change.conclude(node, permit);
        (change, concluded)
    } else {
        (Change::default(), node.with_engine(|engine, now| engine.outcome(now, permit, Outcome::Done)))
    };
    let due = match &disposition {
        Disposition::Retry { due, .. } => Some(*due),
        _ => None,
    };
    for reply in replies {
        let kind = match reply.verdict {
            Verdict::Delivered => Kind::Delivery,
            Verdict::Permanent => Kind::Bounce,
            Verdict::Transient => Kind::TransientFailure,
        };
        record(node, done, kind, &reply.recipient, reply.reply.clone(), due.filter(|_| waits(reply)));
    }
    let places = done.state.pending.iter().zip(replies).filter(|(_, reply)| waits(reply));
    let state = StoredState { pending: places.map(|(place, _)| *place).collect(), ..change.state(done.state) };
    keep(node, done, state, &disposition);
    lease
}

/// What waits for [`keep_settling`].
pub(crate) enum Settlement {
    /// A decision of the engine's.
    Decided(Settled),
    /// Someone who wants to know when everything before is done.
    Barrier(oneshot::Sender<()>),
}

/// Takes what the engine decided by itself to the spool and the log, in the order of the decisions, on a thread of its own:
/// messages are read back from the disk for it.
pub(crate) fn keep_settling(node: &Weak<Node>, waiting: &Receiver<Settlement>) {
    while let Ok(settlement) = waiting.recv() {
        match (settlement, node.upgrade()) {
            (Settlement::Decided(settled), Some(node)) => match load(&node, &settled) {
                Ok((meta, state)) => settle(&node, &settled, &meta, &state),
                Err(reason) => tracing::error!(id = %settled.id, reason, "a message cannot be read from the spool"),
            },
            (Settlement::Barrier(done), _) => drop(done.send(())),
            (_, None) => return,
        }
    }
}

fn settle(node: &Arc<Node>, settled: &Settled, meta: &StoredMeta, state: &StoredState) {
    let about = About { id: settled.id, meta, queue: &state.queue };
    if let (Cause::WindowClosed, Disposition::Retry { due, attempts }) = (&settled.cause, &settled.disposition) {
        node.record_delay(&about, &state.pending, *attempts, *due, "DueTimeWasReached, ScheduledForLater");
    }
    let (pool, provider) = (Some(node.queues.pool(&state.queue)), node.provider(&state.queue));
    let attempt = Attempt { number: state.attempts + 1, pool, provider, ..Attempt::default() };
    let done = Done { about, state, attempt: &attempt };
    let (kind, reply) = cause(&settled.cause);
    let due = match &settled.disposition {
        Disposition::Retry { due, .. } => Some(*due),
        _ => None,
    };
    // A message that ran out of time unasked was not attempted: its expiry is all there is to say.
    if let Some(kind) = kind {
        for recipient in pending(meta, state) {
            record(node, &done, kind, recipient, reply.clone(), due);
        }
    }
    keep(node, &done, state.clone(), &settled.disposition);
}

fn load(node: &Node, settled: &Settled) -> Result<(Arc<StoredMeta>, StoredState), String> {
    if let Some(Item { meta, state, .. }) = node.fresh.take(settled.id) {
        return Ok((meta, state));
    }
    let kept = node.spool.read_message(settled.id.to_bytes()).map_err(|error| error.to_string())?;
    let (meta, state) = stored::decode(&kept.meta, &kept.state).map_err(|error| error.to_string())?;
    Ok((Arc::new(meta), state))
}

/// Remembers how a message waits from now on, as `state` has it but for time and attempts; or that it is gone.
fn keep(node: &Arc<Node>, done: &Done<'_>, state: StoredState, disposition: &Disposition) {
    let id = done.about.id.to_bytes();
    match disposition {
        Disposition::Done => remove(node, done),
        Disposition::Retry { due, attempts } => {
            let state = StoredState { due: *due, attempts: *attempts, ..state };
            node.usage.moved(done.about.queue, &state.queue, done.about.meta.size);
            if let Err(reason) = node.spool.update(id, encode(&state)) {
                tracing::error!(id = %done.about.id, %reason, "a message's state could not be stored");
            }
        }
        Disposition::Expired(expiry) => {
            let reply = reply(551, (5, 4, 7), &expiry.to_string());
            for recipient in pending(done.about.meta, &state) {
                record(node, done, Kind::Expiration, recipient, reply.clone(), None);
            }
            remove(node, done);
        }
        // The engine had given the message to someone else by then, who reports it.
        Disposition::Void => {}
    }
}

/// Forgets a message of which nothing is left.
fn remove(node: &Node, done: &Done<'_>) {
    node.spool.remove(done.about.id.to_bytes());
    node.usage.gone(done.about.queue, done.about.meta.size);
}

fn record(
    node: &Node,
    done: &Done<'_>,
    kind: Kind,
    recipient: &str,
    reply: Reply,
    due: Option<tollgate_message::Timestamp>,
) {
    node.record_attempt(kind, &done.about, recipient, reply, done.attempt, due);
}

fn pending<'a>(meta: &'a StoredMeta, state: &'a StoredState) -> impl Iterator<Item = &'a str> {
    let places = state.pending.iter();
    places.filter_map(|place| meta.envelope.recipients.get(*place as usize)).map(tollgate_message::Address::as_str)
}

/// Returns the record and the words for a decision of the engine's.
fn cause(cause: &Cause) -> (Option<Kind>, Reply) {
    match cause {
        Cause::NoSource { pool } => {
            let text = format!("no sources available for pool '{pool}'");
            (Some(Kind::TransientFailure), reply(451, (4, 4, 4), &text))
        }
        Cause::Unresolved(text) => (Some(Kind::TransientFailure), reply(451, (4, 4, 3), text)),
        Cause::Unreachable(text) => (Some(Kind::TransientFailure), reply(451, (4, 4, 1), text)),
        Cause::Abandoned(text) => (Some(Kind::TransientFailure), reply(451, (4, 3, 0), text)),
        Cause::WindowClosed => (None, reply(451, (4, 4, 0), "the message waits for a window of its schedule")),
        Cause::TimeOver => (None, reply(551, (5, 4, 7), "the message expired before it could be sent")),
        Cause::Unroutable(why, text) => {
            let (code, enhanced) = match why {
                NoRoute::NoDomain => (550, (5, 1, 2)),
                NoRoute::NullMx => (556, (5, 1, 10)),
                NoRoute::NoHost => (550, (5, 4, 4)),
            };
            (Some(Kind::Bounce), reply(code, enhanced, text))
        }
        Cause::Discarded => (Some(Kind::Discard), reply(250, (2, 0, 0), "the queue discards what it is given")),
    }
}

fn reply(code: u16, (class, subject, detail): (u8, u16, u16), text: &str) -> Reply {
    Reply::new(code, EnhancedCode::new(class, subject, detail), text).expect("code and class agree in these replies")
}
