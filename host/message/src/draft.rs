//! A message between its arrival and its acceptance: what was received, and what policy made of it.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{Envelope, Header, MessageId, Meta, QueueName, Schedule, Timestamp, header, meta};

/// Through which door a message came.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// An SMTP session.
    Smtp,
    /// The HTTP injection API.
    Http,
}

/// What is known of the session in which messages arrive; the same for all of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Session {
    /// Through which door.
    pub origin: Origin,
    /// The authenticated identity, if there is one.
    pub authz_id: Option<String>,
    /// Whether this session may send to any domain, and so may name a tenant, a campaign or a schedule.
    pub may_relay: bool,
    /// The client's address.
    pub peer: Option<SocketAddr>,
    /// The address it connected to.
    pub local: Option<SocketAddr>,
    /// The name the client gave with EHLO or HELO.
    pub ehlo_domain: Option<String>,
    /// Our name at this listener.
    pub hostname: String,
}

/// What was received. Never changes.
#[derive(Clone, Debug)]
pub struct Received {
    /// Identity of the message.
    pub id: MessageId,
    /// When it arrived.
    pub at: Timestamp,
    /// Who sent it to whom.
    pub envelope: Envelope,
    /// The session it came in.
    pub session: Arc<Session>,
    /// The octets of the message with CRLF line ends: all of them, or the first part of a large one, whole header included.
    pub content: Bytes,
    /// Length of the whole message in octets, never less than `content`.
    pub size: u64,
}

/// What policy may change. Cloned before each plugin, so that a trap leaves no trace.
#[derive(Clone, PartialEq, Debug)]
pub struct Edits {
    /// The header with its edits.
    pub header: Header,
    /// Metadata.
    pub meta: Meta,
    /// When the message may go out, and when it expires.
    pub schedule: Option<Schedule>,
}

/// A message on its way through policy.
#[derive(Clone, Debug)]
pub struct Draft {
    /// What was received.
    pub received: Arc<Received>,
    /// What policy made of it.
    pub edits: Edits,
}

impl Draft {
    /// Returns the draft of a message just received, nothing edited.
    #[must_use]
    pub fn new(received: Received) -> Self {
        let header = Header::parse(received.content.clone());
        Self { received: Arc::new(received), edits: Edits { header, meta: Meta::new(), schedule: None } }
    }

    /// Returns the name of the queue that the message's metadata and first recipient give.
    #[must_use]
    pub fn queue_name(&self) -> QueueName {
        queue_name(&self.received.envelope, &self.edits.meta)
    }

    /// Returns the first header field with this name, unfolded and decoded; `None` where there is none.
    #[must_use]
    pub fn first_header(&self, name: &str) -> Option<String> {
        self.edits.header.values(name).next().map(header::decode)
    }
}

/// Returns the queue for an envelope and metadata: an explicit `queue` as it stands, else the parts.
#[must_use]
pub fn queue_name(envelope: &Envelope, meta: &Meta) -> QueueName {
    let part = |key| meta.get(key).map(String::as_str);
    if let Some(name) = part(meta::QUEUE).filter(|name| !name.trim().is_empty()) {
        return QueueName::explicit(name);
    }
    let domain = envelope.recipients.first().map_or("", |first| first.domain());
    QueueName::new(part(meta::CAMPAIGN), part(meta::TENANT), domain, part(meta::ROUTING_DOMAIN))
}
