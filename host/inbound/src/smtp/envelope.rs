//! The protocol's envelope as the message's: the same facts in the types of the next stage.

use tollgate_message::{Address, Envelope};
use tollgate_smtp::{Body, ForwardPath, Mailbox, ReversePath, server};

use crate::submit::Protocol;

/// Returns the message's envelope.
pub(super) fn convert(envelope: &server::Envelope) -> Envelope {
    Envelope {
        sender: sender(&envelope.sender),
        recipients: envelope.recipients.iter().map(recipient).collect(),
        smtputf8: envelope.params.smtputf8,
        eight_bit: envelope.params.body == Body::EightBitMime,
    }
}

/// Returns a sender; nothing is the null sender.
pub(super) fn sender(path: &ReversePath) -> Option<Address> {
    path.mailbox().map(address)
}

/// Returns what a transaction was sent with.
pub(super) fn protocol(envelope: &server::Envelope, esmtp: bool) -> Protocol {
    match (envelope.params.smtputf8, esmtp) {
        (true, _) => Protocol::Utf8Smtp,
        (false, true) => Protocol::Esmtp,
        (false, false) => Protocol::Smtp,
    }
}

/// Returns a recipient.
pub(super) fn recipient(path: &ForwardPath) -> Address {
    path.mailbox().map_or_else(|| Address::new("Postmaster"), address)
}

fn address(mailbox: &Mailbox) -> Address {
    Address::new(mailbox.to_string())
}
