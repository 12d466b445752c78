//! By what a message is known when it comes again: whoever sends it has no copy of our id for it.

use tollgate_message::{Header, Received};

use crate::{
    Fingerprint,
    event::{requeue::Queued, smtp_session::OpenSession},
};

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

/// Returns the hash of a client's address: what it says to break a plugin, it can say in many words.
pub(crate) fn of_client(session: &OpenSession) -> Fingerprint {
    let address = session.session.peer.map(|peer| peer.ip().to_canonical().to_string()).unwrap_or_default();
    blake3::hash(address.as_bytes()).into()
}

/// Returns the hash of a queued message's id: it comes again after each attempt.
pub(crate) fn of_queued(queued: &Queued) -> Fingerprint {
    blake3::hash(&queued.id.to_bytes()).into()
}
