//! By what a message is known when it comes again: whoever sends it has no copy of our id for it.

use tollgate_message::{Header, Received};

use crate::Fingerprint;

/// Returns the hash of a message's sender, its `Message-ID` as received, and the part of its body that is here.
#[must_use]
pub fn fingerprint(received: &Received) -> Fingerprint {
    let header = Header::parse(received.content.clone());
    let sender = received.envelope.sender.as_ref().map_or("", |sender| sender.as_str());
    let id = header.values("Message-ID").next().unwrap_or_default();
    let body = received.content.get(header.original_len()..).unwrap_or_default();
    let mut hasher = blake3::Hasher::new();
    for part in [sender.as_bytes(), id, body] {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    hasher.finalize().into()
}
