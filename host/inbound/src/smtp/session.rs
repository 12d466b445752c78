//! One session: octets between a transport and the protocol, decisions asked of the rules, messages handed on.
//!
//! Octets come in from any transport (plain TCP today; TLS is another type of the same shape), replies go out, all that
//! one read caused in one write. Which decisions there are is the protocol's; made here are: may a transaction start, may
//! this client relay, and what became of a message. Whoever else has a say is asked behind that, and can only refuse.
//! Time-outs are for work done, not for octets seen: a client that trickles a command gains nothing.
//!
//! The invariant: while a message is being submitted the session waits for the verdict, whatever the client does.
//!
//! Rules: RFC 5321 §3.8 and §4.5.3.2; RFC 2920 §3.2 (replies to a pipeline in one go).

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, timeout, timeout_at};
use tollgate_message::{Address, Origin, Session as MessageSession};
use tollgate_smtp::server::{Envelope, Event, Session, SessionConfig};
use tollgate_smtp::{ForwardPath, Reply, ReversePath, replies};

use super::envelope;
use crate::admit::{Visit, Wish};
use crate::caller::Caller;
use crate::content::{BodyStore, Collector};
use crate::shutdown::Signal;
use crate::socket::Ends;
use crate::submit::{self, BatchHandling, Submit, Transaction};

/// Octets read at a time.
const READ_SIZE: usize = 16 << 10;

/// How long a client in a transaction may be silent once the program is ending.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long to wait, after the last reply, for the client to close; closing first could take the reply from it.
const LINGER: Duration = Duration::from_secs(1);

/// What all sessions of a listener share.
pub(super) struct Rules<S> {
    pub(super) listener: Arc<str>,
    pub(super) protocol: Arc<SessionConfig>,
    pub(super) idle_timeout: Duration,
    pub(super) data_timeout: Duration,
    pub(super) batch_handling: BatchHandling,
    pub(super) submit: Arc<S>,
    pub(super) bodies: Arc<dyn BodyStore>,
}

/// Who is at the other end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Client {
    pub(super) ends: Ends,
    pub(super) may_relay: bool,
}

/// Where in a transaction the session is.
enum Stage {
    Idle,
    /// This sender was accepted; `None` is the null sender. A later RSET is not seen here, so this may be Idle in truth.
    Open(Option<Address>),
    /// Octets of a message are coming.
    Receiving {
        collector: Collector,
        until: Instant,
    },
}

/// Why the session goes on, or does not.
enum Wake {
    Octets(usize),
    Silence,
    Shutdown,
}

struct Driver<'a, S, T> {
    transport: T,
    client: Client,
    rules: &'a Rules<S>,
    shutdown: Signal,
    session: Session,
    stage: Stage,
    /// Replies not written yet.
    out: Vec<u8>,
    /// When the client last got something done.
    progress: Instant,
}

/// Runs a session to its end. Errors of the transport end it silently: nobody is there to be told.
///
/// # Cancel safety
/// Not cancel safe: a message that is being submitted is given up, stored or not.
pub(super) async fn run<S, T>(transport: T, client: Client, rules: &Rules<S>, shutdown: Signal)
where
    S: Submit,
    T: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut driver = Driver {
        transport,
        client,
        rules,
        shutdown,
        session: Session::new(Arc::clone(&rules.protocol)),
        stage: Stage::Idle,
        out: Vec::new(),
        progress: Instant::now(),
    };
    if let Err(error) = driver.run().await {
        tracing::debug!(peer = %client.ends.peer, %error, "smtp session broke");
    }
}

impl<S: Submit, T: AsyncRead + AsyncWrite + Unpin + Send> Driver<'_, S, T> {
    async fn run(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; READ_SIZE];
        self.welcome().await;
        loop {
            let goes_on = self.work().await?;
            self.flush().await?;
            if !goes_on {
                return self.close(&mut buffer).await;
            }
            let farewell = match self.wait(&mut buffer).await? {
                Wake::Octets(0) => return Ok(()),
                Wake::Octets(count) => {
                    self.session.feed(&buffer[..count]);
                    continue;
                }
                Wake::Silence => replies::idle_too_long(),
                Wake::Shutdown => replies::unavailable(),
            };
            self.say(farewell.as_ref());
            self.flush().await?;
            return self.close(&mut buffer).await;
        }
    }

    /// Does all that can be done without further octets. Returns whether the session goes on.
    async fn work(&mut self) -> io::Result<bool> {
        loop {
            match self.session.next() {
                Event::NeedInput => return Ok(true),
                Event::Close => return Ok(false),
                Event::Reply(reply) => self.reply(&reply),
                Event::AskHello { domain } => {
                    let verdict = self.admit(|| Wish::Hello(domain)).await;
                    self.session.answer(verdict);
                }
                Event::AskMail { sender, .. } => self.ask_mail(&sender).await,
                Event::AskRcpt { recipient } => self.ask_rcpt(&recipient).await,
                Event::DataChunk(octets) => {
                    if let Stage::Receiving { collector, .. } = &mut self.stage {
                        collector.push(&octets).await;
                    }
                }
                Event::MessageAborted => self.stage = Stage::Idle,
                Event::MessageEnd { envelope, .. } => {
                    self.flush().await?;
                    let reply = self.submit(&envelope).await;
                    self.session.finish_message(reply);
                }
            }
            self.progress = Instant::now();
        }
    }

    fn reply(&mut self, reply: &Reply) {
        if reply.code() == 354 {
            let collector = Collector::new(Arc::clone(&self.rules.bodies));
            self.stage = Stage::Receiving { collector, until: Instant::now() + self.rules.data_timeout };
        }
        self.say(reply);
    }

    /// Decides whether the client is greeted.
    async fn welcome(&mut self) {
        if let Err(refusal) = self.admit(|| Wish::Connect).await {
            self.session = Session::turned_away(Arc::clone(&self.rules.protocol), refusal);
        }
    }

    async fn ask_mail(&mut self, sender: &ReversePath) {
        let ready = if self.shutdown.fired() { Err(replies::unavailable()) } else { self.rules.submit.ready() };
        let sender = envelope::sender(sender);
        let verdict = match ready {
            Ok(()) => self.admit(|| Wish::Mail(sender.clone())).await,
            Err(refusal) => Err(refusal.into()),
        };
        self.stage = if verdict.is_ok() { Stage::Open(sender) } else { Stage::Idle };
        self.session.answer(verdict);
    }

    async fn ask_rcpt(&mut self, recipient: &ForwardPath) {
        let verdict = if self.client.may_relay {
            let sender = if let Stage::Open(sender) = &self.stage { sender.clone() } else { None };
            self.admit(|| Wish::Rcpt { sender, recipient: envelope::recipient(recipient) }).await
        } else {
            Err(replies::relay_denied().into())
        };
        self.session.answer(verdict);
    }

    /// Asks whoever else has a say; without one this costs nothing.
    async fn admit(&mut self, wish: impl FnOnce() -> Wish) -> Result<(), Reply> {
        if !self.rules.submit.judges_sessions() {
            return Ok(());
        }
        let visit = Visit { listener: Arc::clone(&self.rules.listener), session: self.facts(), wish: wish() };
        self.rules.submit.admit(visit).await
    }

    /// Hands a whole message on and returns the reply to it.
    async fn submit(&mut self, envelope: &Envelope) -> Reply {
        let Stage::Receiving { collector, .. } = std::mem::replace(&mut self.stage, Stage::Idle) else {
            return replies::local_error().into();
        };
        let content = match collector.finish().await {
            Ok(content) => content,
            Err(refusal) => return refusal,
        };
        let transaction = Transaction {
            session: Arc::new(self.facts()),
            caller: Caller { identity: None, address: Some(self.client.ends.peer.ip()) },
            envelope: envelope::convert(envelope),
            content,
            batch_handling: self.rules.batch_handling,
            protocol: envelope::protocol(envelope, self.session.is_esmtp()),
        };
        submit::answer(self.rules.submit.submit(transaction).await)
    }

    /// Returns what is known of this session by now; a later EHLO may change it.
    fn facts(&self) -> MessageSession {
        MessageSession {
            origin: Origin::Smtp,
            authz_id: None,
            may_relay: self.client.may_relay,
            peer: Some(self.client.ends.peer),
            local: Some(self.client.ends.local),
            ehlo_domain: self.session.ehlo_domain().map(str::to_owned),
            hostname: self.rules.protocol.hostname.clone(),
        }
    }

    /// Waits for octets, within the time that the stage allows.
    async fn wait(&mut self, buffer: &mut [u8]) -> io::Result<Wake> {
        let idle = matches!(self.stage, Stage::Idle);
        let deadline = self.deadline();
        let ending = async {
            self.shutdown.wait().await;
            if !idle {
                tokio::time::sleep(PATIENCE).await;
            }
        };
        tokio::select! {
            biased; // else a client that never stops talking would keep the program from ending
            () = ending => Ok(Wake::Shutdown),
            read = timeout_at(deadline, self.transport.read(buffer)) => match read {
                Ok(read) => read.map(Wake::Octets),
                Err(_) => Ok(Wake::Silence),
            },
        }
    }

    fn deadline(&self) -> Instant {
        let silent = self.progress + self.rules.idle_timeout;
        match &self.stage {
            Stage::Receiving { until, .. } => silent.min(*until),
            Stage::Idle | Stage::Open(_) => silent,
        }
    }

    fn say(&mut self, reply: &Reply) {
        self.out.extend_from_slice(&reply.to_wire());
    }

    async fn flush(&mut self) -> io::Result<()> {
        if self.out.is_empty() {
            return Ok(());
        }
        let transport = &mut self.transport;
        let out = &self.out;
        let write = async {
            transport.write_all(out).await?;
            transport.flush().await
        };
        timeout(self.rules.idle_timeout, write).await??;
        self.out.clear();
        Ok(())
    }

    /// Ends our half, then waits a moment for the client's: a socket closed with octets unread is reset, and a reset
    /// may overtake the last reply.
    async fn close(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.transport.shutdown().await?;
        let drain = async { while matches!(self.transport.read(buffer).await, Ok(count) if count > 0) {} };
        // A client that does not close in time is left.
        let _ = timeout(LINGER, drain).await;
        Ok(())
    }
}
