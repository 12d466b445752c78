//! One record: something that happened to a message.

use std::{collections::BTreeMap, net::SocketAddr};

use serde::{Deserialize, Serialize, ser::SerializeStruct as _};
use tollgate_message::{MessageId, Timestamp};
use tollgate_smtp::Reply;

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub enum Kind {
    /// A message was accepted.
    Reception,
    /// A message was refused while it was received.
    Rejection,
    /// A recipient's message was delivered. Final.
    Delivery,
    /// An attempt failed and will be repeated.
    TransientFailure,
    /// It waits for later without an attempt.
    Delayed,
    /// The next hop refused for good. Final.
    Bounce,
    /// The message became too old. Final.
    Expiration,
    /// An operator ended it. Final.
    AdminBounce,
    /// Policy had it thrown away. Final.
    Discard,
}

impl Kind {
    /// Returns the word of the `type` field, which metrics use too.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Reception => "Reception",
            Self::Rejection => "Rejection",
            Self::Delivery => "Delivery",
            Self::TransientFailure => "TransientFailure",
            Self::Delayed => "Delayed",
            Self::Bounce => "Bounce",
            Self::Expiration => "Expiration",
            Self::AdminBounce => "AdminBounce",
            Self::Discard => "Discard",
        }
    }
}

/// The machine at the other end of a connection.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Peer {
    /// Its name: as it was looked up, or as it called itself.
    pub name: String,
    /// Its address and port.
    pub addr: SocketAddr,
}

/// A record. Addresses are as sent; empty fields are left out.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Record {
    /// What happened.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The message.
    pub id: MessageId,
    /// Reverse-path, empty for the null sender.
    pub sender: String,
    /// The recipient that this is about.
    pub recipient: String,
    /// The queue's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub queue: String,
    /// The ready queue, `source->site@protocol`, where there is one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub site: String,
    /// Octets of the message.
    pub size: u64,
    /// What the other side said, or we in its place.
    pub response: Response,
    /// The other side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_address: Option<Peer>,
    /// When this happened, in seconds since 1970.
    #[serde(rename = "timestamp", serialize_with = "seconds")]
    pub at: Timestamp,
    /// The same as text.
    pub event_time: EventTime,
    /// When the message was accepted, in seconds since 1970.
    #[serde(serialize_with = "seconds")]
    pub created: Timestamp,
    /// Attempts that counted, this one included.
    pub num_attempts: u32,
    /// Pool of the attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress_pool: Option<String>,
    /// Source of the attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress_source: Option<String>,
    /// The queue's `provider_name`, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_name: Option<String>,
    /// Address that we sent from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_address: Option<SocketAddr>,
    /// How the message came in: `SMTP`, `ESMTP`, `HTTP`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reception_protocol: String,
    /// How it went out: `ESMTP`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_protocol: Option<&'static str>,
    /// When the next attempt is due, after a transient failure, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_due: Option<EventTime>,
    /// The message's metadata.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub meta: BTreeMap<String, String>,
    /// The configuration under which policy decided.
    pub generation: u64,
    /// Plugins that were asked, with their outcome and time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policy: Vec<PolicyStep>,
}

impl Record {
    /// Returns the record as it stands in the log, a JSON object in one line.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a record holds nothing that JSON lacks")
    }
}

/// A plugin in a record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PolicyStep {
    /// Its name.
    pub plugin: String,
    /// Its answer, or how it failed.
    pub outcome: String,
    /// How long it took, in microseconds.
    pub micros: u64,
}

/// A time as RFC 3339 text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EventTime(pub Timestamp);

impl Serialize for EventTime {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A reply in a record: code, enhanced code as three numbers, text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Response(pub Reply);

impl Serialize for Response {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Response", 3)?;
        fields.serialize_field("code", &self.0.code())?;
        let enhanced = self.0.enhanced().map(|code| EnhancedCode {
            class: code.class(),
            subject: code.subject(),
            detail: code.detail(),
        });
        fields.serialize_field("enhanced_code", &enhanced)?;
        fields.serialize_field("content", self.0.text())?;
        fields.end()
    }
}

#[derive(Serialize)]
struct EnhancedCode {
    class: u8,
    subject: u16,
    detail: u16,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the serializer passes a reference")]
fn seconds<S: serde::Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(time.as_millis() / 1000)
}
