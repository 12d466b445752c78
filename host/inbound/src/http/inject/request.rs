//! The body of an injection request: JSON in, a checked [`Injection`] or a refusal out.
//!
//! Everything is checked before anything is injected. What is not taken here is refused by name, never ignored: a field
//! that silently does nothing looks like one that works.
//!
//! Rules: RFC 8259 (JSON); addresses by the parser that SMTP uses, RFC 5321 §4.1.2.

use std::fmt;

use axum::http::StatusCode;
use bytes::Bytes;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::error::Category;
use tollgate_message::Address;
use tollgate_smtp::Mailbox;

use super::super::Failure;
use super::text;
use crate::head;

/// Deepest nesting looked at. Ours has three levels.
const MAX_DEPTH: usize = 32;

/// A message for some recipients, all of it checked.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::http) struct Injection {
    /// Nobody is the null sender.
    pub(super) sender: Option<Address>,
    /// One or more.
    pub(super) recipients: Vec<Address>,
    /// With CRLF line ends.
    pub(super) message: Bytes,
    /// Whether something in it is not ASCII.
    pub(super) eight_bit: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    envelope_sender: String,
    recipients: Vec<Recipient>,
    content: Text,
    // KumoMTA's, known and not taken.
    trace_headers: Option<IgnoredAny>,
    deferred_spool: Option<IgnoredAny>,
    deferred_generation: Option<IgnoredAny>,
    substitutions: Option<IgnoredAny>,
    template_dialect: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recipient {
    email: String,
    name: Option<String>,
    substitutions: Option<IgnoredAny>,
}

/// A text; the structured form of KumoMTA is refused in words.
struct Text(String);

/// Reads a request. `max_recipients`: more are refused.
///
/// # Errors
/// 400 for what is no JSON, 422 for what is no injection.
pub(in crate::http) fn parse(body: &[u8], max_recipients: usize) -> Result<Injection, Failure> {
    if depth(body) > MAX_DEPTH {
        return Err(Failure::new(StatusCode::BAD_REQUEST, "the JSON is nested too deeply"));
    }
    // The library would also take a list of the fields' values, in their order.
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(Failure::unprocessable("expected a JSON object, got a list"));
    }
    let wire: Wire = serde_json::from_slice(body).map_err(|error| refused(&error))?;
    check_supported(&wire)?;
    let message = text::normalize(&wire.content.0).map_err(|why| Failure::unprocessable(format!("content: {why}")))?;
    let looked_at = &message[..message.len().min(crate::content::HEAD_LIMIT)];
    head::check(looked_at, looked_at.len() == message.len())
        .map_err(|reply| Failure::unprocessable(format!("content: {reply}")))?;
    Ok(Injection {
        sender: sender(&wire.envelope_sender)?,
        recipients: recipients(&wire.recipients, max_recipients)?,
        eight_bit: !message.is_ascii(),
        message: message.into(),
    })
}

fn refused(error: &serde_json::Error) -> Failure {
    match error.classify() {
        Category::Data => Failure::unprocessable(error.to_string()),
        Category::Syntax | Category::Eof | Category::Io => Failure::new(StatusCode::BAD_REQUEST, error.to_string()),
    }
}

fn check_supported(wire: &Wire) -> Result<(), Failure> {
    let given = [
        ("trace_headers", wire.trace_headers.is_some()),
        ("deferred_spool", wire.deferred_spool.is_some()),
        ("deferred_generation", wire.deferred_generation.is_some()),
        ("substitutions", wire.substitutions.is_some()),
        ("template_dialect", wire.template_dialect.is_some()),
        ("recipients.substitutions", wire.recipients.iter().any(|recipient| recipient.substitutions.is_some())),
    ];
    match given.into_iter().find(|(_, given)| *given) {
        Some((field, _)) => Err(Failure::unprocessable(format!("not supported here: {field}"))),
        None => Ok(()),
    }
}

fn sender(text: &str) -> Result<Option<Address>, Failure> {
    if text.is_empty() {
        return Ok(None);
    }
    address(text).map(Some).map_err(|why| Failure::unprocessable(format!("envelope_sender: {why}")))
}

fn recipients(given: &[Recipient], max: usize) -> Result<Vec<Address>, Failure> {
    if given.is_empty() || given.len() > max {
        return Err(Failure::unprocessable(format!("recipients: from 1 to {max} are taken")));
    }
    given.iter().enumerate().map(|(index, given)| recipient(index, given)).collect()
}

/// A name is taken and not used, but a name that could break out of a header is a sign of an injector with a hole.
fn recipient(index: usize, given: &Recipient) -> Result<Address, Failure> {
    if given.name.as_ref().is_some_and(|name| name.contains(['\r', '\n', '\0'])) {
        return Err(Failure::unprocessable(format!("recipients[{index}].name: control character")));
    }
    address(&given.email).map_err(|why| Failure::unprocessable(format!("recipients[{index}].email: {why}")))
}

fn address(text: &str) -> Result<Address, tollgate_smtp::AddressError> {
    Mailbox::parse(text).map(|mailbox| Address::new(mailbox.to_string()))
}

/// Returns how deep brackets nest outside strings. The parser's own limit does not hold for fields that it skips.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for octet in json {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => depth += 1,
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("content to be a text")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Text, E> {
        Ok(Text(text.to_owned()))
    }

    fn visit_string<E: serde::de::Error>(self, text: String) -> Result<Text, E> {
        Ok(Text(text))
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Text, A::Error> {
        Err(A::Error::custom("content: only a text is taken, a whole message with its header"))
    }
}
