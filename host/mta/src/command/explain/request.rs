//! A request of `explain --batch`, from its JSON to a question.

use serde_json::{Map, Value};
use tollgate_desk::{event::Parts, fields::Fields};
use tollgate_message::{QueueName, Timestamp};

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
            "received" => Question::Message(Box::new(Parts::read(&fields, now)?)),
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
