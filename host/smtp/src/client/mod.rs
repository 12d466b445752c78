//! The client's half of a connection: replies from a server in, steps for the driver out.
//!
//! The driver reads replies ([`crate::reply::ReplyReader`]), hands each to [`Client::on_reply`] in order, and does what
//! the step says; it chooses its time-out by [`Client::phase`]. With PIPELINING a whole envelope goes out in one step, so
//! the driver must be ready to read while it writes. The client opens no socket, reads no clock, does no TLS, and decides
//! neither what to try next nor when.
//!
//! Invariant: every recipient of a delivery gets exactly one [`RecipientReply`], in [`Step::Finished`], in
//! [`Step::Broken`], or from [`Client::abandon`] if the connection failed beneath the protocol. No address can add a
//! command: those that are not strictly addresses are refused here.
//!
//! Rules: RFC 5321 §3.1 to §3.3, §3.8, §4.1.4, §4.2.1; RFC 2920 §3.1.

mod capabilities;
mod delivery;
#[cfg(test)]
mod tests;
mod transaction;

pub use capabilities::Capabilities;

use std::collections::VecDeque;

use crate::reply::Reply;
use delivery::Delivery;

/// A message to send: from whom, for whom, and what the server should know of it beforehand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutEnvelope {
    /// Sender without brackets; nothing for the null sender.
    pub sender: Option<String>,
    /// Recipients without brackets.
    pub recipients: Vec<String>,
    /// Octets of the message, line ends counted, dot-stuffing not.
    pub size: u64,
    /// Whether the message holds octets outside ASCII. Sent as it is even if the server does not offer 8BITMIME.
    pub eight_bit: bool,
    /// Whether the message has UTF-8 in its headers. An address outside ASCII implies it.
    pub smtputf8: bool,
}

/// What became of one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipientReply {
    /// The recipient as in the envelope.
    pub recipient: String,
    /// 2yz: the server has taken responsibility. 4yz: try again. 5yz: do not.
    pub reply: Reply,
    /// Who decided.
    pub said_by: SaidBy,
}

/// Who decided on a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaidBy {
    /// The server, by this very reply.
    Peer,
    /// We did, without asking or for want of a usable reply.
    Us,
}

/// What the driver has to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Read more: other replies are awaited.
    Wait,
    /// Write these octets, then read.
    Send(Vec<u8>),
    /// Write the message through [`crate::data::DataWriter`] to its end, then read. If that fails, close the connection
    /// and call [`Client::abandon`].
    SendMessage,
    /// The server is greeted: deliver or quit.
    Ready,
    /// The delivery is over and the next may begin: one outcome for each recipient, in their order.
    Finished(Vec<RecipientReply>),
    /// Close the connection, which is of no more use.
    Broken {
        /// Why.
        reason: BrokenReason,
        /// One outcome for each recipient of the delivery under way, in their order; empty if there was none.
        recipients: Vec<RecipientReply>,
    },
    /// QUIT was answered: close the connection.
    Closed,
}

/// Says why a connection is of no more use; ordered by who is at fault.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BrokenReason {
    /// The server does not want us: its greeting, or its answer to EHLO and HELO.
    Refused(Reply),
    /// The server closes the connection: 421.
    ShuttingDown(Reply),
    /// The server said what makes no sense here, or spoke without being asked.
    Unexpected(Reply),
}

/// Where a connection is, which says how long to wait (RFC 5321 §4.5.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Awaiting the greeting.
    Banner,
    /// Awaiting the answer to EHLO or HELO.
    Ehlo,
    /// Awaiting the answer to MAIL.
    MailFrom,
    /// Awaiting the answer to a RCPT.
    RcptTo,
    /// Awaiting the answer to DATA.
    Data,
    /// Sending the message, or awaiting the answer to its final dot.
    DataDot,
    /// Awaiting the answer to RSET.
    Rset,
    /// Awaiting the answer to QUIT.
    Quit,
    /// Awaiting nothing: deliver or quit.
    Ready,
    /// Over: close the connection.
    Closed,
}

/// A reply that is awaited, named by what it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaited {
    Banner,
    Ehlo,
    Helo,
    Rset,
    Mail,
    /// The recipient's place in the envelope.
    Rcpt(usize),
    Data,
    Dot,
    /// The dot behind an empty message for nobody (RFC 2920 §3.1).
    LoneDot,
    Quit,
}

/// One connection to a server.
#[derive(Debug)]
pub struct Client {
    ehlo_domain: String,
    capabilities: Capabilities,
    awaited: VecDeque<Awaited>,
    delivery: Option<Delivery>,
    /// Whether the server may still hold the sender of a finished delivery.
    half_done: bool,
    closed: bool,
}

impl Client {
    /// Returns the client of a connection just opened, awaiting the greeting.
    ///
    /// `ehlo_domain`: our name; anything in it but printable ASCII is left out.
    pub fn new(mut ehlo_domain: String) -> Client {
        ehlo_domain.retain(|c| c.is_ascii_graphic());
        Client {
            ehlo_domain,
            capabilities: Capabilities::default(),
            awaited: VecDeque::from([Awaited::Banner]),
            delivery: None,
            half_done: false,
            closed: false,
        }
    }

    /// Returns what the server offers; nothing until it has answered EHLO.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Returns what is awaited now.
    pub fn phase(&self) -> Phase {
        if self.closed {
            return Phase::Closed;
        }
        match self.awaited.front() {
            None => Phase::Ready,
            Some(Awaited::Banner) => Phase::Banner,
            Some(Awaited::Ehlo | Awaited::Helo) => Phase::Ehlo,
            Some(Awaited::Rset) => Phase::Rset,
            Some(Awaited::Mail) => Phase::MailFrom,
            Some(Awaited::Rcpt(_)) => Phase::RcptTo,
            Some(Awaited::Data) => Phase::Data,
            Some(Awaited::Dot | Awaited::LoneDot) => Phase::DataDot,
            Some(Awaited::Quit) => Phase::Quit,
        }
    }

    /// Begins a delivery, only in [`Phase::Ready`].
    ///
    /// It is finished at once if nobody is left to ask for. In any other phase it is finished with 451 for everybody, and
    /// the connection goes on as it was.
    pub fn deliver(&mut self, envelope: &OutEnvelope) -> Step {
        let delivery = Delivery::new(envelope, &self.capabilities);
        if self.phase() != Phase::Ready || delivery.next_to_ask(None).is_none() {
            return Step::Finished(delivery.into_outcomes());
        }
        self.begin(delivery)
    }

    /// Says QUIT in [`Phase::Ready`]; at any other time QUIT might be read as part of a message, so the step is `Closed`.
    ///
    /// A delivery under way is then ended with [`Client::abandon`], as for any other reason to stop in its middle.
    pub fn quit(&mut self) -> Step {
        if self.phase() != Phase::Ready {
            self.closed = true;
            return Step::Closed;
        }
        self.send("QUIT\r\n", Awaited::Quit)
    }

    /// Gives up the connection for a reason beneath the protocol (time-out, lost connection, unreadable reply).
    ///
    /// `refusal`: a [`TempReply`](crate::reply::TempReply), or a [`PermReply`](crate::reply::PermReply) if the message is
    /// at fault. Returns the outcomes of the delivery under way, `refusal` for those that had none; empty if there was no
    /// delivery. If the final dot was written the server may have taken the message all the same, and a second attempt
    /// doubles it (RFC 5321 §4.5.3.2.6); losing it would be worse.
    pub fn abandon(&mut self, refusal: &impl AsRef<Reply>) -> Vec<RecipientReply> {
        self.abandon_as(refusal.as_ref(), SaidBy::Us)
    }

    fn abandon_as(&mut self, reply: &Reply, said_by: SaidBy) -> Vec<RecipientReply> {
        self.closed = true;
        let Some(mut delivery) = self.delivery.take() else { return Vec::new() };
        delivery.settle_rest(reply, said_by);
        delivery.into_outcomes()
    }

    /// Takes the next reply of the server.
    pub fn on_reply(&mut self, reply: Reply) -> Step {
        if self.closed {
            return Step::Closed;
        }
        match (self.awaited.pop_front(), reply.code()) {
            (Some(Awaited::Quit), _) => {
                self.closed = true;
                Step::Closed
            }
            (_, 421) => self.shut_down(reply),
            (Some(Awaited::Data), _) => self.on_data(reply),
            // Only DATA can be answered with "go on".
            (None, _) | (Some(_), 300..=399) => self.break_off(BrokenReason::Unexpected(reply)),
            (Some(Awaited::Banner | Awaited::Helo), _) if !reply.is_positive() => self.refused(reply),
            (Some(Awaited::Banner), _) => self.send(&format!("EHLO {}\r\n", self.ehlo_domain), Awaited::Ehlo),
            (Some(Awaited::Ehlo), _) => self.on_ehlo(reply),
            (Some(Awaited::Helo), _) => Step::Ready,
            (Some(Awaited::Rset), _) => self.on_rset(reply),
            (Some(Awaited::Mail), _) => self.on_mail(&reply),
            (Some(Awaited::Rcpt(index)), _) => self.on_rcpt(index, reply),
            (Some(Awaited::Dot), _) => self.on_dot(&reply),
            (Some(Awaited::LoneDot), _) => self.finish(true),
        }
    }

    fn on_ehlo(&mut self, reply: Reply) -> Step {
        if reply.is_positive() {
            self.capabilities = Capabilities::from_ehlo(&reply);
            return Step::Ready;
        }
        if reply.is_permanent() {
            // RFC 5321 §3.2: a server without extensions refuses EHLO, and is asked again with HELO.
            return self.send(&format!("HELO {}\r\n", self.ehlo_domain), Awaited::Helo);
        }
        self.refused(reply)
    }

    fn send(&mut self, command: &str, awaited: Awaited) -> Step {
        self.awaited.push_back(awaited);
        Step::Send(command.as_bytes().to_vec())
    }

    fn refused(&mut self, reply: Reply) -> Step {
        self.break_off(BrokenReason::Refused(reply))
    }
}
