//! A load source: many messages over kept connections, and how long the answers took; or one message.
//!
//! [`run`] makes messages of one size that differ in their numbers and recipients, sends each once, and never sends one
//! again: what was not acknowledged is told in the report, so that a test can look whether it was kept, lost or doubled.
//! [`one`] sends octets as they are. Next hops are not looked up and nothing is encrypted.

mod latency;
mod one;
mod text;
mod wire;
mod worker;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::task::JoinSet;

use latency::Latencies;
pub use one::one;
use text::Template;
pub use wire::SendError;
use worker::{Job, Tally};

/// What to send, and how.
#[derive(Debug, Clone)]
pub struct SendConfig {
    /// The server.
    pub to: SocketAddr,
    /// Connections at once, at least 1.
    pub connections: usize,
    /// Messages in all.
    pub messages: u64,
    /// Octets of the body of each, without its header.
    pub size: usize,
    /// The sender without brackets; empty for the null sender.
    pub from: String,
    /// The recipient without brackets, with the message's number from 0 for every `{n}`.
    pub recipient: String,
    /// Fields to add to the header, without line ends.
    pub headers: Vec<(String, String)>,
    /// Messages after which a connection is left for a new one; nothing for no limit.
    pub messages_per_connection: Option<u64>,
    /// The name to greet with.
    pub helo: String,
    /// Time for each answer, after which the connection is given up.
    pub patience: Duration,
}

/// One message of 1 KiB over one connection, to port 25 of this host.
impl Default for SendConfig {
    fn default() -> SendConfig {
        SendConfig {
            to: SocketAddr::from(([127, 0, 0, 1], 25)),
            connections: 1,
            messages: 1,
            size: 1024,
            from: "load@source.example".to_owned(),
            recipient: "u{n}@example.com".to_owned(),
            headers: Vec::new(),
            messages_per_connection: None,
            helo: "source.example".to_owned(),
            patience: Duration::from_secs(60),
        }
    }
}

/// What became of the messages.
#[derive(Debug, Clone, Serialize)]
pub struct SendReport {
    /// Messages that were acknowledged.
    pub sent: u64,
    /// Messages that the server refused, for now or for good.
    pub refused: u64,
    /// Messages without an answer: the connection broke, or could not be made.
    pub failed: u64,
    /// From the first connection to the last answer.
    pub elapsed: Duration,
    /// Half of the acknowledged messages were answered within this time from their final dot; exact to 7 %.
    pub p50: Duration,
    /// 99 of 100 were.
    pub p99: Duration,
    /// All were.
    pub max: Duration,
    /// How often each code decided on a message.
    pub codes: BTreeMap<u16, u64>,
    /// Numbers of the messages that were refused or failed, in order. A failed one may have arrived all the same.
    pub not_acknowledged: Vec<u64>,
    /// What stands in front of the number in each `X-Load-Id`, in hexadecimal.
    pub run: String,
    /// The last thing that went wrong with a connection, if anything did.
    pub last_error: Option<String>,
}

impl SendReport {
    /// Returns the acknowledged messages a second.
    pub fn rate(&self) -> f64 {
        self.sent as f64 / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }
}

/// Sends the messages and returns what became of them.
///
/// A connection that breaks is replaced; after 20 in a row that came to nothing, with a tenth of a second between them,
/// the messages that were left to it fail.
///
/// # Errors
/// If a header field or an address of the configuration cannot be sent as it is.
///
/// # Cancel safety
/// Connections are closed where they are; how far it went is not known.
pub async fn run(config: SendConfig) -> Result<SendReport, SendError> {
    let started = Instant::now();
    let template = Template::new(&config)?;
    let job = Arc::new(Job { template, next: AtomicU64::new(0), config });
    let mut workers = JoinSet::new();
    for _ in 0..job.config.connections.max(1) {
        workers.spawn(worker::work(Arc::clone(&job)));
    }
    let mut total = Tally::default();
    while let Some(tally) = workers.join_next().await {
        total.add(tally.unwrap_or_default());
    }
    Ok(report(&job, total, started.elapsed()))
}

fn report(job: &Job, mut total: Tally, elapsed: Duration) -> SendReport {
    total.not_acknowledged.sort_unstable();
    let latencies: &Latencies = &total.latencies;
    SendReport {
        sent: total.sent,
        refused: total.refused,
        failed: job.config.messages - total.sent - total.refused,
        elapsed,
        p50: latencies.quantile(0.50),
        p99: latencies.quantile(0.99),
        max: latencies.max(),
        codes: total.codes,
        not_acknowledged: total.not_acknowledged,
        run: job.template.run(),
        last_error: total.last_error,
    }
}
