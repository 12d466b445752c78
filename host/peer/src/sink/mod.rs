//! A sink: an SMTP server that keeps nothing, and answers as its rules say.
//!
//! Connections come in; replies, counts and, if wanted, the messages go out. Without rules every message is accepted.
//! What a sink accepts is reported before the client hears of it, so a test that saw 250 finds the message. With load the
//! messages are only counted: those of [`send`](crate::send) carry a number, by which those that came twice are known.

mod seen;
mod session;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tollgate_smtp::server::SessionConfig;

use crate::rule::{Rule, Script};
use seen::Seen;

/// How a sink behaves.
#[derive(Debug, Clone)]
pub struct SinkConfig {
    /// Where to listen; port 0 for any.
    pub listen: SocketAddr,
    /// Name in the greeting.
    pub hostname: String,
    /// What is done other than accept, in order.
    pub rules: Vec<Rule>,
    /// Most octets in a message.
    pub max_message_size: u64,
    /// Most recipients in a transaction.
    pub max_recipients: usize,
    /// Where to report messages; nothing to only count them. While nobody takes from a full channel the sink stands still.
    pub arrivals: Option<mpsc::Sender<Arrived>>,
}

/// Listens on any port of 127.0.0.1, accepts messages of up to 100 MiB to 10,000 recipients, and only counts.
impl Default for SinkConfig {
    fn default() -> SinkConfig {
        SinkConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            hostname: "sink.example".to_owned(),
            rules: Vec::new(),
            max_message_size: 100 << 20,
            max_recipients: 10_000,
            arrivals: None,
        }
    }
}

/// A message that a sink has accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// When.
    pub at: Timestamp,
    /// The sender without brackets, empty for the null sender.
    pub from: String,
    /// The recipients without brackets, those that were accepted.
    pub to: Vec<String>,
    /// The name the client gave itself.
    pub helo: String,
    /// Where the client is.
    pub peer: SocketAddr,
    /// The message, dot-stuffing removed.
    pub data: Bytes,
}

/// What a sink has seen so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Connections accepted.
    pub connections: u64,
    /// Messages accepted.
    pub messages: u64,
    /// Recipients of those messages.
    pub recipients: u64,
    /// Octets of those messages.
    pub octets: u64,
    /// Replies by rules.
    pub refusals: u64,
    /// Messages of a load source whose number had come before.
    pub duplicates: u64,
}

/// The counts while they grow, and what all sessions share.
#[derive(Debug)]
struct Shared {
    session: Arc<SessionConfig>,
    script: Script,
    arrivals: Option<mpsc::Sender<Arrived>>,
    seen: Seen,
    connections: AtomicU64,
    messages: AtomicU64,
    recipients: AtomicU64,
    octets: AtomicU64,
    refusals: AtomicU64,
}

/// Connections that may wait to be accepted. The library's default of 128 is less than a load source opens at once; a
/// kernel that has no room left drops the last packet of a handshake, and the client waits for a greeting in vain.
const BACKLOG: u32 = 4096;

/// A sink that listens.
#[derive(Debug)]
pub struct Sink {
    listener: TcpListener,
    local: SocketAddr,
    shared: Arc<Shared>,
}

/// Reads the counts of a sink, also while it runs.
#[derive(Debug, Clone)]
pub struct Counter(Arc<Shared>);

impl Counter {
    /// Returns the counts of this moment.
    pub fn counts(&self) -> Counts {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            connections: of(&self.0.connections),
            messages: of(&self.0.messages),
            recipients: of(&self.0.recipients),
            octets: of(&self.0.octets),
            refusals: of(&self.0.refusals),
            duplicates: self.0.seen.duplicates(),
        }
    }
}

impl Sink {
    /// Listens; connections wait until the sink runs. Only within a tokio runtime.
    ///
    /// # Errors
    /// If the address cannot be bound.
    pub fn bind(config: SinkConfig) -> io::Result<Sink> {
        let listener = listen(config.listen)?;
        let session = SessionConfig {
            hostname: config.hostname,
            max_message_size: config.max_message_size,
            max_recipients: config.max_recipients,
        };
        let shared = Shared {
            session: Arc::new(session),
            script: Script::new(config.rules),
            arrivals: config.arrivals,
            seen: Seen::default(),
            connections: AtomicU64::new(0),
            messages: AtomicU64::new(0),
            recipients: AtomicU64::new(0),
            octets: AtomicU64::new(0),
            refusals: AtomicU64::new(0),
        };
        Ok(Sink { local: listener.local_addr()?, listener, shared: Arc::new(shared) })
    }

    /// Returns where the sink listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Returns a reader of the counts.
    pub fn counter(&self) -> Counter {
        Counter(Arc::clone(&self.shared))
    }

    /// Serves until `shutdown` is ready, then closes all connections and returns the counts.
    ///
    /// # Cancel safety
    /// All connections are closed, as at shutdown.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Counts {
        let counter = self.counter();
        tokio::select! {
            () = shutdown => {}
            () = self.serve() => {}
        }
        counter.counts()
    }

    async fn serve(self) {
        let mut sessions = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => { sessions.spawn(Self::session(Arc::clone(&self.shared), stream, peer)); }
                    // Out of descriptors, most likely: those in use come back with time.
                    Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
                },
                Some(_) = sessions.join_next() => {}
            }
        }
    }

    async fn session(shared: Arc<Shared>, stream: TcpStream, peer: SocketAddr) {
        shared.connections.fetch_add(1, Ordering::Relaxed);
        // A client that breaks off is for the client to report.
        let _ = session::run(&shared, stream, peer).await;
    }
}

fn listen(on: SocketAddr) -> io::Result<TcpListener> {
    let socket = if on.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A sink that is started again finds its port free, whatever is left of the connections before.
    socket.set_reuseaddr(true)?;
    socket.bind(on)?;
    socket.listen(BACKLOG)
}
