//! One trait for each event. A plugin implements those that it handles.
//!
//! What a plugin keeps in itself is its configuration. State does not survive an event: the next one may find a fresh instance,
//! or another that has seen other events. What is to outlive one goes into [`crate::counters`] or [`crate::kv`], if they were
//! granted.

use crate::{
    Answer, Diagnostic, Edit, EgressPath, EgressPool, EgressSource, File, Mailbox, Message, PolicyError, QueueName,
    QueuedMessage, Reference, Refused, Reply, Session, Settings, Throttle, Verdict, Written,
};

/// Takes the files that the operator named for the plugin, before any event.
///
/// ```
/// use tollgate_sdk::{Configure, Configured, Diagnostic, File, Refused, Severity};
///
/// struct Words(Vec<String>);
///
/// impl Configure for Words {
///     fn configure(files: Vec<File>) -> Result<Configured<Self>, Refused> {
///         let mut words = Vec::new();
///         for file in files {
///             let text = String::from_utf8(file.content).map_err(|_| {
///                 let message = "it is not UTF-8".to_owned();
///                 vec![Diagnostic { severity: Severity::Error, file: Some(file.name), line: None, column: None, message }]
///             })?;
///             words.extend(text.lines().map(str::to_owned));
///         }
///         Ok(Configured { plugin: Self(words), diagnostics: Vec::new(), references: Vec::new() })
///     }
/// }
///
/// let file = |content: &[u8]| vec![File { name: "words".to_owned(), content: content.to_vec() }];
/// assert_eq!(Words::configure(file(b"a\nb")).unwrap().plugin.0, ["a", "b"]);
/// assert_eq!(Words::configure(file(b"\xff")).err().unwrap().diagnostics[0].to_string(), "words it is not UTF-8");
/// ```
pub trait Configure: Sized {
    /// Reads the configuration, or says all that is wrong with it at once.
    ///
    /// # Errors
    /// Every finding, at least one of them with [`crate::Severity::Error`], and the references that could be read all the
    /// same. A list of findings alone becomes one with `?` or `.into()`.
    fn configure(files: Vec<File>) -> Result<Configured<Self>, Refused>;
}

/// A plugin with its configuration.
///
/// ```
/// use tollgate_sdk::Configured;
///
/// let configured = Configured { plugin: "a plugin", diagnostics: Vec::new(), references: Vec::new() };
/// assert!(configured.diagnostics.is_empty());
/// ```
pub struct Configured<P> {
    /// The plugin, ready for events.
    pub plugin: P,
    /// Warnings and notes for the operator.
    pub diagnostics: Vec<Diagnostic>,
    /// Names in the configuration that the host defines and checks.
    pub references: Vec<Reference>,
}

/// A refusal without references.
impl From<Vec<Diagnostic>> for Refused {
    fn from(diagnostics: Vec<Diagnostic>) -> Self {
        Self { diagnostics, references: Vec::new() }
    }
}

/// Judges messages, and may edit them.
///
/// ```
/// use tollgate_sdk::{Message, MessageReceived, Reply, Verdict, register, reject, testing};
///
/// #[derive(Default)]
/// struct Tagged;
///
/// impl MessageReceived for Tagged {
///     fn message_received(&self, message: &Message) -> Result<Verdict, Reply> {
///         let tag = message.first_header("X-Tag").ok_or_else(|| reject("5.6.0", "mail without a tag"))?;
///         message.set_meta("tag", Some(&tag)).map_err(|_| reject("5.6.0", "the tag is too long"))?;
///         message.remove_header("X-Tag");
///         Ok(Verdict::Accept)
///     }
/// }
///
/// register!(Tagged: message_received);
///
/// let message = testing::Message::to("bob@receiver.example").header("X-Tag", "spring").build();
/// assert_eq!(Tagged.message_received(&message), Ok(Verdict::Accept));
/// assert_eq!(testing::meta(&message)["tag"], "spring");
/// assert_eq!(testing::header_lines(&message), [""; 0]);
/// ```
pub trait MessageReceived {
    /// Returns what becomes of the message. Edits made through `message` apply when this returns `Ok`.
    ///
    /// # Errors
    /// The reply for the sender: 4xx defers, 5xx rejects.
    fn message_received(&self, message: &Message) -> Result<Verdict, Reply>;
}

/// Judges messages in brief: names once what it wants to know of every message, and says what it changes with its verdict.
///
/// Costs about a third less than [`MessageReceived`], since nothing crosses between plugin and host but the event. For what it
/// cannot ask here (the body, all recipients), a plugin takes that one; it registers one of the two.
///
/// ```
/// use tollgate_sdk::{Answer, Edit, MessageBrief, Reply, Verdict, brief::Question, register, reject, testing};
///
/// #[derive(Default)]
/// struct Tagged;
///
/// impl MessageBrief for Tagged {
///     fn questions(&self) -> Vec<Question> {
///         vec![Question::TakeHeader("X-Tag".to_owned())]
///     }
///
///     fn judge(&self, answers: Vec<Answer>, edits: &mut Vec<Edit>) -> Result<Verdict, Reply> {
///         let Some(Answer::Text(Some(tag))) = answers.into_iter().next() else {
///             return Err(reject("5.6.0", "mail without a tag"));
///         };
///         if tag.len() > tollgate_sdk::LONGEST_META {
///             return Err(reject("5.6.0", "the tag is too long"));
///         }
///         edits.push(Edit::SetMeta(("tag".to_owned(), Some(tag))));
///         Ok(Verdict::Accept)
///     }
/// }
///
/// register!(Tagged: message_brief);
///
/// let message = testing::Message::to("bob@receiver.example").header("X-Tag", "spring").build();
/// assert_eq!(testing::in_brief(&Tagged, &message), Ok(Verdict::Accept));
/// assert_eq!(testing::meta(&message)["tag"], "spring");
/// ```
pub trait MessageBrief {
    /// Returns what is asked of every message, up to 64 questions. Called once, when the plugin has been configured; an instance
    /// that judges need not be the one that was asked.
    fn questions(&self) -> Vec<crate::brief::Question>;

    /// Returns what becomes of a message that gave these answers, one for each question in their order; `edits` takes what is to
    /// be changed.
    ///
    /// An edit that may not be made is a failure of the plugin, so what senders write is looked at before: metadata is at most
    /// [`crate::LONGEST_META`] octets long.
    ///
    /// # Errors
    /// The reply for the sender: 4xx defers, 5xx rejects. The message is not changed then.
    fn judge(&self, answers: Vec<Answer>, edits: &mut Vec<Edit>) -> Result<Verdict, Reply>;
}

/// Sets up scheduled queues.
///
/// ```
/// use tollgate_sdk::{PolicyError, QueueConfig, QueueName, Settings, register, testing};
///
/// #[derive(Default)]
/// struct Patient;
///
/// impl QueueConfig for Patient {
///     fn queue_config(&self, name: &QueueName, _so_far: &Settings) -> Result<Option<Settings>, PolicyError> {
///         if !name.domain.ends_with(".edu") {
///             return Ok(None);
///         }
///         let settings = Settings::new();
///         settings.set_max_age(3 * 86_400_000, Some("patient"))?;
///         Ok(Some(settings))
///     }
/// }
///
/// register!(Patient: queue_config);
///
/// let queue = |domain: &str| QueueName { campaign: None, tenant: None, domain: domain.to_owned(), routing_domain: None };
/// let settings = Patient.queue_config(&queue("a.edu"), &Settings::new()).unwrap().unwrap();
/// assert_eq!(testing::settings(&settings)["max_age"], "3days");
/// assert!(Patient.queue_config(&queue("a.example"), &Settings::new()).unwrap().is_none());
/// ```
pub trait QueueConfig {
    /// Returns what this plugin sets for a queue, or `None` to pass; `so_far` is what the plugins before it set.
    ///
    /// # Errors
    /// Where it has no answer; the host goes on with the last good one, or without this plugin.
    fn queue_config(&self, name: &QueueName, so_far: &Settings) -> Result<Option<Settings>, PolicyError>;
}

/// Sets up scheduled queues in brief, without a look at what others set.
///
/// Costs less than [`QueueConfig`] does, above all a component whose instances live for one event; a plugin registers one of the
/// two.
///
/// ```
/// use tollgate_sdk::{PolicyError, QueueBrief, QueueName, Setting, Written, register};
///
/// #[derive(Default)]
/// struct Patient;
///
/// impl QueueBrief for Patient {
///     fn queue_settings(&self, name: &QueueName) -> Result<Option<Vec<Written>>, PolicyError> {
///         let patient = || vec![(Setting::MaxAge(3 * 86_400_000), Some("patient".to_owned()))];
///         Ok(name.domain.ends_with(".edu").then(patient))
///     }
/// }
///
/// register!(Patient: queue_brief);
///
/// let queue = |domain: &str| QueueName { campaign: None, tenant: None, domain: domain.to_owned(), routing_domain: None };
/// assert_eq!(Patient.queue_settings(&queue("a.edu")).unwrap().map(|set| set.len()), Some(1));
/// assert_eq!(Patient.queue_settings(&queue("a.example")), Ok(None));
/// ```
pub trait QueueBrief {
    /// Returns what this plugin sets for a queue, in its order, each with where it was written; or `None` to pass. One that may
    /// not be set is a failure of the plugin.
    ///
    /// # Errors
    /// Where it has no answer; the host goes on with the last good one, or without this plugin.
    fn queue_settings(&self, name: &QueueName) -> Result<Option<Vec<Written>>, PolicyError>;
}

/// Limits rates that several queues share.
///
/// ```
/// use tollgate_sdk::{Rate, Scope, Throttle, Throttles, register};
///
/// #[derive(Default)]
/// struct Fair;
///
/// impl Throttles for Fair {
///     fn throttles(&self, tenant: Option<&str>, _campaign: Option<&str>) -> Vec<Throttle> {
///         let rate = Rate { limit: 100, period_ms: 1000, max_burst: None, local: false };
///         let throttle = |tenant: &str| Throttle { scope: Scope::Tenant, key: tenant.to_owned(), rate };
///         tenant.map(throttle).into_iter().collect()
///     }
/// }
///
/// register!(Fair: throttles);
///
/// assert_eq!((Fair.throttles(Some("a"), None).len(), Fair.throttles(None, None).len()), (1, 0));
/// ```
pub trait Throttles {
    /// Returns the rates for a tenant and campaign, widest scope first; often empty.
    fn throttles(&self, tenant: Option<&str>, campaign: Option<&str>) -> Vec<Throttle>;
}

/// Judges sessions: what a client may do before there is a message. What is not implemented passes.
///
/// ```
/// use tollgate_sdk::{Mailbox, Reply, Session, SmtpSession, register, reject};
///
/// #[derive(Default)]
/// struct Gatekeeper;
///
/// impl SmtpSession for Gatekeeper {
///     fn rcpt(&self, _session: &Session, _sender: Option<&Mailbox>, recipient: &Mailbox) -> Result<(), Reply> {
///         if recipient.local_part == "nobody" { Err(reject("5.1.1", "nobody of that name")) } else { Ok(()) }
///     }
/// }
///
/// register!(Gatekeeper: smtp_session);
/// ```
pub trait SmtpSession {
    /// A client has connected.
    ///
    /// # Errors
    /// The greeting, with which the session ends.
    fn connect(&self, session: &Session) -> Result<(), Reply> {
        let _ = session;
        Ok(())
    }

    /// The client said EHLO or HELO with this name.
    ///
    /// # Errors
    /// The reply to it.
    fn ehlo(&self, session: &Session, domain: &str) -> Result<(), Reply> {
        let _ = (session, domain);
        Ok(())
    }

    /// Returns the identity of a client that gave the password of `authc` and wants to act as `authz`; nothing where the
    /// user is not known here, so that the next plugin is asked. Nobody asks yet: there is no SMTP AUTH.
    ///
    /// # Errors
    /// The refusal, where nobody else is to be asked: `535` and `5.7.8` for a wrong password.
    fn auth(&self, session: &Session, authz: &str, authc: &str, password: &str) -> Result<Option<String>, Reply> {
        let _ = (session, authz, authc, password);
        Ok(None)
    }

    /// The client wants to send as this sender; absent is the null sender.
    ///
    /// # Errors
    /// The reply to MAIL.
    fn mail(&self, session: &Session, sender: Option<&Mailbox>) -> Result<(), Reply> {
        let _ = (session, sender);
        Ok(())
    }

    /// The client wants to send to this recipient, whom the host would take.
    ///
    /// # Errors
    /// The reply to RCPT, about this recipient alone.
    fn rcpt(&self, session: &Session, sender: Option<&Mailbox>, recipient: &Mailbox) -> Result<(), Reply> {
        let _ = (session, sender, recipient);
        Ok(())
    }
}

/// Says how mail leaves. Answers are kept for a while; what is not implemented is not known.
///
/// ```
/// use tollgate_sdk::{Egress, EgressPath, EgressPool, PolicyError, register};
///
/// #[derive(Default)]
/// struct Slowly;
///
/// impl Egress for Slowly {
///     fn pool(&self, name: &str) -> Result<Option<EgressPool>, PolicyError> {
///         let Some(customer) = name.strip_prefix("customer-") else { return Ok(None) };
///         let pool = EgressPool::new();
///         pool.add_source(&format!("ip-{customer}"), 1)?;
///         Ok(Some(pool))
///     }
///
///     fn path(
///         &self,
///         domain: &str,
///         _source: &str,
///         _site: &str,
///         _so_far: &EgressPath,
///     ) -> Result<Option<EgressPath>, PolicyError> {
///         let path = EgressPath::new();
///         path.set_connection_limit(if domain.ends_with(".example") { 2 } else { 20 }, None)?;
///         Ok(Some(path))
///     }
/// }
///
/// register!(Slowly: egress);
/// ```
pub trait Egress {
    /// Returns a pool that no file defines, or nothing where it is not known here.
    ///
    /// # Errors
    /// Where it has no answer; the host goes on with the last good one, or without this plugin.
    fn pool(&self, name: &str) -> Result<Option<EgressPool>, PolicyError> {
        let _ = name;
        Ok(None)
    }

    /// Returns a source that no file defines, or nothing where it is not known here.
    ///
    /// # Errors
    /// As [`Egress::pool`].
    fn source(&self, name: &str) -> Result<Option<EgressSource>, PolicyError> {
        let _ = name;
        Ok(None)
    }

    /// Returns what holds for a source at a site to which mail of `domain` led first, or nothing; `so_far` is what the
    /// plugins before this one set.
    ///
    /// # Errors
    /// As [`Egress::pool`].
    fn path(
        &self,
        domain: &str,
        source: &str,
        site: &str,
        so_far: &EgressPath,
    ) -> Result<Option<EgressPath>, PolicyError> {
        let _ = (domain, source, site, so_far);
        Ok(None)
    }
}

/// Says when and where mail waits that was put off.
///
/// ```
/// use tollgate_sdk::{PolicyError, QueuedMessage, Requeue, register};
///
/// #[derive(Default)]
/// struct Relent;
///
/// impl Requeue for Relent {
///     fn requeue(&self, message: &QueuedMessage) -> Result<(), PolicyError> {
///         // Whoever greylists wants to be left alone for a while.
///         if message.replies().iter().any(|reply| reply.text.contains("greylist")) {
///             message.delay_until((message.due_at_ms() + 600_000).min(message.last_due_at_ms()))?;
///         }
///         Ok(())
///     }
/// }
///
/// register!(Relent: requeue);
/// ```
pub trait Requeue {
    /// May change when and in which queue a message waits; changes made through `message` apply when this returns `Ok`.
    ///
    /// # Errors
    /// Where it has no answer; the message waits as if nobody had been asked.
    fn requeue(&self, message: &QueuedMessage) -> Result<(), PolicyError>;
}

/// Takes log records.
///
/// ```
/// use tollgate_sdk::{Record, log, register};
///
/// #[derive(Default)]
/// struct Bounces;
///
/// impl Record for Bounces {
///     fn record(&self, records: Vec<String>) {
///         for bounce in records.iter().filter(|record| record.contains(r#""type":"Bounce""#)) {
///             log::info(bounce);
///         }
///     }
/// }
///
/// register!(Bounces: record);
/// ```
pub trait Record {
    /// Takes a batch of records, each a JSON object as it stands in the log.
    fn record(&self, records: Vec<String>);
}
