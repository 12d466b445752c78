//! A message as it would arrive, made of its parts.
//!
//! Parts come from a request or from the command line and are checked here: what reception could never hand to policy is
//! refused with the part at fault, so an explanation is always of something that can happen.

use std::sync::Arc;

use bytes::Bytes;
use tollgate_message::{Address, Draft, Envelope, MessageId, Meta, Origin, Received, Session, Timestamp};

/// The parts of a message, and the session it comes in.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) origin: Origin,
    pub(super) authz_id: Option<String>,
    pub(super) may_relay: bool,
    pub(super) hostname: String,
    /// Empty, or `<>`, for the null sender.
    pub(super) sender: String,
    pub(super) recipients: Vec<String>,
    /// Names and values, these with their folds and without the blank after the colon.
    pub(super) headers: Vec<(String, String)>,
    pub(super) meta: Meta,
    pub(super) now: Timestamp,
}

impl Parts {
    /// Returns the message just received, nothing asked yet.
    ///
    /// # Errors
    /// The part that no message can have.
    pub(super) fn into_draft(self) -> Result<Draft, String> {
        let content = content(&self.headers)?;
        let envelope = envelope(&self.sender, &self.recipients)?;
        let session = Session {
            origin: self.origin,
            authz_id: self.authz_id,
            may_relay: self.may_relay,
            peer: None,
            local: None,
            ehlo_domain: None,
            hostname: self.hostname,
        };
        let received = Received {
            id: MessageId::new(self.now),
            at: self.now,
            envelope,
            session: Arc::new(session),
            size: content.len() as u64,
            content,
        };
        let mut draft = Draft::new(received);
        draft.edits.meta = self.meta;
        Ok(draft)
    }
}

/// Returns the header as octets, with one blank after each colon and an empty body.
fn content(headers: &[(String, String)]) -> Result<Bytes, String> {
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
    Ok(text.into())
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
fn address(what: &str, text: &str) -> Result<Address, String> {
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
