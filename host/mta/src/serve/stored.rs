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
