//! Message octets on their way in: in memory while they are few, in a file of the spool as soon as they are not.
//!
//! Octets come in as they arrive; a [`Content`] goes out. Of a large message only the head stays in memory, and the rest
//! passes through a buffer of one batch, so what a client costs does not depend on what it sends. Writing to the disk
//! blocks and is done on the runtime's blocking threads, a batch at a time.
//!
//! The invariant: a [`Content`] has its whole header in its head.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tollgate_smtp::Reply;
use tollgate_spool::{Body, BodyError, BodyWriter, Spool};

use crate::head;
use crate::replies;

/// Longest message that stays in memory, and how much of a longer one does, in octets.
pub const HEAD_LIMIT: usize = 256 << 10;

/// Octets gathered for one write to the disk.
const BATCH: usize = 256 << 10;

/// Where large bodies go. A seam, so that the doors can be tested without a disk.
pub trait BodyStore: Send + Sync + 'static {
    /// Returns a writer for one body.
    fn writer(&self) -> Box<dyn BodyWrite>;
}

/// Takes one body. Dropped before it is finished, it leaves nothing behind.
pub trait BodyWrite: Send + 'static {
    /// Appends octets. May block.
    ///
    /// # Errors
    /// [`BodyError`]; the body is lost.
    fn write(&mut self, octets: &[u8]) -> Result<(), BodyError>;

    /// Ends the body and makes it durable. May block.
    ///
    /// # Errors
    /// As [`BodyWrite::write`].
    fn finish(self: Box<Self>) -> Result<Body, BodyError>;
}

impl BodyStore for Spool {
    fn writer(&self) -> Box<dyn BodyWrite> {
        Box::new(self.body_writer())
    }
}

impl BodyWrite for BodyWriter {
    fn write(&mut self, octets: &[u8]) -> Result<(), BodyError> {
        BodyWriter::write(self, octets)
    }

    fn finish(self: Box<Self>) -> Result<Body, BodyError> {
        BodyWriter::finish(*self)
    }
}

/// The octets of a message.
#[derive(Debug)]
pub struct Content {
    /// The whole message, or the first [`HEAD_LIMIT`] octets of a longer one; the header is always in it.
    pub head: Bytes,
    /// Octets of the whole message.
    pub size: u64,
    /// A longer message, whole, `head` included.
    pub file: Option<Body>,
}

/// Makes the content of a message that is in memory already. Only a long one touches the disk.
///
/// # Errors
/// A temporary refusal where the disk is full or failed.
pub(crate) async fn store(message: &Bytes, bodies: &dyn BodyStore) -> Result<Content, Reply> {
    let size = message.len() as u64;
    if message.len() <= HEAD_LIMIT {
        return Ok(Content { head: message.clone(), size, file: None });
    }
    let (whole, mut writer) = (message.clone(), bodies.writer());
    let file = blocking(move || {
        whole.chunks(BATCH).try_for_each(|batch| writer.write(batch))?;
        writer.finish()
    });
    Ok(Content { head: message.slice(..HEAD_LIMIT), size, file: Some(file.await?) })
}

/// Gathers a message that arrives in chunks.
pub(crate) struct Collector {
    bodies: Arc<dyn BodyStore>,
    head: BytesMut,
    size: u64,
    /// What is behind the head, for a message that is larger.
    tail: Option<Tail>,
    /// Why the message will be refused at its end; what still comes is dropped.
    refusal: Option<Reply>,
}

struct Tail {
    writer: Box<dyn BodyWrite>,
    batch: BytesMut,
}

impl Collector {
    pub(crate) fn new(bodies: Arc<dyn BodyStore>) -> Self {
        Self { bodies, head: BytesMut::new(), size: 0, tail: None, refusal: None }
    }

    /// Takes the next octets. A failure is kept for the end, where the client listens again.
    ///
    /// # Cancel safety
    /// Not cancel safe: the body file is given up.
    pub(crate) async fn push(&mut self, octets: &[u8]) {
        if self.refusal.is_none() {
            self.size += octets.len() as u64;
            self.refusal = self.take(octets).await.err();
        }
    }

    /// Returns the content.
    ///
    /// # Errors
    /// The reply to the message: its header is too large, it loops, or the disk is full or failed.
    ///
    /// # Cancel safety
    /// Not cancel safe: the message is given up.
    pub(crate) async fn finish(mut self) -> Result<Content, Reply> {
        if let Some(refusal) = self.refusal {
            return Err(refusal);
        }
        let file = match self.tail.take() {
            None => {
                head::check(&self.head, true)?;
                None
            }
            Some(Tail { mut writer, batch }) => {
                let finish = move || writer.write(&batch).and_then(|()| writer.finish());
                Some(blocking(finish).await?)
            }
        };
        Ok(Content { head: self.head.freeze(), size: self.size, file })
    }

    async fn take(&mut self, octets: &[u8]) -> Result<(), Reply> {
        let room = HEAD_LIMIT - self.head.len();
        let (first, rest) = octets.split_at(octets.len().min(room));
        self.head.extend_from_slice(first);
        if rest.is_empty() {
            return Ok(());
        }
        let mut tail = match self.tail.take() {
            Some(tail) => tail,
            None => self.open()?,
        };
        tail.batch.extend_from_slice(rest);
        self.tail = Some(if tail.batch.len() < BATCH { tail } else { tail.write().await? });
        Ok(())
    }

    /// Starts a body with the head, which is written with the first batch.
    fn open(&self) -> Result<Tail, Reply> {
        head::check(&self.head, false)?;
        Ok(Tail { writer: self.bodies.writer(), batch: self.head.clone() })
    }
}

impl Tail {
    async fn write(self) -> Result<Self, Reply> {
        let Self { mut writer, mut batch } = self;
        blocking(move || {
            writer.write(&batch)?;
            batch.clear();
            Ok(Self { writer, batch })
        })
        .await
    }
}

/// Runs what may block, and makes the reply for what went wrong: the one place where a failed disk becomes a text.
async fn blocking<T, F>(work: F) -> Result<T, Reply>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, BodyError> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(BodyError::Full)) => Err(replies::storage_full()),
        Ok(Err(error)) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a large message could not be stored");
            Err(tollgate_smtp::replies::local_error().into())
        }
        Err(_) => Err(tollgate_smtp::replies::local_error().into()),
    }
}
