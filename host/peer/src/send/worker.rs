//! One connection of a run at a time: numbers taken from the run's counter, a tally given back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::SendConfig;
use super::latency::Latencies;
use super::text::Template;
use super::wire::{Sent, Wire};

/// Connections that come to nothing, in a row, after which a worker gives up.
const MAX_FAILURES: u32 = 20;

/// Time between two of them.
const PAUSE: Duration = Duration::from_millis(100);

/// What all workers of a run share.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) config: SendConfig,
    pub(super) template: Template,
    pub(super) next: AtomicU64,
}

/// What became of a worker's messages.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) sent: u64,
    pub(super) refused: u64,
    pub(super) codes: BTreeMap<u16, u64>,
    pub(super) latencies: Latencies,
    pub(super) not_acknowledged: Vec<u64>,
    pub(super) last_error: Option<String>,
}

impl Tally {
    pub(super) fn add(&mut self, other: Tally) {
        self.sent += other.sent;
        self.refused += other.refused;
        for (code, count) in other.codes {
            *self.codes.entry(code).or_default() += count;
        }
        self.latencies.add(&other.latencies);
        self.not_acknowledged.extend(other.not_acknowledged);
        self.last_error = other.last_error.or(self.last_error.take());
    }

    fn note(&mut self, number: u64, sent: &Sent) {
        let Some(outcome) = sent.recipients.first() else { return self.not_acknowledged.push(number) };
        *self.codes.entry(outcome.reply.code()).or_default() += 1;
        if outcome.reply.is_positive() {
            self.sent += 1;
            self.latencies.note(sent.latency.unwrap_or_default());
        } else {
            self.refused += 1;
            self.not_acknowledged.push(number);
        }
    }
}

impl Job {
    /// Returns the number of the next message, while there are any.
    fn take_number(&self) -> Option<u64> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        (number < self.config.messages).then_some(number)
    }
}

/// Sends messages until there are none left, or no connection can be had.
pub(super) async fn work(job: Arc<Job>) -> Tally {
    let mut tally = Tally::default();
    let mut failures = 0;
    let mut pending = job.take_number();
    while pending.is_some() && failures < MAX_FAILURES {
        match Wire::open(job.config.to, &job.config.helo, job.config.patience).await {
            Ok(wire) => {
                let before = tally.sent + tally.refused;
                use_up(&job, wire, &mut pending, &mut tally).await;
                failures = if tally.sent + tally.refused > before { 0 } else { failures + 1 };
            }
            Err(error) => {
                tally.last_error = Some(error.to_string());
                failures += 1;
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    while let Some(number) = pending {
        tally.not_acknowledged.push(number);
        pending = job.take_number();
    }
    tally
}

/// Sends over one connection as long as it lasts; `pending` is the message to go next.
async fn use_up(job: &Job, mut wire: Wire, pending: &mut Option<u64>, tally: &mut Tally) {
    let mut data = Vec::new();
    let mut left = job.config.messages_per_connection.unwrap_or(u64::MAX).max(1);
    while let (Some(number), 1..) = (*pending, left) {
        let envelope = job.template.fill(number, &mut data);
        let sent = wire.send(&envelope, &data).await;
        *pending = job.take_number();
        left -= 1;
        match sent {
            Ok(sent) => {
                tally.note(number, &sent);
                if !sent.reusable {
                    return;
                }
            }
            Err(error) => {
                tally.not_acknowledged.push(number);
                tally.last_error = Some(error.to_string());
                return;
            }
        }
    }
    wire.quit().await;
}
