//! The socket of one connection: octets to write in, replies out.
//!
//! It reads while it writes, since a peer that has something to say may stop reading until it has been heard, and because
//! an answer before the end of a message saves sending the rest. It knows nothing of what is said. One buffer for reading
//! and one for writing live as long as the connection.

use std::io;
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::TcpStream;
use tollgate_smtp::reply::{MAX_REPLY_LINE, Reply, ReplyReader};

use crate::Fault;

/// Octets taken from a peer that keeps talking while we write. Behind that it waits, like us.
const MAX_UNHEARD: usize = 16 * MAX_REPLY_LINE;

#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    replies: ReplyReader,
    input: Box<[u8; MAX_REPLY_LINE]>,
    unheard: usize,
    /// For the caller to gather in what is written at once.
    pub(crate) out: Vec<u8>,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream) -> Wire {
        let input = Box::new([0; MAX_REPLY_LINE]);
        Wire { stream, replies: ReplyReader::new(), input, unheard: 0, out: Vec::new() }
    }

    /// Whether nothing arrived that was not heard.
    pub(crate) fn is_quiet(&self) -> bool {
        self.replies.is_empty()
    }

    /// Returns the next reply. Cancelling loses nothing.
    pub(crate) async fn hear(&mut self, patience: Duration) -> Result<Reply, Fault> {
        if let Some(reply) = self.next_reply()? {
            return Ok(reply);
        }
        let heard = tokio::time::timeout(patience, self.await_reply()).await;
        heard.unwrap_or(Err(Fault::TimedOut(patience)))
    }

    /// Returns the reply that has arrived already, if one has; a fault if the peer is gone and left none.
    pub(crate) fn overhear(&mut self) -> Result<Option<Reply>, Fault> {
        if let Some(reply) = self.next_reply()? {
            return Ok(Some(reply));
        }
        self.take_arrived()?;
        self.next_reply()
    }

    /// Waits until the peer says something, or is gone, and returns what. Cancelling loses nothing.
    pub(crate) async fn await_reply(&mut self) -> Result<Reply, Fault> {
        loop {
            if let Some(reply) = self.next_reply()? {
                return Ok(reply);
            }
            self.stream.readable().await?;
            self.take_arrived()?;
        }
    }

    /// Writes octets, all within `patience`, and takes in meanwhile what the peer says.
    pub(crate) async fn write(&mut self, octets: &[u8], patience: Duration) -> Result<(), Fault> {
        self.write_until(octets, patience, |_| Ok(None)).await.map(|_| ())
    }

    /// Writes octets, all within `patience`, unless the peer says something before they are written, which is returned.
    pub(crate) async fn write_unless_answered(
        &mut self,
        octets: &[u8],
        patience: Duration,
    ) -> Result<Option<Reply>, Fault> {
        self.write_until(octets, patience, Wire::next_reply).await
    }

    /// Writes octets until `answered` returns a reply; it is asked whenever something has arrived.
    async fn write_until(
        &mut self,
        octets: &[u8],
        patience: Duration,
        answered: fn(&mut Wire) -> Result<Option<Reply>, Fault>,
    ) -> Result<Option<Reply>, Fault> {
        let written = self.try_write(octets)?;
        if written == octets.len() {
            return Ok(None);
        }
        let rest = tokio::time::timeout(patience, self.write_rest(&octets[written..], answered)).await;
        rest.unwrap_or(Err(Fault::TimedOut(patience)))
    }

    async fn write_rest(
        &mut self,
        mut octets: &[u8],
        answered: fn(&mut Wire) -> Result<Option<Reply>, Fault>,
    ) -> Result<Option<Reply>, Fault> {
        while !octets.is_empty() {
            let listening = self.unheard < MAX_UNHEARD;
            let interest = if listening { Interest::READABLE | Interest::WRITABLE } else { Interest::WRITABLE };
            let ready = self.stream.ready(interest).await?;
            if listening && ready.is_readable() {
                self.take_arrived()?;
                if let reply @ Some(_) = answered(self)? {
                    return Ok(reply);
                }
            }
            if ready.is_writable() {
                octets = &octets[self.try_write(octets)?..];
            }
        }
        Ok(None)
    }

    /// Writes as much as goes without waiting, which may be nothing.
    fn try_write(&self, octets: &[u8]) -> Result<usize, Fault> {
        match self.stream.try_write(octets) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            written => Ok(written?),
        }
    }

    /// Takes in what has arrived, without waiting.
    fn take_arrived(&mut self) -> Result<(), Fault> {
        match self.stream.try_read(&mut self.input[..]) {
            Ok(0) => Err(Fault::Closed),
            Ok(read) => {
                self.replies.feed(&self.input[..read]);
                self.unheard += read;
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn next_reply(&mut self) -> Result<Option<Reply>, Fault> {
        let reply = self.replies.next()?;
        if reply.is_none() {
            self.unheard = 0;
        }
        Ok(reply)
    }
}
