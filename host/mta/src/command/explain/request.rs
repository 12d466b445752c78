//! A request of `explain --batch`, from its JSON to a question.

use serde_json::{Map, Value};
use tollgate_message::{Draft, Origin, QueueName, Timestamp};

use super::{fields::Fields, message::Parts};

/// A question, and the files under which it is asked.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) queues: Vec<String>,
    pub(super) question: Question,
}

/// What is asked.
#[derive(Debug)]
pub(super) enum Question {
    /// What becomes of this message?
    Message(Box<Parts>),
    /// Which settings has this queue?
    Queue(QueueName),
    /// What are the parts of this name? No file matters.
    Name(QueueName),
}

impl Request {
    /// Reads a request. `now` stands where the request names no time.
    ///
    /// # Errors
    /// What is wrong with the request, with the field at fault.
    pub(super) fn read(object: &Map<String, Value>, now: Timestamp) -> Result<Self, String> {
        let fields = Fields(object);
        let question = match fields.text("op")?.unwrap_or("received") {
            "received" => Question::Message(Box::new(parts(&fields, now)?)),
            "queue-config" => Question::Queue(queue(&fields)?),
            "parse-queue-name" => {
                Question::Name(QueueName::parse(fields.text("name")?.ok_or("name: the name to parse is missing")?))
            }
            "build-queue-name" => Question::Name(built(&fields)?),
            other => {
                let known = "there are received, queue-config, parse-queue-name and build-queue-name";
                return Err(format!("op: '{other}' is unknown; {known}"));
            }
        };
        Ok(Self { queues: fields.texts("queues")?, question })
    }
}

/// Returns the message of a request that has no other fields than those of one.
///
/// # Errors
/// What is wrong with it, with the field at fault.
pub(in super::super) fn message_of(object: &Map<String, Value>, now: Timestamp) -> Result<Draft, String> {
    parts(&Fields(object), now)?.into_draft()
}

fn parts(fields: &Fields<'_>, now: Timestamp) -> Result<Parts, String> {
    Ok(Parts {
        origin: origin(fields)?,
        authz_id: fields.text("authz_id")?.map(str::to_owned),
        may_relay: fields.flag("may_relay", true)?,
        hostname: "localhost".to_owned(),
        sender: fields.text("sender")?.unwrap_or_default().to_owned(),
        recipients: fields.texts("recipients")?,
        headers: fields.pairs("headers")?,
        meta: fields.meta("meta")?,
        now: time(fields)?.unwrap_or(now),
    })
}

fn origin(fields: &Fields<'_>) -> Result<Origin, String> {
    match fields.text("origin")? {
        None | Some("smtp") => Ok(Origin::Smtp),
        Some("http") => Ok(Origin::Http),
        Some(other) => Err(format!("origin: '{other}' is neither smtp nor http")),
    }
}

fn time(fields: &Fields<'_>) -> Result<Option<Timestamp>, String> {
    let parse = |text| Timestamp::parse_rfc3339(text).ok_or_else(|| format!("now: '{text}' is not an RFC 3339 time"));
    fields.text("now")?.map(parse).transpose()
}

fn queue(fields: &Fields<'_>) -> Result<QueueName, String> {
    match fields.text("queue")? {
        Some(name) => Ok(QueueName::parse(name)),
        None => built(fields),
    }
}

fn built(fields: &Fields<'_>) -> Result<QueueName, String> {
    let domain = fields.text("domain")?.ok_or("domain: a queue name has one")?;
    let (campaign, tenant) = (fields.text("campaign")?, fields.text("tenant")?);
    Ok(QueueName::new(campaign, tenant, domain, fields.text("routing_domain")?))
}
