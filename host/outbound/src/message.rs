//! A message to send: its envelope, its header as rendered, its body in memory or behind a reader.
//!
//! What comes out is the message in pieces, in order, each small enough to be gathered with its neighbours into one write.
//! Dots are not stuffed here, line ends not mended, and nothing is read before the peer has asked for the message; so a
//! message whose connection was stale can be sent over another.

use std::fmt;
use std::io::{self, Read};

use bytes::Bytes;
use tollgate_message::{Address, Envelope};
use tollgate_smtp::client::OutEnvelope;

/// Most octets in a piece.
pub(crate) const PIECE: usize = 64 * 1024;

/// What follows the header of a message.
pub enum Body {
    /// In memory.
    Bytes(Bytes),
    /// To be read while it is sent, on a thread that may block.
    Reader {
        /// Gives the octets. A reader that fails or ends early makes the attempt fail; the peer never gets a short message
        /// for whole.
        reader: Box<dyn Read + Send>,
        /// How many octets to read.
        len: u64,
    },
}

impl Body {
    /// Returns its length in octets.
    pub fn len(&self) -> u64 {
        match self {
            Body::Bytes(octets) => octets.len() as u64,
            Body::Reader { len, .. } => *len,
        }
    }

    /// Returns whether there are no octets.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} octets)", self.len())
    }
}

/// A message to send.
#[derive(Debug)]
pub struct OutMessage {
    pub(crate) envelope: OutEnvelope,
    head: Bytes,
    body: Body,
}

impl OutMessage {
    /// Returns the message of these octets: `head`, which ends with the empty line behind the header unless that is part
    /// of `body`, and `body`.
    ///
    /// Line ends are CRLF throughout; a message with others is refused when it is sent. `envelope`: its recipients are
    /// those of this transaction.
    pub fn new(envelope: &Envelope, head: Bytes, body: Body) -> OutMessage {
        let owned = |address: &Address| address.as_str().to_owned();
        let envelope = OutEnvelope {
            sender: envelope.sender.as_ref().map(owned),
            recipients: envelope.recipients.iter().map(owned).collect(),
            size: head.len() as u64 + body.len(),
            eight_bit: envelope.eight_bit,
            smtputf8: envelope.smtputf8,
        };
        OutMessage { envelope, head, body }
    }

    /// Returns the length in octets, header and body.
    pub fn size(&self) -> u64 {
        self.envelope.size
    }

    /// Returns what is sent: the header with its empty line, and the body.
    pub(crate) fn into_parts(self) -> (Bytes, Body) {
        (self.head, self.body)
    }

    /// Takes the next piece off the front; nothing at the end. The message is then used up.
    ///
    /// # Errors
    /// What the reader says, or `UnexpectedEof` if it ends early.
    pub(crate) async fn next_piece(&mut self) -> io::Result<Option<Bytes>> {
        if let Some(piece) = split_piece(&mut self.head) {
            return Ok(Some(piece));
        }
        match &mut self.body {
            Body::Bytes(octets) => Ok(split_piece(octets)),
            Body::Reader { len: 0, .. } => Ok(None),
            Body::Reader { .. } => self.read_piece().await.map(Some),
        }
    }

    async fn read_piece(&mut self) -> io::Result<Bytes> {
        let Body::Reader { mut reader, len } = std::mem::replace(&mut self.body, Body::Bytes(Bytes::new())) else {
            return Ok(Bytes::new());
        };
        let wanted = usize::try_from(len).map_or(PIECE, |len| len.min(PIECE));
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = vec![0; wanted];
            reader.read_exact(&mut piece).map(|()| (reader, Bytes::from(piece)))
        });
        let (reader, piece) = read.await.map_err(io::Error::other)??;
        self.body = Body::Reader { reader, len: len - piece.len() as u64 };
        Ok(piece)
    }
}

/// Splits a piece off the front, or returns nothing if there is nothing left.
fn split_piece(octets: &mut Bytes) -> Option<Bytes> {
    (!octets.is_empty()).then(|| octets.split_to(octets.len().min(PIECE)))
}
