//! The HTTP server: a socket, its limits, and a task for each connection.
//!
//! Written on hyper, since axum's own server sets no time-out on request heads and lets anybody hold a connection for
//! ever. HTTP/1.1 only, without compression, so what is read is what was sent. When the program ends, the socket is closed
//! first, requests being answered are finished, and [`HttpServer::serve`] returns when no injection runs any more, those
//! whose client has gone included.
//!
//! Rules: RFC 9112 §9 (connections).

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::api::{self, Api, Services};
use super::inject::Injections;
use super::{BadPasswordHash, Gate, Passwords, TokenHash, Tokens};
use crate::shutdown::Signal;
use crate::socket::{self, BindError, Ends};
use crate::submit::Submit;

/// How long a client may take for the head of a request, or between two.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Most octets in the head of a request.
const MAX_HEAD: usize = 64 << 10;

/// Most fields in the head of a request.
const MAX_FIELDS: usize = 100;

/// Most connections at a time; those over it wait to be accepted.
const MAX_CONNECTIONS: usize = 1024;

/// What the server is and allows.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// Where it listens; port 0 takes any.
    pub listen: SocketAddr,
    /// Our name: in `Host` of requests, and in the `Received` field of messages.
    pub hostname: String,
    /// Who needs no credentials.
    pub trusted_hosts: Vec<IpNet>,
    /// Users and their argon2id PHC strings.
    pub users: BTreeMap<String, String>,
    /// Tokens, by the names they stand for.
    pub tokens: BTreeMap<String, TokenHash>,
    /// Most octets in the body of a request.
    pub max_body: usize,
    /// Most recipients in one injection.
    pub max_recipients: usize,
    /// How long a client may take for the body of a request.
    pub body_timeout: Duration,
}

impl HttpConfig {
    /// Returns a server that trusts loopback only: 64 MiB a request, 10,000 recipients, two minutes.
    #[must_use]
    pub fn new(listen: SocketAddr, hostname: impl Into<String>) -> Self {
        let loopback = [(Ipv4Addr::LOCALHOST.into(), 8), (Ipv6Addr::LOCALHOST.into(), 128)];
        Self {
            listen,
            hostname: hostname.into(),
            trusted_hosts: loopback.map(|(address, bits)| IpNet::new_assert(address, bits).trunc()).to_vec(),
            users: BTreeMap::new(),
            tokens: BTreeMap::new(),
            max_body: 64 << 20,
            max_recipients: 10_000,
            body_timeout: Duration::from_secs(120),
        }
    }
}

/// Why a server could not be set up. The operator's to mend.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The address.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// A user.
    #[error(transparent)]
    PasswordHash(#[from] BadPasswordHash),
}

/// A server that is bound and not served yet.
#[derive(Debug)]
pub struct HttpServer {
    config: HttpConfig,
    gate: Arc<ArcSwap<Gate>>,
    socket: TcpListener,
    local: SocketAddr,
}

impl HttpServer {
    /// Binds the address. Must be called inside a runtime.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn bind(config: HttpConfig) -> Result<Self, SetupError> {
        let gate = Arc::new(ArcSwap::from_pointee(gate(&config)?));
        let socket = socket::bind("http", config.listen)?;
        let local = socket.local_addr().unwrap_or(config.listen);
        Ok(Self { config, gate, socket, local })
    }

    /// Returns the address bound, with the port that was found for port 0.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Returns what changes who may use the server while it serves.
    #[must_use]
    pub fn handle(&self) -> HttpHandle {
        HttpHandle(Arc::clone(&self.gate))
    }

    /// Serves requests until the signal, then finishes those that have begun. How long that may take is the caller's to
    /// limit.
    ///
    /// # Cancel safety
    /// Dropped, it aborts all connections; injections that have begun go on.
    pub async fn serve<S: Submit>(self, services: Services<S>, mut shutdown: Signal) {
        let (injections, mut ended) = Injections::new();
        let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let (api, routes) = Api::new(self.config, self.gate, services, injections);
        let router = api::router(api, routes);
        let mut connections = JoinSet::new();
        loop {
            let (stream, ends, permit) = tokio::select! {
                accepted = accept(&self.socket, &room) => accepted,
                Some(_) = connections.join_next(), if !connections.is_empty() => continue,
                () = shutdown.wait() => break,
            };
            let (router, shutdown) = (router.clone(), shutdown.clone());
            connections.spawn(async move {
                connection(stream, ends, router, shutdown).await;
                drop(permit);
            });
        }
        drop((self.socket, router));
        while connections.join_next().await.is_some() {}
        ended.wait().await;
    }
}

/// Changes who may use a server that serves.
#[derive(Debug, Clone)]
pub struct HttpHandle(Arc<ArcSwap<Gate>>);

impl HttpHandle {
    /// Puts name, trusted hosts, users and tokens in force for the requests to come. The rest of the configuration stays.
    ///
    /// # Errors
    /// A user whose password hash is none; nothing has changed then.
    pub fn replace(&self, config: &HttpConfig) -> Result<(), BadPasswordHash> {
        self.0.store(Arc::new(gate(config)?));
        Ok(())
    }
}

fn gate(config: &HttpConfig) -> Result<Gate, BadPasswordHash> {
    let passwords = Arc::new(Passwords::new(config.users.clone())?);
    let gate = Gate::new(config.hostname.clone(), config.trusted_hosts.clone(), passwords);
    Ok(gate.with_tokens(Arc::new(Tokens::new(config.tokens.clone()))))
}

async fn accept(socket: &TcpListener, room: &Arc<Semaphore>) -> (TcpStream, Ends, Option<OwnedSemaphorePermit>) {
    // Nobody closes the semaphore, so there always is a permit.
    let permit = Arc::clone(room).acquire_owned().await.ok();
    let (stream, ends) = socket::accept(socket).await;
    (stream, ends, permit)
}

async fn connection(stream: TcpStream, ends: Ends, router: Router, mut shutdown: Signal) {
    let service = TowerToHyperService::new(router.layer(Extension(ends)));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(MAX_HEAD).max_headers(MAX_FIELDS);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = shutdown.wait() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(peer = %ends.peer, %error, "http connection broke");
    }
}
