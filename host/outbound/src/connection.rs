//! One connection to a next hop: opened, greeted, used for message after message, and left.
//!
//! Candidates come in and the first that greets us is kept; messages come in and outcomes go out. The order of commands
//! is [`tollgate_smtp::client`]'s, the octets are the wire's; here they are joined, with a time-out for each phase, and
//! whatever goes wrong beneath the protocol is made an outcome. TLS has its place between the two and is not done yet.
//!
//! Invariant: a message is whole on the wire, or the connection is closed before its final dot. Only for a peer that takes
//! the final dot and never answers a second attempt may double a message (RFC 5321 §4.5.3.2.6).
//!
//! Rules: RFC 5321 §3.3, §4.2.1, §4.5.3.2, §5.1 (candidates in order).

use std::io;
use std::net::SocketAddr;

use tollgate_smtp::client::{BrokenReason, Client, Phase, Step};
use tollgate_smtp::data::{DataWriter, StuffError};
use tollgate_smtp::reply::{EnhancedCode, PermReply, Reply};

use crate::delivery::Course;
use crate::error::{awaiting, put_off};
use crate::message::PIECE;
use crate::wire::Wire;
use crate::{Candidate, CandidateError, ConnectError, Delivery, Fault, OutMessage, Source, Stale, Timeouts};

/// A connection that was greeted.
#[derive(Debug)]
pub struct Connection {
    wire: Wire,
    client: Client,
    peer: Candidate,
    local: SocketAddr,
    timeouts: Timeouts,
    deliveries: u64,
}

/// Why a delivery cannot go on.
enum Stop {
    /// The connection is at fault.
    Connection(Fault),
    /// The message is.
    Message(StuffError),
    /// Its body cannot be read.
    Body(io::Error),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Stop {
        Stop::Connection(fault)
    }
}

impl Connection {
    /// Connects to the first candidate that answers and greets us.
    ///
    /// `ehlo_domain`: our name, unless the source has its own.
    ///
    /// # Errors
    /// If no candidate could be used; the error holds the fault of each.
    ///
    /// # Cancel safety
    /// Connections under way are closed.
    pub async fn open(
        candidates: &[Candidate],
        source: &Source,
        ehlo_domain: &str,
        timeouts: &Timeouts,
    ) -> Result<Connection, ConnectError> {
        let mut failed = Vec::new();
        for candidate in candidates {
            match Connection::open_one(candidate, source, ehlo_domain, timeouts).await {
                Ok(connection) => return Ok(connection),
                Err(error) => failed.push(error),
            }
        }
        Err(ConnectError { candidates: failed })
    }

    async fn open_one(
        candidate: &Candidate,
        source: &Source,
        ehlo_domain: &str,
        timeouts: &Timeouts,
    ) -> Result<Connection, CandidateError> {
        let error = |phase, fault| CandidateError { candidate: candidate.clone(), phase, fault };
        let connecting = tokio::time::timeout(timeouts.connect, source.connect(candidate.addr)).await;
        let stream =
            connecting.unwrap_or(Err(Fault::TimedOut(timeouts.connect))).map_err(|fault| error(None, fault))?;
        let mut connection = Connection {
            local: stream.local_addr().map_err(|cause| error(None, cause.into()))?,
            wire: Wire::new(stream),
            client: Client::new(source.ehlo_domain.as_deref().unwrap_or(ehlo_domain).to_owned()),
            peer: candidate.clone(),
            timeouts: *timeouts,
            deliveries: 0,
        };
        connection.greet().await.map_err(|(phase, fault)| error(Some(phase), fault))?;
        Ok(connection)
    }

    /// Hears the greeting and says ours.
    async fn greet(&mut self) -> Result<(), (Phase, Fault)> {
        let mut step = Step::Wait;
        loop {
            let phase = self.client.phase();
            let heard = match step {
                Step::Wait => self.wire.hear(self.timeouts.of(phase)).await,
                Step::Send(octets) => self.ask(&octets).await,
                _ => return Ok(()),
            };
            step = self.client.on_reply(heard.map_err(|fault| (phase, fault))?);
            if let Step::Broken { reason, .. } = step {
                return Err((phase, broken(reason)));
            }
        }
    }

    /// Returns the candidate at the other end.
    pub fn peer(&self) -> &Candidate {
        &self.peer
    }

    /// Returns the address the connection is made from.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Returns how many messages were begun over the connection.
    pub fn deliveries(&self) -> u64 {
        self.deliveries
    }

    /// Passes a message on and returns what became of each recipient.
    ///
    /// A failure is an outcome like any other: everybody without an answer is put off with 451 4.4.2. The message is used
    /// up unless the connection was stale.
    ///
    /// # Errors
    /// [`Stale`] if the peer had left a kept connection before it answered anything of this message: send it over another
    /// connection, and count no attempt.
    ///
    /// # Cancel safety
    /// None: the message may be half sent, and whether the peer has it is not known. Drop the connection.
    pub async fn deliver(&mut self, message: &mut OutMessage) -> Result<Delivery, Stale> {
        let kept = self.deliveries > 0;
        self.deliveries += 1;
        if kept {
            self.check_quiet()?;
        }
        let mut course = Course::default();
        let mut step = self.client.deliver(&message.envelope);
        loop {
            let phase = self.client.phase();
            let heard = match step {
                Step::Wait => self.wire.hear(self.timeouts.of(phase)).await.map_err(Stop::from),
                Step::Send(octets) => self.ask(&octets).await.map_err(Stop::from),
                Step::SendMessage => self.send_message(message, &mut course).await,
                end => return self.finish(end, &course, kept),
            };
            step = match heard {
                Ok(reply) => {
                    course.note(phase, &reply);
                    self.client.on_reply(reply)
                }
                Err(stop) => return self.stop(stop, &course, kept),
            };
        }
    }

    /// Waits until the peer leaves a connection that is not in use, and returns how it did.
    ///
    /// # Cancel safety
    /// Nothing is lost: wait for this and for the next message at once.
    pub async fn left_by_peer(&mut self) -> Stale {
        let cause = self.wire.await_reply().await.map_or_else(|fault| fault, Fault::Unexpected);
        Stale { cause }
    }

    /// Takes leave and closes the connection. A peer that does not answer costs the time-out for QUIT.
    ///
    /// # Cancel safety
    /// The connection is closed in any case.
    pub async fn quit(mut self) {
        if let Step::Send(octets) = self.client.quit() {
            // Whatever goes wrong now, the connection is over and nothing is lost.
            let _ = self.ask(&octets).await;
        }
    }

    /// Looks whether the peer has left, or said so, since the last message.
    fn check_quiet(&mut self) -> Result<(), Stale> {
        match self.wire.overhear() {
            Ok(None) if self.wire.is_quiet() => Ok(()),
            Ok(None) => Err(Stale { cause: Fault::Closed }),
            Ok(Some(reply)) => Err(Stale { cause: Fault::Unexpected(reply) }),
            Err(cause) => Err(Stale { cause }),
        }
    }

    /// Writes commands and returns the first reply, which a peer may give while it hangs up.
    async fn ask(&mut self, octets: &[u8]) -> Result<Reply, Fault> {
        let patience = self.timeouts.of(self.client.phase());
        match self.wire.write(octets, patience).await {
            Ok(()) => self.wire.hear(patience).await,
            Err(fault) => self.last_words(fault),
        }
    }

    /// Writes the message and returns the reply to it.
    async fn send_message(&mut self, message: &mut OutMessage, course: &mut Course) -> Result<Reply, Stop> {
        if let Some(reply) = self.write_message(message).await? {
            course.spent = true;
            // Nothing can have been taken that was not sent.
            return if reply.is_positive() { Err(Fault::Unexpected(reply).into()) } else { Ok(reply) };
        }
        Ok(self.wire.hear(self.timeouts.dot).await?)
    }

    /// Writes the message to its end, or up to an answer that comes before it, which is returned.
    async fn write_message(&mut self, message: &mut OutMessage) -> Result<Option<Reply>, Stop> {
        let mut writer = DataWriter::new();
        let mut out = std::mem::take(&mut self.wire.out);
        let mut early = self.wire.overhear()?;
        while early.is_none() {
            out.clear();
            let more = gather(message, &mut writer, &mut out).await?;
            if !more {
                writer.finish(&mut out).map_err(Stop::Message)?;
                early = self.write_piece(&out).await?;
                break;
            }
            early = self.write_piece(&out).await?;
        }
        out.shrink_to(2 * PIECE);
        self.wire.out = out;
        Ok(early)
    }

    async fn write_piece(&mut self, octets: &[u8]) -> Result<Option<Reply>, Fault> {
        match self.wire.write_unless_answered(octets, self.timeouts.data).await {
            Err(fault) => self.last_words(fault).map(Some),
            early => early,
        }
    }

    /// Returns what the peer said before it hung up, or else the fault.
    fn last_words(&mut self, fault: Fault) -> Result<Reply, Fault> {
        self.wire.overhear().ok().flatten().ok_or(fault)
    }

    /// Ends a delivery that the protocol has ended.
    fn finish(&mut self, end: Step, course: &Course, kept: bool) -> Result<Delivery, Stale> {
        let (recipients, ready) = match end {
            Step::Finished(recipients) => (recipients, self.client.phase() == Phase::Ready),
            Step::Broken { reason: BrokenReason::ShuttingDown(reply), .. } if kept && !course.answered => {
                return Err(Stale { cause: Fault::Refused(reply) });
            }
            Step::Broken { recipients, .. } => (recipients, false),
            // Neither a greeting nor a leave-taking is under way while there is a delivery.
            _ => (self.client.abandon(&put_off((4, 3, 0), "internal error: delivery out of turn")), false),
        };
        let reusable = ready && !course.spent && self.wire.is_quiet();
        Ok(Delivery { recipients: course.outcomes(recipients), reusable })
    }

    /// Ends a delivery that cannot go on, and the connection with it.
    fn stop(&mut self, stop: Stop, course: &Course, kept: bool) -> Result<Delivery, Stale> {
        let phase = self.client.phase();
        let recipients = match stop {
            Stop::Connection(cause) if kept && !course.answered && cause.is_hang_up() => return Err(Stale { cause }),
            Stop::Connection(fault) => self.client.abandon(&put_off((4, 4, 2), format!("{fault} {}", awaiting(phase)))),
            Stop::Message(error) => self.client.abandon(&malformed(error)),
            Stop::Body(error) => {
                self.client.abandon(&put_off((4, 3, 0), format!("message cannot be read from the spool: {error}")))
            }
        };
        Ok(Delivery { recipients: course.outcomes(recipients), reusable: false })
    }
}

/// Gathers pieces of the message, dots stuffed, for one write; returns whether there may be more.
async fn gather(message: &mut OutMessage, writer: &mut DataWriter, out: &mut Vec<u8>) -> Result<bool, Stop> {
    while out.len() < PIECE {
        match message.next_piece().await.map_err(Stop::Body)? {
            Some(piece) => writer.write(&piece, out).map_err(Stop::Message)?,
            None => return Ok(false),
        }
    }
    Ok(true)
}

fn broken(reason: BrokenReason) -> Fault {
    match reason {
        BrokenReason::Refused(reply) | BrokenReason::ShuttingDown(reply) => Fault::Refused(reply),
        BrokenReason::Unexpected(reply) => Fault::Unexpected(reply),
        _ => Fault::Closed,
    }
}

fn malformed(error: StuffError) -> PermReply {
    PermReply::new(550, EnhancedCode::new(5, 6, 0), error.to_string()).expect("550 and 5.6.0 are of one class")
}
