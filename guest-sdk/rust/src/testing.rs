//! Events and a host for tests on the machine at hand: `cargo test` runs a plugin's hooks without Wasm.
//!
//! A message is made here, put to the plugin, and read:
//!
//! ```
//! use tollgate_sdk::{Message, MessageReceived, Reply, Verdict, counters, info, reject, testing};
//!
//! struct Cap;
//!
//! impl MessageReceived for Cap {
//!     fn message_received(&self, message: &Message) -> Result<Verdict, Reply> {
//!         let id = message.authz_id().unwrap_or_default();
//!         if counters::increment(&id, 1, counters::HOUR_MS).is_ok_and(|sent| sent > 1) {
//!             return Err(reject("5.7.1", "one an hour"));
//!         }
//!         info!(id = id, "the first");
//!         message.add_header("X-Seen", "yes").expect("a plain field");
//!         Ok(Verdict::Accept)
//!     }
//! }
//!
//! let message = testing::Message { authz_id: Some("scott".to_owned()), ..testing::Message::to("bob@receiver.example") }.build();
//! assert_eq!(Cap.message_received(&message), Ok(Verdict::Accept));
//! assert_eq!(testing::header_lines(&message), ["X-Seen: yes"]);
//! assert_eq!(testing::log_lines(), ["info the first id=scott"]);
//!
//! assert!(Cap.message_received(&message).is_err());
//! testing::advance(counters::HOUR_MS);
//! assert!(Cap.message_received(&message).is_ok());
//! ```
//!
//! The host in memory is the thread's own, and so is each test's. It judges arguments as the real one does, with its default
//! limits; it decodes no encoded words, and takes any JSON object for a schedule. Whether the component does what its parts do
//! is for `tollgate plugin test`.

use std::{cell::RefCell, collections::BTreeMap, net::SocketAddr};

use crate::{
    EgressPath, EgressPool, EgressSource, Mailbox, Origin, QueueName, QueuedMessage, Reply, Settings, defer,
    http::{Request, Response},
    native::{host, message, settings},
};

/// What a message is made of.
#[derive(Clone, Debug)]
pub struct Message {
    /// The sender, `local@domain`; none is the null sender.
    pub sender: Option<String>,
    /// The recipients.
    pub recipients: Vec<String>,
    /// The fields, names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Metadata that was set before.
    pub meta: BTreeMap<String, String>,
    /// The identity of the session.
    pub authz_id: Option<String>,
    /// Whether the session may send to any domain.
    pub may_relay: bool,
    /// The door.
    pub origin: Origin,
    /// The size in octets, where it is not that of what is here.
    pub size: Option<u64>,
    /// When it was received, in milliseconds since 1970.
    pub received_at_ms: u64,
}

impl Message {
    /// Returns a message to a recipient, from a client that may relay, without fields or body.
    #[must_use]
    pub fn to(recipient: &str) -> Self {
        Self {
            sender: Some("sender@client.example".to_owned()),
            recipients: vec![recipient.to_owned()],
            headers: Vec::new(),
            body: Vec::new(),
            meta: BTreeMap::new(),
            authz_id: None,
            may_relay: true,
            origin: Origin::Smtp,
            size: None,
            received_at_ms: crate::clock::now_ms(),
        }
    }

    /// Returns it with one more field.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Returns it with metadata that was set before.
    #[must_use]
    pub fn meta(mut self, key: &str, value: &str) -> Self {
        self.meta.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Returns the message, for an event.
    #[must_use]
    pub fn build(self) -> crate::Message {
        crate::Message(RefCell::new(message::State {
            id: "0123456789abcdef0123456789abcdef".to_owned(),
            sender: self.sender.as_deref().map(mailbox),
            recipients: self.recipients.iter().map(|to| mailbox(to)).collect(),
            origin: self.origin,
            authz_id: self.authz_id,
            may_relay: self.may_relay,
            size: self.size,
            received_at_ms: self.received_at_ms,
            headers: self.headers,
            body: self.body,
            meta: self.meta,
            schedule: None,
            added: 0,
        }))
    }
}

/// Returns a mailbox of its text.
#[must_use]
pub fn mailbox(text: &str) -> Mailbox {
    let (local_part, domain) = text.rsplit_once('@').unwrap_or((text, ""));
    Mailbox { local_part: local_part.to_owned(), domain: domain.to_owned() }
}

/// Returns the fields of a message as they are now, `Name: value`.
#[must_use]
pub fn header_lines(message: &crate::Message) -> Vec<String> {
    message.0.borrow().headers.iter().map(|(name, value)| format!("{name}: {value}")).collect()
}

/// Returns the metadata of a message as it is now.
#[must_use]
pub fn meta(message: &crate::Message) -> BTreeMap<String, String> {
    message.0.borrow().meta.clone()
}

/// Returns the schedule that a message was given.
#[must_use]
pub fn schedule(message: &crate::Message) -> Option<String> {
    message.0.borrow().schedule.clone()
}

/// Returns the options that are set, by name, as canonical text (`1day`, `100/h`); one that was cleared is empty.
#[must_use]
pub fn settings(settings: &Settings) -> BTreeMap<String, String> {
    let written = settings.0.borrow();
    let text = |written: &settings::Written| written.as_ref().map_or_else(String::new, |(value, _)| value.text.clone());
    written.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

/// Returns where an option was written, as the plugin says.
#[must_use]
pub fn origin_of(settings: &Settings, name: &str) -> Option<String> {
    settings.0.borrow().get(name)?.as_ref()?.1.clone()
}

/// What a session is made of.
#[derive(Clone, Debug)]
pub struct Session {
    /// The door.
    pub origin: Origin,
    /// The listener's name.
    pub listener: String,
    /// Our name there.
    pub hostname: String,
    /// The client.
    pub peer: SocketAddr,
    /// The address that it connected to.
    pub local: SocketAddr,
    /// The name that it gave.
    pub ehlo_domain: Option<String>,
    /// Its identity.
    pub authz_id: Option<String>,
    /// Whether it may send to any domain.
    pub may_relay: bool,
}

impl Session {
    /// Returns a session from this address, which has said nothing yet.
    #[must_use]
    pub fn from(peer: SocketAddr) -> Self {
        Self {
            origin: Origin::Smtp,
            listener: "main".to_owned(),
            hostname: "mta.example".to_owned(),
            peer,
            local: SocketAddr::from(([198, 51, 100, 1], 25)),
            ehlo_domain: None,
            authz_id: None,
            may_relay: false,
        }
    }

    /// Returns the session, for an event.
    #[must_use]
    pub fn build(self) -> crate::Session {
        crate::native::session::Session(self)
    }
}

/// What a message that was put off is made of.
#[derive(Clone, Debug)]
pub struct Queued {
    /// The sender.
    pub sender: Option<Mailbox>,
    /// The recipients who were put off, with what was said of each.
    pub put_off: Vec<(Mailbox, Reply)>,
    /// The queue that it is in.
    pub queue: QueueName,
    /// Attempts counted.
    pub attempts: u32,
    /// Its size in octets.
    pub size: u64,
    /// When it was received.
    pub received_at_ms: u64,
    /// When the next attempt is due.
    pub due_at_ms: u64,
    /// The last moment for which one can be planned.
    pub last_due_at_ms: u64,
    /// Its metadata, and what was changed of it.
    pub meta: BTreeMap<String, String>,
    /// Until when the plugin has put it off.
    pub delayed_until_ms: Option<u64>,
}

impl Queued {
    /// Returns a message to a recipient, put off once, due in twenty minutes, for a week.
    #[must_use]
    pub fn to(recipient: &str) -> Self {
        let (to, now) = (mailbox(recipient), crate::clock::now_ms());
        let queue = QueueName { campaign: None, tenant: None, domain: to.domain.clone(), routing_domain: None };
        Self {
            sender: None,
            put_off: vec![(to, defer("4.2.1", "busy"))],
            queue,
            attempts: 1,
            size: 1024,
            received_at_ms: now,
            due_at_ms: now + 20 * 60 * 1000,
            last_due_at_ms: now + 7 * 86_400_000,
            meta: BTreeMap::new(),
            delayed_until_ms: None,
        }
    }

    /// Returns the message, for an event.
    #[must_use]
    pub fn build(self) -> QueuedMessage {
        QueuedMessage(RefCell::new(self))
    }
}

/// Returns a message that was put off as it is now.
#[must_use]
pub fn queued(message: &QueuedMessage) -> Queued {
    message.0.borrow().clone()
}

/// Returns the sources of a pool, with their weights.
#[must_use]
pub fn sources(pool: &EgressPool) -> Vec<(String, u32)> {
    pool.0.borrow().clone()
}

/// Returns a source's address, and its name in EHLO.
#[must_use]
pub fn source(source: &EgressSource) -> (Option<std::net::IpAddr>, Option<String>) {
    source.0.borrow().clone()
}

/// Returns what a plugin set for a path, as canonical text.
#[must_use]
pub fn path(path: &EgressPath) -> BTreeMap<String, String> {
    path.0.borrow().clone()
}

/// Returns the lines that were logged since the last time, `level message field=value`.
#[must_use]
pub fn log_lines() -> Vec<String> {
    let line = |(level, message, fields): host::Line| {
        let level = format!("{level:?}").rsplit("::").next().unwrap_or_default().to_lowercase();
        let fields: String = fields.iter().map(|(name, value)| format!(" {name}={value}")).collect();
        format!("{level} {message}{fields}")
    };
    host::with(|host| std::mem::take(&mut host.lines)).into_iter().map(line).collect()
}

/// Moves the host's clock.
pub fn advance(ms: u64) {
    host::with(|host| host.now_ms += ms);
}

/// Has the host's name servers answer: `kind` is `addresses`, `texts`, `mail exchangers` or `names`.
pub fn answer_dns(kind: &'static str, name: &str, answers: &[&str]) {
    let answers = answers.iter().map(|answer| (*answer).to_owned()).collect();
    host::with(|host| host.names.insert((kind, name.to_owned()), answers));
}

/// Has a URL answer.
pub fn answer_http(url: &str, status: u16, body: &[u8]) {
    let response = Response { status, headers: Vec::new(), body: body.to_vec() };
    host::with(|host| host.responses.insert(url.to_owned(), response));
}

/// Returns the requests that were made since the last time.
#[must_use]
pub fn http_requests() -> Vec<Request> {
    host::with(|host| std::mem::take(&mut host.requests))
}

/// Forgets everything that this thread's host has seen and kept. Its clock starts at 0.
pub fn reset() {
    host::with(|host| *host = host::Host::default());
}
