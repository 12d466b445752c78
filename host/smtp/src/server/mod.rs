//! The server's half of a session: octets from a client in, events for the driver out.
//!
//! The driver feeds what it read, calls [`Session::next`] until [`Event::NeedInput`], and writes all replies it got on the
//! way in one go (pipelining). Where a decision is not the protocol's (may this client, this sender, this recipient, was
//! the message stored) the session asks and stands still until it has the answer, so replies always keep the order of
//! the commands. The session opens no socket and reads no clock: time-outs, TLS and clients that talk before the greeting are the
//! driver's, and so is how long a client may go on sending a message that was found faulty.
//!
//! Invariant: octets behind DATA are run as commands only after the real end of the data.
//!
//! Rules: RFC 5321 §3 and §4.1.4 (order), §4.3.2 (replies); RFC 1870 §6, RFC 2920 §3.2, RFC 6531 §3.5.

mod commands;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Buf, BytesMut};

use crate::address::{ForwardPath, ReversePath};
use crate::command::MailParams;
use crate::data::{DataEnd, DataReader};
use crate::line::CommandReader;
use crate::replies;
use crate::reply::Reply;

/// Commands at fault after which a session is ended, in place of the reply to the last of them.
pub const MAX_BAD_COMMANDS: u32 = 20;

/// What a server is and allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionConfig {
    /// Name in the greeting and the answer to EHLO.
    pub hostname: String,
    /// Most octets in a message, at least 1.
    pub max_message_size: u64,
    /// Most recipients in a transaction; RFC 5321 §4.5.3.1.8 asks for 100 or more.
    pub max_recipients: usize,
}

/// Sender, recipients and parameters of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The sender.
    pub sender: ReversePath,
    /// The recipients that were accepted, in their order; repeated if the client repeated them.
    pub recipients: Vec<ForwardPath>,
    /// The parameters of MAIL.
    pub params: MailParams,
}

/// What the driver has to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Feed more, or answer what was asked: until then nothing happens.
    NeedInput,
    /// Write this reply, behind those before it.
    Reply(Reply),
    /// Decide on the name that a client gives with EHLO or HELO: call [`Session::answer`].
    AskHello {
        /// The name.
        domain: String,
    },
    /// Decide on a sender: call [`Session::answer`].
    AskMail {
        /// The sender.
        sender: ReversePath,
        /// The parameters of MAIL; the size is within the limit.
        params: MailParams,
    },
    /// Decide on a recipient: call [`Session::answer`].
    AskRcpt {
        /// The recipient.
        recipient: ForwardPath,
    },
    /// Keep these octets of the message, dot-stuffing removed; never empty.
    DataChunk(Vec<u8>),
    /// The message is whole and clean: store it, then call [`Session::finish_message`].
    MessageEnd {
        /// For whom, from whom.
        envelope: Envelope,
        /// Octets of the message, the sum of its chunks.
        size: u64,
    },
    /// The message was faulty: drop its chunks, of which there may be none. The refusal follows as a reply.
    MessageAborted,
    /// Write what is left and close the connection. Comes again on every later call.
    Close,
}

/// Who the client says it is.
#[derive(Debug)]
struct Peer {
    domain: String,
    esmtp: bool,
}

#[derive(Debug)]
enum State {
    /// No transaction.
    Idle,
    /// The driver owes an answer on the client's name; a refusal leaves everything as it was (RFC 5321 §4.1.4).
    AskedHello(Peer, Box<State>),
    /// The driver owes an answer on the sender.
    AskedMail(Envelope),
    /// A sender was accepted, recipients may come.
    Open(Envelope),
    /// The driver owes an answer on a recipient.
    AskedRcpt(Envelope, ForwardPath),
    /// 354 was said.
    Receiving(Envelope, DataReader),
    /// The driver owes the reply to a whole message.
    Finishing,
    Closed,
}

/// One session with a client.
///
/// ```
/// use std::sync::Arc;
/// use tollgate_smtp::server::{Event, Session, SessionConfig};
///
/// let config = SessionConfig { hostname: "mx.example".into(), max_message_size: 1_000_000, max_recipients: 100 };
/// let mut session = Session::new(Arc::new(config));
/// session.feed(b"HELO client.example\r\n");
///
/// let mut wire = Vec::new();
/// loop {
///     match session.next() {
///         Event::Reply(reply) => wire.extend(reply.to_wire()),
///         Event::AskHello { .. } => session.answer(Ok(())),
///         _ => break,
///     }
/// }
/// assert_eq!(wire, b"220 mx.example ESMTP\r\n250 mx.example\r\n");
/// ```
#[derive(Debug)]
pub struct Session {
    config: Arc<SessionConfig>,
    input: BytesMut,
    lines: CommandReader,
    events: VecDeque<Event>,
    peer: Option<Peer>,
    state: State,
    bad_commands: u32,
}

impl Session {
    /// Returns a session whose first event is the greeting.
    pub fn new(config: Arc<SessionConfig>) -> Session {
        let greeting = replies::greeting(&config.hostname);
        Session::begun(config, greeting, State::Idle)
    }

    /// Returns a session that is over as soon as it begins: this reply is the greeting (RFC 5321 §3.1). One that is not 4yz
    /// or 5yz becomes 451.
    pub fn turned_away(config: Arc<SessionConfig>, reply: Reply) -> Session {
        Session::begun(config, refusal(reply), State::Closed)
    }

    fn begun(config: Arc<SessionConfig>, greeting: Reply, state: State) -> Session {
        Session {
            config,
            input: BytesMut::new(),
            lines: CommandReader::new(),
            events: VecDeque::from([Event::Reply(greeting)]),
            peer: None,
            state,
            bad_commands: 0,
        }
    }

    /// Returns the name behind the last EHLO or HELO that was taken, which is the client's word and nothing more.
    pub fn ehlo_domain(&self) -> Option<&str> {
        self.peer.as_ref().map(|peer| peer.domain.as_str())
    }

    /// Returns whether the client greeted with EHLO.
    pub fn is_esmtp(&self) -> bool {
        self.peer.as_ref().is_some_and(|peer| peer.esmtp)
    }

    /// Appends what was read from the client.
    pub fn feed(&mut self, bytes: &[u8]) {
        if !matches!(self.state, State::Closed) {
            self.input.extend_from_slice(bytes);
        }
    }

    /// Accepts or refuses what the last [`Event::AskHello`], [`Event::AskMail`] or [`Event::AskRcpt`] asked for.
    ///
    /// A refusal that is not 4yz or 5yz becomes 451: nothing may be accepted by mistake. Does nothing if no answer is
    /// owed.
    pub fn answer(&mut self, verdict: Result<(), Reply>) {
        match (std::mem::replace(&mut self.state, State::Idle), verdict) {
            (State::AskedHello(peer, _), Ok(())) => self.greet(peer),
            (State::AskedHello(_, before), Err(reply)) => {
                self.state = *before;
                self.reply(refusal(reply));
            }
            (State::AskedMail(envelope), Ok(())) => {
                self.state = State::Open(envelope);
                self.reply(replies::sender_ok());
            }
            (State::AskedMail(_), Err(reply)) => self.reply(refusal(reply)),
            (State::AskedRcpt(mut envelope, recipient), Ok(())) => {
                envelope.recipients.push(recipient);
                self.state = State::Open(envelope);
                self.reply(replies::recipient_ok());
            }
            (State::AskedRcpt(envelope, _), Err(reply)) => {
                self.state = State::Open(envelope);
                self.reply(refusal(reply));
            }
            (state, _) => self.state = state,
        }
    }

    /// Says what became of the message of the last [`Event::MessageEnd`], 2yz only once it is safely stored.
    ///
    /// A 3yz reply becomes 451. Does nothing if no message is waiting.
    pub fn finish_message(&mut self, reply: Reply) {
        if matches!(self.state, State::Finishing) {
            self.state = State::Idle;
            self.reply(if reply.is_positive() { reply } else { refusal(reply) });
        }
    }

    /// Returns what the driver has to do next.
    #[expect(clippy::should_implement_trait, reason = "not an iterator: it never ends, it waits for input")]
    pub fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.events.pop_front() {
                return event;
            }
            match self.state {
                State::Closed => return Event::Close,
                State::AskedHello(..) | State::AskedMail(_) | State::AskedRcpt(..) | State::Finishing => {
                    return Event::NeedInput;
                }
                State::Idle | State::Open(_) | State::Receiving(..) if self.input.is_empty() => {
                    return Event::NeedInput;
                }
                State::Idle | State::Open(_) => self.read_line(),
                State::Receiving(..) => self.read_data(),
            }
        }
    }

    fn read_line(&mut self) {
        let mut rest = &self.input[..];
        let line = self.lines.read(&mut rest);
        let used = self.input.len() - rest.len();
        self.input.advance(used);
        if let Some(line) = line {
            self.take_line(line);
        }
    }

    fn read_data(&mut self) {
        let State::Receiving(_, reader) = &mut self.state else { return };
        let mut rest = &self.input[..];
        let mut chunk = Vec::with_capacity(if reader.fault().is_none() { rest.len() } else { 0 });
        let end = reader.read(&mut rest, &mut chunk);
        let clean = reader.fault().is_none();
        let used = self.input.len() - rest.len();
        self.input.advance(used);
        if clean && !chunk.is_empty() {
            self.events.push_back(Event::DataChunk(chunk));
        }
        if let Some(end) = end {
            self.end_data(end);
        }
    }

    fn end_data(&mut self, end: DataEnd) {
        let State::Receiving(envelope, _) = std::mem::replace(&mut self.state, State::Idle) else { return };
        match end.fault {
            None => {
                self.state = State::Finishing;
                self.events.push_back(Event::MessageEnd { envelope, size: end.size });
            }
            Some(fault) => {
                self.events.push_back(Event::MessageAborted);
                self.reply(replies::bad_data(fault));
            }
        }
    }

    /// Replies, and ends the session behind a 421 whoever it came from (RFC 5321 §3.8).
    fn reply(&mut self, reply: Reply) {
        if reply.code() == 421 {
            self.close();
        }
        self.events.push_back(Event::Reply(reply));
    }

    fn close(&mut self) {
        self.state = State::Closed;
        self.input = BytesMut::new();
    }
}

fn refusal(reply: Reply) -> Reply {
    if reply.is_temporary() || reply.is_permanent() { reply } else { replies::local_error().into() }
}
