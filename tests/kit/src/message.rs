//! A message as it came in by SMTP, from a client that may relay.

use std::sync::Arc;

use bytes::Bytes;
use tollgate_message::{Address, Envelope, MessageId, Origin, Received, Session, Timestamp};

/// Returns a message with this content, for `u@example.com` from nobody.
#[must_use]
pub fn received(content: impl Into<Bytes>) -> Received {
    let (at, content) = (Timestamp::from_millis(1_700_000_000_000), content.into());
    let session = Session {
        origin: Origin::Smtp,
        authz_id: None,
        may_relay: true,
        peer: None,
        local: None,
        ehlo_domain: None,
        hostname: "mta.example".to_owned(),
    };
    let recipients = vec![Address::new("u@example.com")];
    Received {
        id: MessageId::new(at),
        at,
        envelope: Envelope { sender: None, recipients, smtputf8: false, eight_bit: false },
        session: Arc::new(session),
        size: content.len() as u64,
        content,
    }
}
