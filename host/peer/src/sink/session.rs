//! One client of a sink: octets in, replies out, as the session and the rules say.
//!
//! The session of `tollgate-smtp` runs the protocol; rules act where it asks for a decision, and on the replies for which
//! it asks nobody (greeting, EHLO, 354), which are told apart by their codes. Replies are gathered and written when there
//! is nothing left to do with what was read, or before a delay.

use std::io;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tollgate_smtp::address::{ForwardPath, ReversePath};
use tollgate_smtp::replies;
use tollgate_smtp::reply::{EnhancedCode, Reply};
use tollgate_smtp::server::{Envelope, Event, Session};

use super::{Arrived, Shared};
use crate::rule::{Stage, Verdict};

/// Octets read at once.
const READ: usize = 64 * 1024;

/// Whether the connection goes on.
type Flow = io::Result<ControlFlow<()>>;

const GO_ON: Flow = Ok(ControlFlow::Continue(()));
const CLOSE: Flow = Ok(ControlFlow::Break(()));

struct Conversation<'a> {
    shared: &'a Shared,
    stream: TcpStream,
    peer: SocketAddr,
    session: Session,
    out: Vec<u8>,
    message: Vec<u8>,
    /// Those accepted in the transaction under way.
    recipients: Vec<String>,
}

/// Serves one client until either side closes.
pub(super) async fn run(shared: &Shared, stream: TcpStream, peer: SocketAddr) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let session = Session::new(Arc::clone(&shared.session));
    let (out, message, recipients) = (Vec::new(), Vec::new(), Vec::new());
    let mut conversation = Conversation { shared, stream, peer, session, out, message, recipients };
    let mut input = vec![0; READ];
    loop {
        let flow = conversation.run_events().await?;
        conversation.flush().await?;
        if flow.is_break() {
            return Ok(());
        }
        match conversation.stream.read(&mut input).await? {
            0 => return Ok(()),
            read => conversation.session.feed(&input[..read]),
        }
    }
}

impl Conversation<'_> {
    /// Does what the session says, up to where it needs input.
    async fn run_events(&mut self) -> Flow {
        loop {
            let flow = match self.session.next() {
                Event::NeedInput => return GO_ON,
                Event::Close => return CLOSE,
                Event::Reply(reply) => self.on_reply(reply).await?,
                Event::AskHello { .. } => {
                    self.session.answer(Ok(()));
                    ControlFlow::Continue(())
                }
                Event::AskMail { .. } => self.on_mail().await?,
                Event::AskRcpt { recipient } => self.on_rcpt(&recipient).await?,
                Event::DataChunk(chunk) => {
                    self.message.extend_from_slice(&chunk);
                    ControlFlow::Continue(())
                }
                Event::MessageAborted => {
                    self.message.clear();
                    ControlFlow::Continue(())
                }
                Event::MessageEnd { envelope, .. } => self.on_message(envelope).await?,
            };
            if flow.is_break() {
                return CLOSE;
            }
        }
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.out).await?;
        self.out.clear();
        Ok(())
    }

    /// Asks the rules, and waits as they say; what was said before is heard before.
    async fn decide(&mut self, stage: Stage, recipients: &[String]) -> io::Result<Verdict> {
        let decision = self.shared.script.decide(stage, recipients);
        if !decision.delay.is_zero() {
            self.flush().await?;
            tokio::time::sleep(decision.delay).await;
        }
        if matches!(decision.verdict, Verdict::Reply(_)) {
            self.shared.refusals.fetch_add(1, Ordering::Relaxed);
        }
        Ok(decision.verdict)
    }

    /// Says a reply that the session makes of its own, unless a rule says another.
    async fn on_reply(&mut self, reply: Reply) -> Flow {
        let stage = match (reply.code(), reply.enhanced()) {
            (220, _) => Stage::Banner,
            (250, None) if self.session.is_esmtp() => Stage::Ehlo,
            (354, _) => Stage::Data,
            _ => return self.say(&reply),
        };
        let recipients = if stage == Stage::Data { std::mem::take(&mut self.recipients) } else { Vec::new() };
        match self.decide(stage, &recipients).await? {
            Verdict::Accept => self.say(&reply),
            Verdict::Close => CLOSE,
            Verdict::Reply(refusal) => {
                let flow = self.say(&refusal);
                match stage {
                    Stage::Banner => return CLOSE,
                    Stage::Data => self.leave_data(),
                    _ => {}
                }
                flow
            }
        }
    }

    async fn on_mail(&mut self) -> Flow {
        self.recipients.clear();
        let verdict = self.decide(Stage::Mail, &[]).await?;
        self.answer(verdict)
    }

    async fn on_rcpt(&mut self, recipient: &ForwardPath) -> Flow {
        let recipient = forward(recipient);
        let verdict = self.decide(Stage::Rcpt, std::slice::from_ref(&recipient)).await?;
        if verdict == Verdict::Accept {
            self.recipients.push(recipient);
        }
        self.answer(verdict)
    }

    fn answer(&mut self, verdict: Verdict) -> Flow {
        match verdict {
            Verdict::Accept => self.session.answer(Ok(())),
            Verdict::Reply(reply) => self.session.answer(Err(reply)),
            Verdict::Close => return CLOSE,
        }
        GO_ON
    }

    async fn on_message(&mut self, envelope: Envelope) -> Flow {
        let data = std::mem::take(&mut self.message);
        let to: Vec<String> = envelope.recipients.iter().map(forward).collect();
        match self.decide(Stage::Dot, &to).await? {
            Verdict::Close => return CLOSE,
            Verdict::Reply(reply) => self.session.finish_message(reply),
            Verdict::Accept => {
                self.keep(&envelope.sender, to, data).await;
                self.session.finish_message(kept());
            }
        }
        GO_ON
    }

    /// Counts a message and reports it, if anybody listens.
    async fn keep(&mut self, sender: &ReversePath, to: Vec<String>, data: Vec<u8>) {
        let shared = self.shared;
        shared.messages.fetch_add(1, Ordering::Relaxed);
        shared.recipients.fetch_add(to.len() as u64, Ordering::Relaxed);
        shared.octets.fetch_add(data.len() as u64, Ordering::Relaxed);
        shared.seen.note(&data);
        let Some(arrivals) = &shared.arrivals else {
            self.message = data;
            self.message.clear();
            return;
        };
        let arrived = Arrived {
            at: Timestamp::now(),
            from: sender.mailbox().map(ToString::to_string).unwrap_or_default(),
            to,
            helo: self.session.ehlo_domain().unwrap_or_default().to_owned(),
            peer: self.peer,
            data: Bytes::from(data),
        };
        // Nobody listens any more: the message is counted, and that is all that was wanted.
        let _ = arrivals.send(arrived).await;
    }

    fn say(&mut self, reply: &Reply) -> Flow {
        self.out.extend_from_slice(&reply.to_wire());
        if reply.code() == 421 { CLOSE } else { GO_ON }
    }

    /// Goes back to where commands are read, after DATA was refused: with a session that has only heard the greeting, since
    /// the one before waits for data. A client that awaits 354 has sent nothing that could be lost.
    fn leave_data(&mut self) {
        let hello = format!("EHLO {}\r\n", self.session.ehlo_domain().unwrap_or("unknown"));
        self.session = Session::new(Arc::clone(&self.shared.session));
        self.session.feed(hello.as_bytes());
        loop {
            match self.session.next() {
                Event::Reply(_) => {}
                Event::AskHello { .. } => self.session.answer(Ok(())),
                _ => return,
            }
        }
    }
}

fn forward(path: &ForwardPath) -> String {
    path.mailbox().map_or_else(|| "Postmaster".to_owned(), ToString::to_string)
}

fn kept() -> Reply {
    let enhanced = EnhancedCode::new(2, 0, 0);
    Reply::new(250, enhanced, "Taken").unwrap_or_else(replies::ok)
}
