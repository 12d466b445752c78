//! The running program: the one place that joins the crates.
//!
//! [`node`] holds what all parts share. A message passes [`reception`] (policy, spool, queue), waits in the engine,
//! and leaves through a [`connection`] that [`dispatch`] opened; [`outcome`] says what became of it. [`recovery`] brings
//! back at a start what the spool holds.

mod batches;
mod calls;
mod clock;
mod connection;
mod dispatch;
mod doors;
mod egress;
mod feed;
mod fresh;
mod generation;
mod identity;
mod local;
mod node;
mod outcome;
mod pace;
mod plugins;
mod queues;
mod reception;
mod recovery;
mod reload;
mod report;
mod requeue;
mod route;
mod session;
mod stored;
mod tenants;
mod upload;
mod usage;
mod watch;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use tokio::{sync::mpsc, task::JoinSet};
use tollgate_inbound::{BindError, http::HttpServer, http::SetupError, smtp::Listener};
use tollgate_spool::{OpenError, Options, Recovered, Spool, vfs::OsVfs};

use crate::{
    config::Config,
    policy::{Loaded, Loader},
};
use doors::Doors;
pub(crate) use identity::Claim;
use node::Node;
pub(crate) use plugins::{NotDone, Order};
pub(crate) use reload::Handle;
pub(crate) use watch::Watch;

/// How long a drain may take before the program ends all the same. Nothing is lost then: what is not done is in the spool.
const DRAIN: Duration = Duration::from_secs(30);

/// How long plugins may take for the log records that wait for them at the end.
const FEED: Duration = Duration::from_secs(5);

/// The address of a door that is not there.
const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// Why the program cannot run. One line each.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("{error}{}", because(.error))]
    Spool {
        #[from]
        error: OpenError,
    },
    #[error("{0}")]
    Bind(#[from] BindError),
    #[error("{0}")]
    Http(#[from] SetupError),
    #[error("{0}")]
    Names(#[from] tollgate_dns::SetupError),
    #[error("log records cannot be written to {path}: {source}", path = path.display())]
    Records { path: PathBuf, source: std::io::Error },
}

/// Returns what the system said, to stand behind what an error says itself.
fn because(error: &dyn std::error::Error) -> String {
    error.source().map(|source| format!(": {source}")).unwrap_or_default()
}

/// What a server needs of the machine: its sockets are bound, its spool is locked and read.
pub(crate) struct Prepared {
    config: Config,
    listeners: Vec<Listener>,
    http: Option<HttpServer>,
    spool: Spool,
    recovered: Recovered,
    records: tollgate_control::Records,
}

/// A server that is set up.
pub(crate) struct Server {
    node: Arc<Node>,
    listeners: Vec<Listener>,
    http: Option<HttpServer>,
    doors: Doors,
    /// Loads what tenants send while the program runs.
    loader: Loader,
    orders: mpsc::Sender<Order>,
}

impl Prepared {
    /// Takes what the configuration names. Sockets are bound first, so that a port in use is found before the spool is
    /// touched; nothing is accepted yet.
    pub(crate) fn take(config: Config) -> Result<Self, StartError> {
        let listeners = config.listeners.iter().cloned().map(Listener::bind).collect::<Result<Vec<_>, _>>()?;
        let http = config.http.clone().map(HttpServer::bind).transpose()?;
        let options = Options { durability: config.spool.durability, ..Options::default() };
        let (spool, recovered) = Spool::open(Arc::new(OsVfs), &config.spool.path, options)?;
        let records = tollgate_control::Records::open(config.records.as_deref())
            .map_err(|source| StartError::Records { path: config.records.clone().unwrap_or_default(), source })?;
        Ok(Self { config, listeners, http, spool, recovered, records })
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Puts what the spool holds back into its queues, under this policy.
    ///
    /// # Errors
    /// Where names cannot be looked up as configured.
    /// `orders`: to whoever changes single plugins.
    pub(crate) async fn start(self, policy: Loaded, orders: mpsc::Sender<Order>) -> Result<Server, StartError> {
        let node = Node::new(&self.config, (policy.chain, policy.plugins), self.spool, self.records)?;
        node.tenants.replace(policy.tenants, node.tenants.revision(), node.clock.now());
        recovery::recover(&node, self.recovered).await;
        let doors = Doors::of(&self.config, &self.listeners, self.http.as_ref());
        Ok(Server { node, listeners: self.listeners, http: self.http, doors, loader: policy.loader, orders })
    }
}

impl Server {
    /// Returns a line for each socket, for people.
    pub(crate) fn listening(&self) -> Vec<String> {
        let smtp = self.listeners.iter().map(|listener| format!("smtp on {}", listener.local_addr()));
        smtp.chain(self.http.iter().map(|http| format!("http on http://{}", http.local_addr()))).collect()
    }

    /// Returns where the first listener listens; the demo has one.
    pub(crate) fn smtp_address(&self) -> SocketAddr {
        self.listeners.first().map_or(NOWHERE, Listener::local_addr)
    }

    /// Returns where HTTP listens.
    pub(crate) fn http_address(&self) -> SocketAddr {
        self.http.as_ref().map_or(NOWHERE, HttpServer::local_addr)
    }

    /// Returns what a reload needs of it.
    pub(crate) fn handle(&self) -> Handle {
        Handle { node: Arc::clone(&self.node), doors: self.doors.clone() }
    }

    /// Serves until `stop` resolves, then drains: no new sessions, no new deliveries, everything on disk.
    pub(crate) async fn run(self, stop: impl Future<Output = ()>) {
        let (trigger, signal) = tollgate_inbound::shutdown::channel();
        let mut doors = JoinSet::new();
        let reception = Arc::new(reception::Reception(Arc::clone(&self.node)));
        let bodies: Arc<dyn tollgate_inbound::BodyStore> = Arc::new(self.node.spool.clone());
        for listener in self.listeners {
            doors.spawn(listener.serve(Arc::clone(&reception), Arc::clone(&bodies), signal.clone()));
        }
        if let Some(http) = self.http {
            doors.spawn(
                http.serve(report::services(&self.node, reception, bodies, self.loader, self.orders), signal.clone()),
            );
        }
        let timer = tokio::spawn(dispatch::keep_time(Arc::clone(&self.node)));
        let tidier = tokio::spawn(dispatch::tidy(Arc::clone(&self.node)));
        let feeder = tokio::spawn(feed::hand_over(Arc::clone(&self.node)));
        stop.await;
        tracing::info!("draining");
        self.node.begin_drain();
        trigger.fire();
        let drained = tokio::time::timeout(DRAIN, async {
            while doors.join_next().await.is_some() {}
            self.node.connections.drained().await;
        });
        if drained.await.is_err() {
            tracing::warn!("not everything could be drained in time; what is left goes on at the next start");
        }
        timer.abort();
        tidier.abort();
        self.node.all_settled().await;
        self.node.feed.close();
        if tokio::time::timeout(FEED, feeder).await.is_err() {
            tracing::warn!("plugins did not take all log records in time; the log has them");
        }
        if let Err(reason) = self.node.spool.flush().await {
            tracing::error!(%reason, "the spool could not be flushed");
        }
    }
}
