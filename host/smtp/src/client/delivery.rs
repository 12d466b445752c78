//! One message on its way to one server: its commands, and what became of each recipient.
//!
//! An envelope and the server's capabilities come in; commands go out, and in the end one outcome for each recipient, in
//! the envelope's order. A recipient gets exactly one outcome, the first that is known: what can be refused without
//! asking is refused at the start (a malformed address, a message the server has said it will not take), and the server
//! never hears of it.
//!
//! Rules: RFC 5321 §4.1.1.2, §4.1.1.3; RFC 1870 §5; RFC 6152 §3; RFC 6531 §3.4 and §3.6.

use super::{Capabilities, OutEnvelope, RecipientReply, SaidBy};
use crate::address::{ForwardPath, Mailbox, ReversePath, Utf8};
use crate::replies;
use crate::reply::Reply;

#[derive(Debug)]
pub(super) struct Delivery {
    mail: String,
    recipients: Vec<Recipient>,
    sender_accepted: bool,
}

#[derive(Debug)]
struct Recipient {
    address: String,
    /// The address in brackets; nothing if the server must not hear of it.
    path: Option<ForwardPath>,
    accepted: bool,
    outcome: Option<(Reply, SaidBy)>,
}

impl Delivery {
    pub(super) fn new(envelope: &OutEnvelope, offered: &Capabilities) -> Delivery {
        let recipients = envelope.recipients.iter().map(|address| Recipient::new(address, offered)).collect();
        let mut delivery = Delivery { mail: String::new(), recipients, sender_accepted: false };
        match mail_command(envelope, offered, delivery.recipients.iter().any(Recipient::needs_utf8)) {
            Ok(mail) => delivery.mail = mail,
            Err(refusal) => delivery.settle_rest(&refusal, SaidBy::Us),
        }
        delivery
    }

    /// The MAIL command, with CRLF.
    pub(super) fn mail(&self) -> &str {
        &self.mail
    }

    /// The RCPT command for one recipient, with CRLF.
    pub(super) fn rcpt(&self, index: usize) -> String {
        let path = self.recipients[index].path.as_ref().expect("only recipients with a path are asked for");
        format!("RCPT TO:{path}\r\n")
    }

    /// The next recipient the server has to be asked about, by its place in the envelope.
    pub(super) fn next_to_ask(&self, after: Option<usize>) -> Option<usize> {
        let first = after.map_or(0, |index| index + 1);
        (first..self.recipients.len()).find(|index| self.recipients[*index].outcome.is_none())
    }

    pub(super) fn on_mail(&mut self, reply: &Reply) {
        self.sender_accepted = reply.is_positive();
        if !self.sender_accepted {
            self.settle_rest(reply, SaidBy::Peer);
        }
    }

    pub(super) fn on_rcpt(&mut self, index: usize, reply: Reply) {
        let recipient = &mut self.recipients[index];
        if reply.is_positive() {
            recipient.accepted = true;
        } else {
            recipient.outcome.get_or_insert((reply, SaidBy::Peer));
        }
    }

    pub(super) fn sender_accepted(&self) -> bool {
        self.sender_accepted
    }

    /// Whether the server took the sender and at least one recipient.
    pub(super) fn has_accepted(&self) -> bool {
        self.sender_accepted && self.recipients.iter().any(|recipient| recipient.accepted)
    }

    /// Gives `reply` to every recipient without an outcome.
    pub(super) fn settle_rest(&mut self, reply: &Reply, said_by: SaidBy) {
        for recipient in &mut self.recipients {
            recipient.outcome.get_or_insert_with(|| (reply.clone(), said_by));
        }
    }

    /// The outcomes. A recipient without one would be lost, so it is put off.
    pub(super) fn into_outcomes(mut self) -> Vec<RecipientReply> {
        self.settle_rest(&replies::local_error().into(), SaidBy::Us);
        let outcome = |recipient: Recipient| {
            let (reply, said_by) = recipient.outcome.expect("every recipient was settled just now");
            RecipientReply { recipient: recipient.address, reply, said_by }
        };
        self.recipients.into_iter().map(outcome).collect()
    }
}

impl Recipient {
    fn new(address: &str, offered: &Capabilities) -> Recipient {
        let mut recipient = Recipient { address: address.to_owned(), path: None, accepted: false, outcome: None };
        match forward_path(address) {
            None => recipient.outcome = Some((replies::bad_recipient_address(), SaidBy::Us)),
            Some(path) if !path.is_ascii() && !offered.smtputf8 => {
                recipient.outcome = Some((replies::utf8_not_offered().into(), SaidBy::Us));
            }
            Some(path) => recipient.path = Some(path),
        }
        recipient
    }

    fn needs_utf8(&self) -> bool {
        self.path.as_ref().is_some_and(|path| !path.is_ascii())
    }
}

/// Reads an address as the envelope has it: without brackets, and so without a route.
fn forward_path(address: &str) -> Option<ForwardPath> {
    if address.eq_ignore_ascii_case("postmaster") {
        return Some(ForwardPath::Postmaster);
    }
    Mailbox::parse_with(address, Utf8::Allowed).ok().map(ForwardPath::Mailbox)
}

/// Returns the MAIL command, or the refusal that holds for every recipient.
///
/// Octets outside ASCII are sent even where 8BITMIME is not offered: converting would break signatures, and servers that
/// really cannot take them are gone.
fn mail_command(envelope: &OutEnvelope, offered: &Capabilities, utf8_recipient: bool) -> Result<String, Reply> {
    let sender = match &envelope.sender {
        None => ReversePath::Null,
        Some(address) => {
            Mailbox::parse(address).map(ReversePath::Mailbox).map_err(|_| replies::bad_sender_address())?
        }
    };
    let smtputf8 = envelope.smtputf8 || utf8_recipient || !sender.is_ascii();
    if smtputf8 && !offered.smtputf8 {
        return Err(replies::utf8_not_offered().into());
    }
    if offered.size_limit().is_some_and(|limit| envelope.size > limit) {
        return Err(replies::too_large());
    }
    let size = if offered.size.is_some() { format!(" SIZE={}", envelope.size) } else { String::new() };
    let body = if envelope.eight_bit && offered.eight_bit_mime { " BODY=8BITMIME" } else { "" };
    let utf8 = if smtputf8 { " SMTPUTF8" } else { "" };
    Ok(format!("MAIL FROM:{sender}{size}{body}{utf8}\r\n"))
}
