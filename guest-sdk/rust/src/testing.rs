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
    EgressPath, EgressPool, EgressSource, Mailbox, MessageBrief, Origin, QueueName, QueuedMessage, Reply, Settings,
    Verdict, defer,
    http::{Request, Response},
    native::{host, message, settings},
};

/// What a message is made of.
///
/// ```
/// use tollgate_sdk::testing;
///
/// let message = testing::Message { authz_id: Some("scott".to_owned()), ..testing::Message::to("bob@receiver.example") };
/// assert_eq!(message.build().authz_id().as_deref(), Some("scott"));
/// ```
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
    ///
    /// ```
    /// let message = tollgate_sdk::testing::Message::to("bob@receiver.example").build();
    /// assert!(message.may_relay() && message.header_names().is_empty());
    /// ```
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
    ///
    /// ```
    /// let message = tollgate_sdk::testing::Message::to("bob@receiver.example").header("Subject", "Hi").build();
    /// assert_eq!(message.first_header("Subject").as_deref(), Some("Hi"));
    /// ```
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Returns it with metadata that was set before.
    ///
    /// ```
    /// let message = tollgate_sdk::testing::Message::to("bob@receiver.example").meta("tenant", "acme").build();
    /// assert_eq!(message.get_meta("tenant").as_deref(), Some("acme"));
    /// ```
    #[must_use]
    pub fn meta(mut self, key: &str, value: &str) -> Self {
        self.meta.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Returns the message, for an event.
    ///
    /// ```
    /// let message: tollgate_sdk::Message = tollgate_sdk::testing::Message::to("bob@receiver.example").build();
    /// assert_eq!(message.recipients()[0].local_part, "bob");
    /// ```
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
///
/// ```
/// let mailbox = tollgate_sdk::testing::mailbox("bob@receiver.example");
/// assert_eq!((&*mailbox.local_part, &*mailbox.domain), ("bob", "receiver.example"));
/// ```
#[must_use]
pub fn mailbox(text: &str) -> Mailbox {
    let (local_part, domain) = text.rsplit_once('@').unwrap_or((text, ""));
    Mailbox { local_part: local_part.to_owned(), domain: domain.to_owned() }
}

/// Puts a message to a plugin that is told of it in brief, and changes it as the plugin says, as the host does: not at all where
/// it is refused, and a schedule that cannot be used refuses it.
///
/// ```
/// use tollgate_sdk::{Answer, Edit, MessageBrief, Reply, Verdict, brief::Question, testing};
///
/// struct Unsigned;
///
/// impl MessageBrief for Unsigned {
///     fn questions(&self) -> Vec<Question> {
///         vec![Question::Header("DKIM-Signature".to_owned())]
///     }
///
///     fn judge(&self, answers: Vec<Answer>, edits: &mut Vec<Edit>) -> Result<Verdict, Reply> {
///         if answers == [Answer::Text(None)] {
///             edits.push(Edit::AddHeader(("X-Unsigned".to_owned(), "yes".to_owned())));
///         }
///         Ok(Verdict::Accept)
///     }
/// }
///
/// let message = testing::Message::to("bob@receiver.example").build();
/// assert_eq!(testing::in_brief(&Unsigned, &message), Ok(Verdict::Accept));
/// assert_eq!(testing::header_lines(&message), ["X-Unsigned: yes"]);
/// ```
///
/// # Errors
/// The reply with which the message is refused.
///
/// # Panics
/// Where an edit is refused: the host takes that for a failure of the plugin.
pub fn in_brief(plugin: &impl MessageBrief, message: &crate::Message) -> Result<Verdict, Reply> {
    let changed = message::Message(RefCell::new(message.0.borrow().clone()));
    let answers = changed.brief(&plugin.questions())?;
    let mut edits = Vec::new();
    let verdict = plugin.judge(answers, &mut edits)?;
    changed.apply(&edits).unwrap_or_else(|error| panic!("{error:?} for one of {edits:?}"));
    message.0.replace(changed.0.into_inner());
    Ok(verdict)
}

/// Returns the fields of a message as they are now, `Name: value`.
///
/// ```
/// use tollgate_sdk::testing;
///
/// let message = testing::Message::to("bob@receiver.example").header("Subject", "Hi").build();
/// assert_eq!(testing::header_lines(&message), ["Subject: Hi"]);
/// ```
#[must_use]
pub fn header_lines(message: &crate::Message) -> Vec<String> {
    message.0.borrow().headers.iter().map(|(name, value)| format!("{name}: {value}")).collect()
}

/// Returns the metadata of a message as it is now.
///
/// ```
/// use tollgate_sdk::testing;
///
/// let message = testing::Message::to("bob@receiver.example").build();
/// message.set_meta("tenant", Some("acme"))?;
/// assert_eq!(testing::meta(&message)["tenant"], "acme");
/// # Ok::<(), tollgate_sdk::PolicyError>(())
/// ```
#[must_use]
pub fn meta(message: &crate::Message) -> BTreeMap<String, String> {
    message.0.borrow().meta.clone()
}

/// Returns the schedule that a message was given.
///
/// ```
/// use tollgate_sdk::testing;
///
/// let message = testing::Message::to("bob@receiver.example").build();
/// assert_eq!(testing::schedule(&message), None);
/// ```
#[must_use]
pub fn schedule(message: &crate::Message) -> Option<String> {
    message.0.borrow().schedule.clone()
}

/// Returns the options that are set, by name, as canonical text (`1day`, `100/h`); one that was cleared is empty.
///
/// ```
/// use tollgate_sdk::{Settings, testing};
///
/// let settings = Settings::new();
/// settings.set_max_age(86_400_000, None)?;
/// assert_eq!(testing::settings(&settings)["max_age"], "1day");
/// # Ok::<(), tollgate_sdk::PolicyError>(())
/// ```
#[must_use]
pub fn settings(settings: &Settings) -> BTreeMap<String, String> {
    let written = settings.0.borrow();
    let text = |written: &settings::Written| written.as_ref().map_or_else(String::new, |(value, _)| value.text.clone());
    written.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

/// Returns where an option was written, as the plugin says.
///
/// ```
/// use tollgate_sdk::{Settings, testing};
///
/// let settings = Settings::new();
/// settings.set_max_age(86_400_000, Some("queues.toml:3"))?;
/// assert_eq!(testing::origin_of(&settings, "max_age").as_deref(), Some("queues.toml:3"));
/// # Ok::<(), tollgate_sdk::PolicyError>(())
/// ```
#[must_use]
pub fn origin_of(settings: &Settings, name: &str) -> Option<String> {
    settings.0.borrow().get(name)?.as_ref()?.1.clone()
}

/// What a session is made of.
///
/// ```
/// use tollgate_sdk::testing::Session;
///
/// let session = Session { may_relay: true, ..Session::from(([192, 0, 2, 7], 4711).into()) }.build();
/// assert!(session.may_relay());
/// ```
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
    ///
    /// ```
    /// let session = tollgate_sdk::testing::Session::from(([192, 0, 2, 7], 4711).into());
    /// assert_eq!(session.ehlo_domain, None);
    /// ```
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
    ///
    /// ```
    /// let session: tollgate_sdk::Session = tollgate_sdk::testing::Session::from(([192, 0, 2, 7], 4711).into()).build();
    /// assert_eq!(session.peer_address(), "192.0.2.7");
    /// ```
    #[must_use]
    pub fn build(self) -> crate::Session {
        crate::native::session::Session(self)
    }
}

/// What a message that was put off is made of.
///
/// ```
/// use tollgate_sdk::testing::Queued;
///
/// let message = Queued { attempts: 5, ..Queued::to("bob@receiver.example") }.build();
/// assert_eq!(message.attempts(), 5);
/// ```
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
    ///
    /// ```
    /// let queued = tollgate_sdk::testing::Queued::to("bob@receiver.example");
    /// assert_eq!(queued.put_off[0].1.code, 451);
    /// ```
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
    ///
    /// ```
    /// let message: tollgate_sdk::QueuedMessage = tollgate_sdk::testing::Queued::to("bob@receiver.example").build();
    /// assert_eq!(message.queue().domain, "receiver.example");
    /// ```
    #[must_use]
    pub fn build(self) -> QueuedMessage {
        QueuedMessage(RefCell::new(self))
    }
}

/// Returns a message that was put off as it is now.
///
/// ```
/// use tollgate_sdk::testing;
///
/// let message = testing::Queued::to("bob@receiver.example").build();
/// message.delay_until(message.last_due_at_ms())?;
/// let queued = testing::queued(&message);
/// assert_eq!(queued.delayed_until_ms, Some(queued.last_due_at_ms));
/// # Ok::<(), tollgate_sdk::PolicyError>(())
/// ```
#[must_use]
pub fn queued(message: &QueuedMessage) -> Queued {
    message.0.borrow().clone()
}

/// Returns the sources of a pool, with their weights.
///
/// ```
/// use tollgate_sdk::{EgressPool, testing};
///
/// let pool = EgressPool::new();
/// pool.add_source("ip-1", 2)?;
/// assert_eq!(testing::sources(&pool), [("ip-1".to_owned(), 2)]);
/// # Ok::<(), tollgate_sdk::PolicyError>(())
/// ```
#[must_use]
pub fn sources(pool: &EgressPool) -> Vec<(String, u32)> {
    pool.0.borrow().clone()
}

/// Returns a source's address, and its name in EHLO.
///
/// ```
/// use tollgate_sdk::{EgressSource, testing};
///
/// let source = EgressSource::new();
/// source.set_ehlo_domain("out.mta.example")?;
/// assert_eq!(testing::source(&source), (None, Some("out.mta.example".to_owned())));
/// # Ok::<(), tollgate_sdk::PolicyError>(())
/// ```
#[must_use]
pub fn source(source: &EgressSource) -> (Option<std::net::IpAddr>, Option<String>) {
    source.0.borrow().clone()
}

/// Returns what a plugin set for a path, as canonical text.
///
/// ```
/// use tollgate_sdk::{EgressPath, testing};
///
/// let path = EgressPath::new();
/// path.set_max_ready(1000, None)?;
/// assert_eq!(testing::path(&path)["max_ready"], "1000");
/// # Ok::<(), tollgate_sdk::PolicyError>(())
/// ```
#[must_use]
pub fn path(path: &EgressPath) -> BTreeMap<String, String> {
    path.0.borrow().clone()
}

/// Returns the lines that were logged since the last time, `level message field=value`.
///
/// ```
/// tollgate_sdk::warn!(count = 3, "odd");
/// assert_eq!(tollgate_sdk::testing::log_lines(), ["warn odd count=3"]);
/// ```
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
///
/// ```
/// use tollgate_sdk::{clock, testing};
///
/// let before = clock::now_ms();
/// testing::advance(1000);
/// assert_eq!(clock::now_ms(), before + 1000);
/// ```
pub fn advance(ms: u64) {
    host::with(|host| host.now_ms += ms);
}

/// Has the host's name servers answer: `kind` is `addresses`, `texts`, `mail exchangers` or `names`.
///
/// ```
/// use tollgate_sdk::{dns, testing};
///
/// testing::answer_dns("addresses", "mta.example", &["192.0.2.1"]);
/// assert_eq!(dns::addresses("mta.example")?, ["192.0.2.1"]);
/// # Ok::<(), tollgate_sdk::PolicyError>(())
/// ```
pub fn answer_dns(kind: &'static str, name: &str, answers: &[&str]) {
    let answers = answers.iter().map(|answer| (*answer).to_owned()).collect();
    host::with(|host| host.names.insert((kind, name.to_owned()), answers));
}

/// Has a URL answer.
///
/// ```
/// use tollgate_sdk::{http, testing};
///
/// testing::answer_http("http://list.example/", 200, b"yes");
/// assert_eq!(http::fetch(&http::get("http://list.example/"))?.body, b"yes");
/// # Ok::<(), tollgate_sdk::PolicyError>(())
/// ```
pub fn answer_http(url: &str, status: u16, body: &[u8]) {
    let response = Response { status, headers: Vec::new(), body: body.to_vec() };
    host::with(|host| host.responses.insert(url.to_owned(), response));
}

/// Returns the requests that were made since the last time.
///
/// ```
/// use tollgate_sdk::{http, testing};
///
/// testing::answer_http("http://list.example/", 200, b"yes");
/// http::fetch(&http::get("http://list.example/"))?;
/// assert_eq!(testing::http_requests()[0].url, "http://list.example/");
/// # Ok::<(), tollgate_sdk::PolicyError>(())
/// ```
#[must_use]
pub fn http_requests() -> Vec<Request> {
    host::with(|host| std::mem::take(&mut host.requests))
}

/// Forgets everything that this thread's host has seen and kept. Its clock starts at 0.
///
/// ```
/// use tollgate_sdk::{counters, testing};
///
/// counters::increment("ann", 1, counters::HOUR_MS)?;
/// testing::reset();
/// assert_eq!(counters::get("ann")?, 0);
/// # Ok::<(), tollgate_sdk::PolicyError>(())
/// ```
pub fn reset() {
    host::with(|host| *host = host::Host::default());
}
