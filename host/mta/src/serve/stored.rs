//! What the spool keeps of a message besides its octets, as JSON.
//!
//! `meta` is written once, with the message; `state` is replaced after each attempt. Unknown fields are ignored and new
//! ones have defaults, so that a later version reads what an earlier one wrote.

use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use tollgate_control::record::PolicyStep;
use tollgate_message::{Envelope, Meta, QueueName, Schedule, Timestamp, header::Piece};

/// What never changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StoredMeta {
    pub(crate) envelope: Envelope,
    /// The header as sent on: pieces of the stored octets and fields of our own.
    pub(crate) header: Vec<Piece>,
    /// Where the body starts in the stored octets, with the empty line before it.
    pub(crate) body_at: u64,
    /// Length of the stored octets.
    pub(crate) size: u64,
    #[serde(default)]
    pub(crate) meta: Meta,
    #[serde(default)]
    pub(crate) schedule: Option<Schedule>,
    /// The word behind `with` in our trace field.
    pub(crate) protocol: String,
    #[serde(default)]
    pub(crate) generation: u64,
    #[serde(default)]
    pub(crate) policy: Vec<PolicyStep>,
}

/// What an attempt changes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct StoredState {
    pub(crate) queue: QueueName,
    pub(crate) due: Timestamp,
    #[serde(default)]
    pub(crate) attempts: u32,
    /// The recipients that are not done, by their place in the envelope.
    pub(crate) pending: Vec<u32>,
    /// Why the message is held, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) held: Option<String>,
    /// The metadata that stands in place of the first, where policy has changed it since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) meta: Option<Meta>,
}

/// Returns a message's metadata and state, as they are by now, out of what the spool keeps.
pub(crate) fn decode(meta: &[u8], state: &[u8]) -> Result<(StoredMeta, StoredState), serde_json::Error> {
    let (mut meta, state): (StoredMeta, StoredState) = (serde_json::from_slice(meta)?, serde_json::from_slice(state)?);
    if let Some(changed) = &state.meta {
        meta.meta.clone_from(changed);
    }
    Ok((meta, state))
}

/// Returns something as the spool keeps it.
pub(crate) fn encode(value: &impl Serialize) -> Bytes {
    Bytes::from(serde_json::to_vec(value).expect("these types hold nothing that JSON lacks"))
}

impl StoredMeta {
    /// Returns the header as it is sent, with the empty line, out of the stored octets.
    pub(crate) fn render_header(&self, octets: &[u8]) -> Bytes {
        let mut header = BytesMut::with_capacity(1024);
        for piece in &self.header {
            match piece {
                Piece::Keep(start, end) => {
                    let range = usize::try_from(*start).ok().zip(usize::try_from(*end).ok());
                    header.extend_from_slice(range.and_then(|(start, end)| octets.get(start..end)).unwrap_or_default());
                }
                Piece::Insert(text) => header.extend_from_slice(text.as_bytes()),
            }
        }
        // The stored octets go on with the empty line, if there is a body at all.
        if octets.len() as u64 <= self.body_at && self.size <= self.body_at {
            header.extend_from_slice(b"\r\n");
        }
        header.freeze()
    }
}

#[cfg(test)]
mod tests {
    use tollgate_message::{Address, Header};

    use super::*;

    fn stored(message: &'static [u8], edit: impl FnOnce(&mut Header)) -> StoredMeta {
        let mut header = Header::parse(Bytes::from_static(message));
        edit(&mut header);
        StoredMeta {
            envelope: Envelope {
                sender: None,
                recipients: vec![Address::new("u@example.com")],
                smtputf8: false,
                eight_bit: false,
            },
            header: header.pieces(),
            body_at: header.original_len() as u64,
            size: message.len() as u64,
            meta: Meta::new(),
            schedule: None,
            protocol: "SMTP".to_owned(),
            generation: 1,
            policy: Vec::new(),
        }
    }

    /// The message as it is sent: the header as rendered, and the stored octets from the body on.
    fn sent(meta: &StoredMeta, message: &'static [u8]) -> String {
        let body = &message[usize::try_from(meta.body_at).expect("a small message")..];
        let header = meta.render_header(message);
        format!("{}{}", String::from_utf8_lossy(&header), String::from_utf8_lossy(body))
    }

    #[test]
    fn edits_change_the_header_and_nothing_else() {
        let message = b"X-Tenant: t\r\nSubject: s\r\n\r\nX-Tenant: not a field\r\n";
        let meta = stored(message, |header| {
            header.remove("X-Tenant");
            header.prepend("Received", "by us").expect("a field");
        });

        assert_eq!(sent(&meta, message), "Received: by us\r\nSubject: s\r\n\r\nX-Tenant: not a field\r\n");
    }

    #[test]
    fn a_message_without_a_body_or_without_a_header_stays_one() {
        let (no_body, no_header) = (b"Subject: s\r\n", b"\r\nbody\r\n");
        let trace = |header: &mut Header| header.prepend("Received", "by us").expect("a field");

        let sent = [sent(&stored(no_body, trace), no_body), sent(&stored(no_header, trace), no_header)];

        assert_eq!(sent, ["Received: by us\r\nSubject: s\r\n\r\n", "Received: by us\r\n\r\nbody\r\n"]);
    }

    #[test]
    fn what_is_stored_reads_back() {
        let meta = stored(b"Subject: s\r\n\r\n", |_| {});
        let state = StoredState {
            queue: QueueName::parse("c:t@d"),
            due: Timestamp::from_millis(7),
            attempts: 3,
            pending: vec![0],
            held: None,
            meta: None,
        };

        let (meta_read, read) = decode(&encode(&meta), &encode(&state)).expect("a message");

        assert_eq!((read, encode(&meta_read)), (state, encode(&meta)));
    }

    #[test]
    fn metadata_that_was_changed_since_stands_in_place_of_the_first() {
        let mut meta = stored(b"Subject: s\r\n\r\n", |_| {});
        meta.meta.insert("tenant".to_owned(), "t".to_owned());
        let changed = Meta::from([("campaign".to_owned(), "c".to_owned())]);
        let state = StoredState {
            queue: QueueName::parse("c:@d"),
            due: Timestamp::from_millis(7),
            attempts: 3,
            pending: vec![0],
            held: None,
            meta: Some(changed.clone()),
        };

        let (read, _) = decode(&encode(&meta), &encode(&state)).expect("a message");

        assert_eq!(read.meta, changed);
    }
}
