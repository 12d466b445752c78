//! A client's connection: the steps of [`Client`] carried out over a socket.
//!
//! Leaner than what delivers real mail: one time-out for everything, the whole message in one buffer, nothing heard while
//! writing. The point in time at which the final dot is written is kept, since latencies count from there.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tollgate_smtp::client::{BrokenReason, Client, OutEnvelope, RecipientReply, Step};
use tollgate_smtp::data::StuffError;
use tollgate_smtp::reply::{Reply, ReplyError, ReplyReader};

/// Says why something could not be sent; ordered by who is at fault.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The server turns us away.
    #[error("the server refused the connection: {0}")]
    Refused(Reply),
    /// The server said what makes no sense.
    #[error("unexpected reply: {0}")]
    Unexpected(Reply),
    /// The server sent what is no reply.
    #[error(transparent)]
    Unreadable(#[from] ReplyError),
    /// The server closed the connection.
    #[error("connection closed by the server")]
    Closed,
    /// The server did not answer in time.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// The system says no.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The caller's message has line ends other than CRLF.
    #[error(transparent)]
    Message(#[from] StuffError),
    /// The caller's header field cannot be sent.
    #[error("header field `{0}` has a character that no header field can have")]
    Header(String),
}

/// What became of one message.
pub(super) struct Sent {
    /// One outcome for each recipient.
    pub(super) recipients: Vec<RecipientReply>,
    /// From the final dot to its answer; nothing if it did not come so far.
    pub(super) latency: Option<Duration>,
    /// Whether the connection is still good.
    pub(super) reusable: bool,
}

pub(super) struct Wire {
    stream: TcpStream,
    client: Client,
    replies: ReplyReader,
    input: Vec<u8>,
    patience: Duration,
}

impl Wire {
    /// Connects and greets.
    pub(super) async fn open(to: SocketAddr, helo: &str, patience: Duration) -> Result<Wire, SendError> {
        let connecting = tokio::time::timeout(patience, TcpStream::connect(to)).await;
        let stream = connecting.map_err(|_| SendError::TimedOut(patience))??;
        stream.set_nodelay(true)?;
        let client = Client::new(helo.to_owned());
        let mut wire = Wire { stream, client, replies: ReplyReader::new(), input: vec![0; 4096], patience };
        let mut step = Step::Wait;
        loop {
            step = match step {
                Step::Send(octets) => wire.ask(&octets).await?,
                Step::Wait => wire.hear().await?,
                Step::Broken { reason, .. } => return Err(turned_away(reason)),
                _ => return Ok(wire),
            }
        }
    }

    /// Sends one message. `data`: ready for the wire, final dot included.
    ///
    /// An error means that no recipient has an answer.
    pub(super) async fn send(&mut self, envelope: &OutEnvelope, data: &[u8]) -> Result<Sent, SendError> {
        let mut dot = None;
        let mut step = self.client.deliver(envelope);
        loop {
            step = match step {
                Step::Send(octets) => self.ask(&octets).await?,
                Step::Wait => self.hear().await?,
                Step::SendMessage => {
                    dot = Some(Instant::now());
                    self.ask(data).await?
                }
                Step::Finished(recipients) => {
                    return Ok(Sent { recipients, latency: dot.map(|dot| dot.elapsed()), reusable: true });
                }
                Step::Broken { reason: BrokenReason::Unexpected(reply), .. } => {
                    return Err(SendError::Unexpected(reply));
                }
                Step::Broken { recipients, .. } => return Ok(Sent { recipients, latency: None, reusable: false }),
                Step::Ready | Step::Closed => return Err(SendError::Closed),
            }
        }
    }

    /// Takes leave, without waiting for an answer for long.
    pub(super) async fn quit(mut self) {
        if let Step::Send(octets) = self.client.quit() {
            self.patience = self.patience.min(Duration::from_secs(1));
            // The connection is over, whatever the answer.
            let _ = self.ask(&octets).await;
        }
    }

    async fn ask(&mut self, octets: &[u8]) -> Result<Step, SendError> {
        let written = tokio::time::timeout(self.patience, self.stream.write_all(octets)).await;
        written.map_err(|_| SendError::TimedOut(self.patience))??;
        self.hear().await
    }

    async fn hear(&mut self) -> Result<Step, SendError> {
        loop {
            if let Some(reply) = self.replies.next()? {
                return Ok(self.client.on_reply(reply));
            }
            let reading = tokio::time::timeout(self.patience, self.stream.read(&mut self.input)).await;
            match reading.map_err(|_| SendError::TimedOut(self.patience))?? {
                0 => return Err(SendError::Closed),
                read => self.replies.feed(&self.input[..read]),
            }
        }
    }
}

fn turned_away(reason: BrokenReason) -> SendError {
    match reason {
        BrokenReason::Refused(reply) | BrokenReason::ShuttingDown(reply) => SendError::Refused(reply),
        BrokenReason::Unexpected(reply) => SendError::Unexpected(reply),
        _ => SendError::Closed,
    }
}
