//! An event, as files have it: JSON, or the same in TOML.
//!
//! `event` names it, as in `wit/`; without it, it is message-received. The rest are the fields of its kind, in the module of
//! that. What is misspelt or cannot happen is refused with the field at fault.

mod egress;
mod message;
mod redact;
mod requeue;
mod session;
mod written;

use std::sync::Arc;

use serde_json::{Map, Value};
use tollgate_message::{Draft, QueueName, Timestamp};
use tollgate_policy::{
    Event as Kind, OptionValue, QueueOption, Settings,
    event::{requeue::Queued, smtp_session::OpenSession},
};

use crate::fields::Fields;
pub use egress::Egress;
pub use message::Parts;
pub use redact::Redaction;
pub use session::Asked;
pub use written::{of_message, of_queue, of_requeue, of_session, of_throttles};

/// Something to put to a plugin.
#[derive(Clone, Debug)]
pub enum Event {
    /// A message is about to be accepted.
    Message(Box<Draft>),
    /// A queue's settings are needed; with what the plugins before set.
    QueueConfig(QueueName, Settings),
    /// Rates are needed, of a tenant and a campaign.
    Throttles(Option<String>, Option<String>),
    /// A client wants something.
    Session(Arc<OpenSession>, Asked),
    /// It is needed how mail leaves.
    Egress(Egress),
    /// An attempt failed for now.
    Requeue(Arc<Queued>),
    /// Records were written.
    Record(Arc<[String]>),
}

impl Event {
    /// Reads an event; `now` stands where no time is named.
    ///
    /// # Errors
    /// What is wrong, with the field at fault.
    pub fn read(object: &Map<String, Value>, now: Timestamp) -> Result<Self, String> {
        let fields = Fields(object);
        let named = fields.text("event")?.unwrap_or("message-received");
        let only = |known: &[&str]| fields.only(&[&["event"], known].concat());
        match named {
            "message-received" => {
                only(&message::FIELDS)?;
                Ok(Self::Message(Box::new(Parts::read(&fields, now)?.into_draft()?)))
            }
            "queue-config" => {
                only(&["queue", "so_far"])?;
                Ok(Self::QueueConfig(queue(&fields)?, so_far(&fields)?))
            }
            "throttles" => {
                only(&["tenant", "campaign"])?;
                let owned = |name| Ok::<_, String>(fields.text(name)?.map(str::to_owned));
                Ok(Self::Throttles(owned("tenant")?, owned("campaign")?))
            }
            "smtp-session" => {
                only(&session::FIELDS)?;
                session::read(&fields).map(|(session, asked)| Self::Session(session, asked))
            }
            "egress" => {
                only(&egress::FIELDS)?;
                Egress::read(&fields).map(Self::Egress)
            }
            "requeue" => {
                only(&requeue::FIELDS)?;
                requeue::read(&fields, now).map(|queued| Self::Requeue(Arc::new(queued)))
            }
            "record" => {
                only(&["records"])?;
                Ok(Self::Record(fields.texts("records")?.into()))
            }
            other => Err(unknown(other)),
        }
    }

    /// Reads an event out of a file's text: TOML where the name says so, else JSON.
    ///
    /// # Errors
    /// What is wrong, with the place or the field at fault.
    pub fn parse(name: &str, text: &str, now: Timestamp) -> Result<Self, String> {
        Self::read(&object(name, text)?, now)
    }

    /// Returns which event it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Message(_) => Kind::MessageReceived,
            Self::QueueConfig(..) => Kind::QueueConfig,
            Self::Throttles(..) => Kind::Throttles,
            Self::Session(..) => Kind::SmtpSession,
            Self::Egress(_) => Kind::Egress,
            Self::Requeue(_) => Kind::Requeue,
            Self::Record(_) => Kind::Record,
        }
    }
}

fn unknown(name: &str) -> String {
    let known = Kind::ALL.map(Kind::name);
    match tollgate_config::likeliest(name, known) {
        Some(near) => format!("event: '{name}' is none; did you mean `{near}`?"),
        None => format!("event: '{name}' is none; there are {}", known.join(", ")),
    }
}

/// Returns the object that a file holds.
///
/// # Errors
/// What is no JSON, or no TOML, with its place.
pub fn object(name: &str, text: &str) -> Result<Map<String, Value>, String> {
    if name.ends_with(".toml") {
        toml::from_str(text).map_err(|reason| reason.to_string().trim_end().to_owned())
    } else {
        serde_json::from_str(text).map_err(|reason| format!("no JSON object: {reason}"))
    }
}

fn queue(fields: &Fields<'_>) -> Result<QueueName, String> {
    let name = fields.text("queue")?.ok_or("queue: the queue's name is missing, such as campaign:tenant@domain")?;
    Ok(QueueName::parse(name))
}

/// Reads settings by their options' names, as text or as JSON.
fn so_far(fields: &Fields<'_>) -> Result<Settings, String> {
    let mut settings = Settings::default();
    for (name, value) in fields.object("so_far")?.into_iter().flatten() {
        let option = QueueOption::from_name(name);
        let value = option_value(&option, value).map_err(|reason| format!("so_far.{name}: {reason}"))?;
        let set = settings.set(option, value, None, &Arc::from("before"));
        set.map_err(|reason| format!("so_far.{name}: {reason}"))?;
    }
    Ok(settings)
}

fn option_value(option: &QueueOption, value: &Value) -> Result<OptionValue, String> {
    use tollgate_config::{duration, rate::Rate};
    let text = || value.as_str().ok_or_else(|| format!("expected text, got {value}"));
    Ok(match option {
        QueueOption::RetryInterval
        | QueueOption::MaxRetryInterval
        | QueueOption::MaxAge
        | QueueOption::ReapInterval
        | QueueOption::RefreshInterval => OptionValue::Duration(duration::parse(text()?)?),
        QueueOption::MaxMessageRate => OptionValue::Rate(text()?.parse::<Rate>()?),
        QueueOption::EgressPool | QueueOption::ProviderName => OptionValue::Text(text()?.to_owned()),
        QueueOption::RefreshStrategy => OptionValue::Strategy(match text()? {
            "Ttl" => tollgate_policy::RefreshStrategy::Ttl,
            "Epoch" => tollgate_policy::RefreshStrategy::Epoch,
            other => return Err(format!("'{other}' is neither Ttl nor Epoch")),
        }),
        QueueOption::Protocol | QueueOption::Inert(_) => OptionValue::Json(value.clone()),
    })
}

#[cfg(test)]
mod tests;
