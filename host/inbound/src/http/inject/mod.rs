//! An injection: one message for many recipients, and a verdict for each of them.
//!
//! An [`Injection`] that exists is whole and clean, so what can still go wrong goes wrong for one recipient at a time.
//! Each recipient is a transaction of its own; many run at once, so that they share the spool's syncs.
//!
//! The invariant: an injection that has begun runs to its end, even when its client is gone.

mod request;
mod text;

use std::convert::Infallible;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tollgate_message::{Address, Envelope, Session};
use tollgate_smtp::{Reply, replies};

pub(super) use request::{Injection, parse};

use crate::caller::Caller;
use crate::content::{self, BodyStore};
use crate::submit::{self, BatchHandling, Protocol, Submit, Transaction};

/// Transactions of one injection at a time.
const AT_ONCE: usize = 32;

/// Who injects.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) session: Arc<Session>,
    pub(super) caller: Caller,
}

/// The answer to an injection; KumoMTA's fields.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Outcome {
    success_count: usize,
    fail_count: usize,
    failed_recipients: Vec<String>,
    errors: Vec<String>,
}

/// Starts injections, so that the server knows when the last one has ended.
#[derive(Clone)]
pub(super) struct Injections(mpsc::Sender<Infallible>);

/// Ends when no [`Injections`] is left and none runs.
pub(super) struct Ended(mpsc::Receiver<Infallible>);

impl Injections {
    pub(super) fn new() -> (Self, Ended) {
        let (running, ended) = mpsc::channel(1);
        (Self(running), Ended(ended))
    }

    /// Runs an injection in a task of its own. Nothing comes back if it panicked.
    pub(super) async fn run(&self, injection: impl Future<Output = Outcome> + Send + 'static) -> Option<Outcome> {
        let running = self.0.clone();
        let task = tokio::spawn(async move {
            let outcome = injection.await;
            drop(running);
            outcome
        });
        task.await.ok()
    }
}

impl Ended {
    pub(super) async fn wait(&mut self) {
        self.0.recv().await;
    }
}

/// Submits a transaction for each recipient and gathers the verdicts, in the order of the recipients.
pub(super) async fn run<S: Submit>(
    injection: Injection,
    client: Client,
    submit: Arc<S>,
    bodies: Arc<dyn BodyStore>,
) -> Outcome {
    let injection = Arc::new(injection);
    // What a task that panicked leaves behind: nobody knows that its message was stored.
    let mut verdicts: Vec<Reply> = vec![replies::local_error().into(); injection.recipients.len()];
    let mut tasks = JoinSet::new();
    for index in 0..verdicts.len() {
        if tasks.len() >= AT_ONCE {
            note(&mut verdicts, tasks.join_next().await);
        }
        let (injection, client) = (Arc::clone(&injection), client.clone());
        let (submit, bodies) = (Arc::clone(&submit), Arc::clone(&bodies));
        tasks.spawn(async move { (index, one(&injection, index, client, &*submit, &*bodies).await) });
    }
    while !tasks.is_empty() {
        note(&mut verdicts, tasks.join_next().await);
    }
    summarize(&injection.recipients, &verdicts)
}

type Verdict = Option<Result<(usize, Reply), tokio::task::JoinError>>;

fn note(verdicts: &mut [Reply], verdict: Verdict) {
    if let Some(Ok((index, reply))) = verdict {
        verdicts[index] = reply;
    }
}

async fn one<S: Submit>(
    injection: &Injection,
    index: usize,
    client: Client,
    submit: &S,
    bodies: &dyn BodyStore,
) -> Reply {
    let recipient = &injection.recipients[index];
    let content = match content::store(&injection.message, bodies).await {
        Ok(content) => content,
        Err(refusal) => return refusal,
    };
    let sender = injection.sender.clone();
    let smtputf8 = !recipient.as_str().is_ascii() || sender.as_ref().is_some_and(|sender| !sender.as_str().is_ascii());
    let recipients = vec![recipient.clone()];
    let envelope = Envelope { sender, recipients, smtputf8, eight_bit: injection.eight_bit };
    let Client { session, caller } = client;
    let batch_handling = BatchHandling::BifurcateAlways;
    let transaction = Transaction { session, caller, envelope, content, batch_handling, protocol: Protocol::Http };
    submit::answer(submit.submit(transaction).await)
}

fn summarize(recipients: &[Address], verdicts: &[Reply]) -> Outcome {
    let mut outcome = Outcome::default();
    for (recipient, reply) in recipients.iter().zip(verdicts) {
        if reply.is_positive() {
            outcome.success_count += 1;
        } else {
            outcome.fail_count += 1;
            outcome.failed_recipients.push(recipient.to_string());
            outcome.errors.push(format!("{recipient}: {reply}"));
        }
    }
    outcome
}
