//! A message as it would arrive, made of its parts.
//!
//! Parts come from a request, a file or the command line and are checked here: what reception could never hand to policy is
//! refused with the part at fault, so what is told of it is always of something that can happen.

use std::{net::SocketAddr, sync::Arc};

use bytes::{BufMut as _, Bytes, BytesMut};
use tollgate_message::{Address, Draft, Envelope, MessageId, Meta, Origin, Received, Schedule, Session, Timestamp};

use crate::fields::Fields;

/// The parts of a message, and the session it comes in.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The door.
    pub origin: Origin,
    /// The identity that the session has.
    pub authz_id: Option<String>,
    /// Whether the session may send to any domain.
    pub may_relay: bool,
    /// Our name.
    pub hostname: String,
    /// The client.
    pub peer: Option<SocketAddr>,
    /// Its name.
    pub ehlo_domain: Option<String>,
    /// Empty, or `<>`, for the null sender.
    pub sender: String,
    /// One at least.
    pub recipients: Vec<String>,
    /// Names and values, these with their folds and without the blank after the colon.
    pub headers: Vec<(String, String)>,
    /// What follows the header; its line ends may be bare.
    pub body: String,
    /// The size of the whole message in octets, where that is more than what is here.
    pub size: Option<u64>,
    /// Metadata that was set before.
    pub meta: Meta,
    /// A schedule that was set before, as the JSON that headers have.
    pub schedule: Option<String>,
    /// When it was received.
    pub now: Timestamp,
}

/// The fields of a message in a file.
pub(super) const FIELDS: [&str; 14] = [
    "origin",
    "authz_id",
    "may_relay",
    "hostname",
    "peer",
    "ehlo_domain",
    "sender",
    "recipients",
    "headers",
    "body",
    "size",
    "meta",
    "schedule",
    "now",
];

impl Parts {
    /// Returns the parts of a message to these recipients, from a client that may relay.
    #[must_use]
    pub fn new(recipients: Vec<String>, now: Timestamp) -> Self {
        Self {
            origin: Origin::Smtp,
            authz_id: None,
            may_relay: true,
            hostname: "localhost".to_owned(),
            peer: None,
            ehlo_domain: None,
            sender: String::new(),
            recipients,
            headers: Vec::new(),
            body: String::new(),
            size: None,
            meta: Meta::new(),
            schedule: None,
            now,
        }
    }

    /// Reads the parts of a message; `now` stands where no time is named.
    ///
    /// # Errors
    /// What is wrong, with the field at fault.
    pub fn read(fields: &Fields<'_>, now: Timestamp) -> Result<Self, String> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let plain = Self::new(fields.texts("recipients")?, fields.time("now")?.unwrap_or(now));
        Ok(Self {
            origin: origin(fields)?,
            authz_id: owned(fields.text("authz_id")?),
            may_relay: fields.flag("may_relay", true)?,
            hostname: owned(fields.text("hostname")?).unwrap_or(plain.hostname),
            peer: fields.parsed("peer", "an address with a port")?,
            ehlo_domain: owned(fields.text("ehlo_domain")?),
            sender: owned(fields.text("sender")?).unwrap_or_default(),
            headers: fields.pairs("headers")?,
            body: owned(fields.text("body")?).unwrap_or_default(),
            size: fields.number("size")?,
            meta: fields.meta("meta")?,
            schedule: fields.json("schedule"),
            ..plain
        })
    }

    /// Returns the message just received, nothing asked yet.
    ///
    /// # Errors
    /// The part that no message can have.
    pub fn into_draft(self) -> Result<Draft, String> {
        let content = content(&self.headers, &self.body)?;
        let envelope = envelope(&self.sender, &self.recipients)?;
        let session = Session {
            origin: self.origin,
            authz_id: self.authz_id,
            may_relay: self.may_relay,
            peer: self.peer,
            local: None,
            ehlo_domain: self.ehlo_domain,
            hostname: self.hostname,
        };
        let received = Received {
            id: MessageId::new(self.now),
            at: self.now,
            envelope,
            session: Arc::new(session),
            size: self.size.unwrap_or_default().max(content.len() as u64),
            content,
        };
        let mut draft = Draft::new(received);
        draft.edits.meta = self.meta;
        draft.edits.schedule = self.schedule.map(|json| schedule(&json, self.now)).transpose()?;
        Ok(draft)
    }
}

/// Reads a schedule as headers have it, or as it is kept.
fn schedule(json: &str, now: Timestamp) -> Result<Schedule, String> {
    let read = Schedule::parse(json, now);
    read.or_else(|reason| serde_json::from_str(json).map_err(|_| format!("schedule: {reason}")))
}

fn origin(fields: &Fields<'_>) -> Result<Origin, String> {
    match fields.text("origin")? {
        None | Some("smtp") => Ok(Origin::Smtp),
        Some("http") => Ok(Origin::Http),
        Some(other) => Err(format!("origin: '{other}' is neither smtp nor http")),
    }
}

/// Returns header and body as octets, with one blank after each colon.
fn content(headers: &[(String, String)], body: &str) -> Result<Bytes, String> {
    let mut text = String::new();
    for (name, value) in headers {
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic() && b != b':') {
            return Err(format!("headers: '{name}' is no name; it is printable ASCII without a colon"));
        }
        if !is_folded(value.as_bytes()) {
            return Err(format!(
                "headers: the value of '{name}' holds NUL, CR or LF; only CR LF and a blank may fold it"
            ));
        }
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    let mut octets = BytesMut::from(text.as_bytes());
    if body.contains('\0') {
        return Err("body: it holds NUL, which no message does".to_owned());
    }
    for line in body.split_inclusive('\n') {
        octets.put(line.trim_end_matches(['\r', '\n']).as_bytes());
        octets.put(&b"\r\n"[..]);
    }
    Ok(octets.freeze())
}

/// Returns whether every line end is CR LF with a blank behind it, so that the value is one field (RFC 5322 §2.2.3).
fn is_folded(value: &[u8]) -> bool {
    let mut rest = value;
    while let Some(at) = rest.iter().position(|b| matches!(b, b'\r' | b'\n' | 0)) {
        match &rest[at..] {
            [b'\r', b'\n', b' ' | b'\t', ..] => rest = &rest[at + 3..],
            _ => return false,
        }
    }
    true
}

fn envelope(sender: &str, recipients: &[String]) -> Result<Envelope, String> {
    if recipients.is_empty() {
        return Err("recipients: there is none, and every message has one".to_owned());
    }
    let sender = Some(sender).filter(|sender| !matches!(*sender, "" | "<>"));
    Ok(Envelope {
        sender: sender.map(|sender| address("sender", sender)).transpose()?,
        recipients: recipients.iter().map(|to| address("recipients", to)).collect::<Result<_, _>>()?,
        smtputf8: false,
        eight_bit: false,
    })
}

/// Takes more than the protocol does (a final dot, a domain in any script): those are policy's to normalise.
pub(super) fn address(what: &str, text: &str) -> Result<Address, String> {
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(format!("{what}: '{}' is no address", text.escape_default()));
    }
    Ok(Address::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_fold_may_break_a_value() {
        let values = ["", "a b", "a\r\n b", "\r\n\tb\r\n c", "a\r\nb", "a\nb", "a\n b", "a\rb", "a\r\n", "a\0b"];

        let taken: Vec<&str> = values.into_iter().filter(|value| is_folded(value.as_bytes())).collect();

        assert_eq!(taken, ["", "a b", "a\r\n b", "\r\n\tb\r\n c"]);
    }
}
