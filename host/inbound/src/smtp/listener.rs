//! A listener: one address, its rules, and a task for each connection.
//!
//! Connections come in; sessions run until they end by themselves or the program does. A connection over the limit is
//! told so and closed, so that a flood costs a few octets each and never a task. When the program ends, the socket is
//! closed first, and [`Listener::serve`] returns once the last session is over.
//!
//! Rules: RFC 5321 §3.1 and §3.8 (421), §4.5.3.2 (time-outs).

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tollgate_smtp::replies;
use tollgate_smtp::server::SessionConfig;

use super::session::{self, Client, Rules};
use crate::content::BodyStore;
use crate::shutdown::Signal;
use crate::socket::{self, BindError};
use crate::submit::{BatchHandling, Submit};

/// What a listener is and allows.
#[derive(Debug, Clone)]
pub struct ListenerConfig {
    /// Its name in the configuration and in logs.
    pub name: String,
    /// Where it listens; port 0 takes any.
    pub listen: SocketAddr,
    /// Our name in the greeting.
    pub hostname: String,
    /// Who may relay.
    pub relay_hosts: Vec<IpNet>,
    /// Most octets in a message, at least 1.
    pub max_message_size: u64,
    /// Most recipients in a transaction.
    pub max_recipients: usize,
    /// Most connections at a time.
    pub max_connections: usize,
    /// How long a client may take for a command, for the next piece of a message, or to read our replies.
    pub idle_timeout: Duration,
    /// How long a client may take for a whole message.
    pub data_timeout: Duration,
    /// How many messages a transaction with several recipients becomes.
    pub batch_handling: BatchHandling,
}

impl ListenerConfig {
    /// Returns a listener that lets nobody relay: 50 MiB a message, 1,000 recipients, 4,096 connections, five minutes
    /// for a command, an hour for a message, a message for each recipient.
    #[must_use]
    pub fn new(name: impl Into<String>, listen: SocketAddr, hostname: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            listen,
            hostname: hostname.into(),
            relay_hosts: Vec::new(),
            max_message_size: 50 << 20,
            max_recipients: 1000,
            max_connections: 4096,
            idle_timeout: Duration::from_secs(300),
            data_timeout: Duration::from_secs(3600),
            batch_handling: BatchHandling::default(),
        }
    }
}

/// A listener that is bound and not served yet.
#[derive(Debug)]
pub struct Listener {
    config: Arc<ArcSwap<ListenerConfig>>,
    socket: TcpListener,
    local: SocketAddr,
}

impl Listener {
    /// Binds the address. Must be called inside a runtime.
    ///
    /// # Errors
    /// [`BindError`] where the address is in use, not ours, or not allowed.
    pub fn bind(config: ListenerConfig) -> Result<Self, BindError> {
        let socket = socket::bind(&format!("smtp listener {}", config.name), config.listen)?;
        let local = socket.local_addr().unwrap_or(config.listen);
        Ok(Self { config: Arc::new(ArcSwap::from_pointee(config)), socket, local })
    }

    /// Returns the address bound, with the port that was found for port 0.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Returns what changes the rules of the listener while it serves.
    #[must_use]
    pub fn handle(&self) -> ListenerHandle {
        ListenerHandle(Arc::clone(&self.config))
    }

    /// Serves connections until the signal, then lets the sessions finish: those without a transaction are ended at
    /// once, those with one may complete it. How long that may take is the caller's to limit.
    ///
    /// # Cancel safety
    /// Dropped, it aborts all sessions, and with them messages that are being submitted.
    pub async fn serve<S: Submit>(self, submit: Arc<S>, bodies: Arc<dyn BodyStore>, mut shutdown: Signal) {
        let most = self.config.load().max_connections;
        let room = Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        let mut sessions = JoinSet::new();
        loop {
            let (stream, ends) = tokio::select! {
                accepted = socket::accept(&self.socket) => accepted,
                Some(_) = sessions.join_next(), if !sessions.is_empty() => continue,
                () = shutdown.wait() => break,
            };
            let Ok(permit) = Arc::clone(&room).try_acquire_owned() else {
                turn_away(stream);
                continue;
            };
            let config = self.config.load();
            let client = Client { ends, may_relay: socket::is_in(&config.relay_hosts, ends.peer.ip()) };
            let rules = rules(&config, Arc::clone(&submit), Arc::clone(&bodies));
            let shutdown = shutdown.clone();
            sessions.spawn(async move {
                session::run(stream, client, &rules, shutdown).await;
                drop(permit);
            });
        }
        drop(self.socket);
        while sessions.join_next().await.is_some() {}
    }
}

/// Changes the rules of a listener that serves.
#[derive(Debug, Clone)]
pub struct ListenerHandle(Arc<ArcSwap<ListenerConfig>>);

impl ListenerHandle {
    /// Returns the rules in force.
    #[must_use]
    pub fn config(&self) -> Arc<ListenerConfig> {
        self.0.load_full()
    }

    /// Puts rules in force for the sessions to come. Where the listener listens, and how many connections it takes, stays.
    pub fn replace(&self, config: ListenerConfig) {
        self.0.store(Arc::new(config));
    }
}

fn rules<S: Submit>(config: &ListenerConfig, submit: Arc<S>, bodies: Arc<dyn BodyStore>) -> Rules<S> {
    let protocol = SessionConfig {
        hostname: config.hostname.clone(),
        max_message_size: config.max_message_size.max(1),
        max_recipients: config.max_recipients,
    };
    Rules {
        listener: config.name.as_str().into(),
        protocol: Arc::new(protocol),
        idle_timeout: config.idle_timeout,
        data_timeout: config.data_timeout,
        batch_handling: config.batch_handling,
        submit,
        bodies,
    }
}

/// Says 421 without waiting: the buffer of a new connection is empty, so a few octets always fit.
fn turn_away(stream: TcpStream) {
    let refusal = replies::unavailable().as_ref().to_wire();
    if let Ok(mut stream) = stream.into_std() {
        let _ = stream.write(&refusal);
    }
}
