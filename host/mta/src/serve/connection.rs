//! A way out, from its opening to its end: messages come from the engine, outcomes go back. It is a connection to a next
//! hop, or leads to the mailboxes of this machine.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::sync::Notify;
use tollgate_control::record::Peer;
use tollgate_message::{Envelope, MessageId, QueueName};
use tollgate_outbound::{Body, Connection, OutMessage};
use tollgate_queue::{
    Cause, Closed, ConnectionId, Delivery, Disposition, Hosts, Lease, Maildir, Next, Outcome, Settled, Site,
};

use super::{
    batches::{self, End},
    fresh::Item,
    node::Node,
    outcome,
    report::{About, Attempt},
    route, stored,
};
use crate::config::Manner;

/// From where to where.
pub(crate) struct Path {
    pub(crate) source: Arc<str>,
    pub(crate) site: Arc<Site>,
    /// The domain whose mail led to the site first.
    pub(crate) domain: Arc<str>,
}

impl Path {
    /// Returns how mail is passed on here, as the configuration in force has it.
    fn manner(&self, node: &Node) -> Manner {
        node.generation().egress.paths.holding(&self.domain, Some(&self.site.name)).1.manner.clone()
    }
}

/// A way out that is open.
struct Way {
    path: Path,
    /// As the configuration had it when the way was opened.
    manner: Manner,
    exit: Exit,
}

/// What messages are given to.
pub(super) enum Exit {
    Hop(Box<Connection>),
    /// Of this machine.
    Mailboxes(Maildir),
}

/// A connection's entry with the engine. If its task ends in any other way than by [`Guard::close`], a panic say, the
/// engine takes the message back that it held.
struct Guard {
    node: Arc<Node>,
    id: ConnectionId,
    closed: bool,
}

impl Guard {
    fn close(mut self, lease: Lease, why: Closed) {
        self.closed = true;
        self.node.with_engine(|engine, now| engine.closed(now, lease, why));
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.node.connections.leave(self.id);
        if !self.closed {
            let text: Arc<str> = "the connection's task was lost".into();
            self.node.with_engine(|engine, now| engine.abandoned(now, self.id, &text));
        }
    }
}

/// Opens a connection and sends what the engine has for it, until there is nothing more.
pub(crate) async fn run(node: Arc<Node>, lease: Lease, path: Path) {
    let wake = node.connections.enter(lease.id());
    let guard = Guard { id: lease.id(), node: Arc::clone(&node), closed: false };
    let manner = path.manner(&node);
    match open(&node, &path, &manner).await {
        Ok(exit) => {
            let mut way = Way { path, manner, exit };
            let lease = serve(&node, &mut way, lease, &wake).await;
            guard.close(lease, Closed::Finished);
            if let Exit::Hop(connection) = way.exit {
                connection.quit().await;
            }
        }
        Err(reason) => {
            tracing::info!(source = &*path.source, site = path.site.name, reason, "no connection");
            guard.close(lease, Closed::NotConnected(reason.into()));
        }
    }
}

async fn open(node: &Node, path: &Path, manner: &Manner) -> Result<Exit, String> {
    if let Hosts::Here(maildir) = &path.site.hosts {
        return Ok(Exit::Mailboxes(maildir.clone()));
    }
    let mut candidates = route::candidates(node, &path.site, manner.smtp_port).await?;
    let generation = node.generation();
    let remote_port = generation.egress.sources.get(&*path.source).and_then(|source| source.remote_port);
    for candidate in &mut candidates {
        candidate.addr.set_port(remote_port.unwrap_or(candidate.addr.port()));
    }
    let opened = Connection::open(&candidates, &node.source(&path.source), &node.hostname, &manner.timeouts).await;
    opened.map(|connection| Exit::Hop(Box::new(connection))).map_err(|error| error.to_string())
}

/// Sends messages until the way out is at its end, and returns its lease.
async fn serve(node: &Arc<Node>, way: &mut Way, mut lease: Lease, wake: &Notify) -> Lease {
    loop {
        if node.is_stopped() {
            return lease;
        }
        match node.with_engine(|engine, now| engine.next_delivery(now, lease)) {
            Next::Close(lease) => return lease,
            Next::Deliver(delivery) => {
                let (kept, reusable) = deliver(node, way, delivery).await;
                if !reusable {
                    return kept;
                }
                lease = kept;
            }
            Next::Idle(kept) => {
                let stays = match &mut way.exit {
                    Exit::Hop(connection) => stays(way.manner.timeouts.idle, connection, wake).await,
                    // There is nothing to keep open.
                    Exit::Mailboxes(_) => false,
                };
                if !stays {
                    return kept;
                }
                lease = kept;
            }
        }
    }
}

/// Waits for more work; returns whether the connection is still good for it.
async fn stays(patience: Duration, connection: &mut Connection, wake: &Notify) -> bool {
    tokio::select! {
        () = wake.notified() => true,
        _ = connection.left_by_peer() => false,
        () = tokio::time::sleep(patience) => false,
    }
}

/// Sends one message and reports what became of it; returns whether another can go this way.
async fn deliver(node: &Arc<Node>, way: &mut Way, delivery: Delivery) -> (Lease, bool) {
    let Delivery { permit, id, queue, attempts } = delivery;
    let requeue = |permit, after| {
        let outcome = Outcome::Requeue { after };
        let (lease, disposition) = node.with_engine(|engine, now| engine.outcome(now, permit, outcome));
        // Even a message that was not attempted may have run out of time meanwhile.
        if matches!(disposition, Disposition::Expired(_)) {
            let disposition = disposition.clone();
            node.settle(Settled { id, queue, cause: Cause::TimeOver, disposition });
        }
        (lease, disposition)
    };
    let mut item = match load(node, id).await {
        Ok(item) => item,
        Err(reason) => {
            tracing::error!(%id, reason, "a message cannot be read from the spool and waits");
            return (requeue(permit, batches::UNREADABLE).0, true);
        }
    };
    let attempt = Attempt { number: attempts + 1, ..attempt(node, way, &item.state.queue) };
    let most = match way.exit {
        Exit::Hop(_) => way.manner.max_recipients_per_batch,
        // Each is done by himself.
        Exit::Mailboxes(_) => 1,
    };
    match batches::send(node, &mut way.exit, id, &mut item, &attempt, most).await {
        End::Told { replies, reusable } => {
            let about = About { id, meta: &item.meta, queue: &item.state.queue };
            let done = outcome::Done { about, state: &item.state, attempt: &attempt };
            (outcome::report(node, &done, permit, &replies).await, reusable)
        }
        End::Later { after, reusable } => {
            if after.is_zero() {
                node.fresh.put(id, item);
                return (requeue(permit, after).0, reusable);
            }
            let (lease, disposition) = requeue(permit, after);
            if let Disposition::Retry { due, attempts } = disposition {
                let about = About { id, meta: &item.meta, queue: &item.state.queue };
                node.record_delay(&about, &item.state.pending, attempts, due, "SpoolUnhealthy");
            }
            (lease, reusable)
        }
    }
}

fn attempt(node: &Node, Way { path, manner, exit }: &Way, queue: &QueueName) -> Attempt {
    let provider = node.queues.provider(queue).or_else(|| manner.provider_name.clone());
    let attempt = Attempt { site: path.site.ready_name(&path.source), provider, ..Attempt::default() };
    match exit {
        Exit::Mailboxes(_) => Attempt { protocol: Some("Maildir"), ..attempt },
        Exit::Hop(connection) => {
            let peer = connection.peer();
            Attempt {
                pool: Some(node.queues.pool(queue)),
                source: Some(path.source.to_string()),
                peer: Some(Peer { name: peer.name.clone(), addr: peer.addr }),
                local: Some(connection.local_addr()),
                protocol: Some("ESMTP"),
                ..attempt
            }
        }
    }
}

/// Returns a message with what it takes to send it.
async fn load(node: &Arc<Node>, id: MessageId) -> Result<Item, String> {
    match node.fresh.take(id) {
        Some(item) => Ok(item),
        None => {
            let node = Arc::clone(node);
            let read = tokio::task::spawn_blocking(move || read(&node, id)).await;
            read.map_err(|error| error.to_string())?
        }
    }
}

fn read(node: &Node, id: MessageId) -> Result<Item, String> {
    let kept = node.spool.read_message(id.to_bytes()).map_err(|error| error.to_string())?;
    let (meta, state) = stored::decode(&kept.meta, &kept.state).map_err(|error| error.to_string())?;
    let small = kept.body_len <= tollgate_inbound::content::HEAD_LIMIT as u64;
    let octets = small.then(|| node.spool.read_body(id.to_bytes())).transpose().map_err(|error| error.to_string())?;
    Ok(Item { meta: Arc::new(meta), state, octets })
}

/// Returns the octets to send, for the recipients at these places.
pub(super) fn outgoing(node: &Node, id: MessageId, item: &Item, places: &[u32]) -> Result<OutMessage, String> {
    let Envelope { sender, recipients, smtputf8, eight_bit } = &item.meta.envelope;
    let recipients = places.iter().filter_map(|place| recipients.get(*place as usize)).cloned().collect();
    let envelope = Envelope { sender: sender.clone(), recipients, smtputf8: *smtputf8, eight_bit: *eight_bit };
    let body_at = usize::try_from(item.meta.body_at).map_err(|error| error.to_string())?;
    if let Some(octets) = &item.octets {
        let body = octets.slice(body_at.min(octets.len())..);
        return Ok(OutMessage::new(&envelope, item.meta.render_header(octets), Body::Bytes(body)));
    }
    let mut reader = node.spool.open_body(id.to_bytes()).map_err(|error| error.to_string())?;
    let mut header = vec![0; body_at];
    std::io::Read::read_exact(&mut reader, &mut header).map_err(|error| error.to_string())?;
    let len = reader.body_len().saturating_sub(item.meta.body_at);
    let head: Bytes = item.meta.render_header(&header);
    Ok(OutMessage::new(&envelope, head, Body::Reader { reader: Box::new(reader), len }))
}
