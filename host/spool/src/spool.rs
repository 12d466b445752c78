//! The face of the spool: a handle that many tasks share.
//!
//! Turns calls into requests for the writer and waits for answers; reads go to the files directly, on the caller's
//! thread. Holds no state of its own besides the thread: dropping the last handle drains the writer and joins it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::Id;
use crate::body::{self, BodyReader, BodyWriter};
use crate::error::{CommitError, OpenError, ReadError};
use crate::format::entry::{self, Found};
use crate::format::front::{BodyPlace, Record};
use crate::format::segment::DATA;
use crate::index::{Located, Place};
use crate::moves::read_state;
use crate::receipt::Committed;
use crate::recovery::{self, Recovered};
use crate::request::{Batch, Request, Stored};
use crate::segments::SegmentFile;
use crate::shared::{Health, Shared, Stats};
use crate::vfs::Vfs;
use crate::writer;

/// Whether an answer waits for the disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// It does.
    #[default]
    Sync,
    /// It does not: a crash of the machine loses mail. For experiments.
    None,
}

/// How a spool is laid out. May change from one open to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Octets of a segment file, 16 KiB to 1 GiB; the nearest allowed value is taken.
    pub segment_size: u64,
    /// Octets of a body that [`BodyWriter`] keeps in memory and the journal takes in; longer ones get a file. Brought
    /// down to a quarter of a segment if it is more.
    pub inline_limit: usize,
    /// Whether an answer waits for the disk.
    pub durability: Durability,
}

impl Default for Options {
    fn default() -> Self {
        Self { segment_size: 64 << 20, inline_limit: 256 << 10, durability: Durability::Sync }
    }
}

impl Options {
    pub(crate) fn segment_size(&self) -> u64 {
        self.segment_size.clamp(16 << 10, 1 << 30)
    }

    fn inline_limit(&self) -> usize {
        self.inline_limit.min(usize::try_from(self.segment_size() / 4).unwrap_or(usize::MAX))
    }

    /// What one request may take: half a segment, so that a record still fits when its states have grown.
    fn request_limit(&self) -> u64 {
        (self.segment_size() - DATA) / 2
    }
}

/// Durable storage of messages. Clones share it; the last one dropped blocks until the writer has finished.
#[derive(Debug, Clone)]
pub struct Spool(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    vfs: Arc<dyn Vfs>,
    dir: PathBuf,
    options: Options,
    requests: Option<Sender<Request>>,
    writer: Option<JoinHandle<()>>,
}

impl Spool {
    /// Opens the spool in `dir`, which is made if it is missing, and reads all of its journal. Blocks.
    ///
    /// # Errors
    /// [`OpenError`], all of them the operator's to mend. Damage is no error: see [`Recovered::damaged`].
    pub fn open(vfs: Arc<dyn Vfs>, dir: &Path, options: Options) -> Result<(Self, Recovered), OpenError> {
        let (journal, recovered) = recovery::open(Arc::clone(&vfs), dir, &options)?;
        let shared = Arc::clone(&journal.shared);
        let (requests, inbox) = mpsc::channel();
        let writer = thread::Builder::new().name("spool".to_owned()).spawn(move || writer::run(journal, inbox));
        let writer = writer.map_err(|source| OpenError::Storage { path: dir.to_owned(), source })?;
        let dir = dir.to_owned();
        let inner = Inner { shared, vfs, dir, options, requests: Some(requests), writer: Some(writer) };
        Ok((Self(Arc::new(inner)), recovered))
    }

    /// A face for reading beside a journal that a test runs by hand.
    #[cfg(test)]
    pub(crate) fn without_writer(shared: Arc<Shared>, vfs: Arc<dyn Vfs>, dir: PathBuf, options: Options) -> Self {
        Self(Arc::new(Inner { shared, vfs, dir, options, requests: None, writer: None }))
    }

    /// Stores the messages of a batch, all or none, and returns when they are on stable storage.
    ///
    /// # Errors
    /// [`CommitError::Full`], [`CommitError::TooLarge`], [`CommitError::IdInUse`], [`CommitError::Empty`]: nothing is
    /// stored. [`CommitError::Storage`]: the messages are possibly stored, and come back at the next open if they are.
    /// [`CommitError::Poisoned`]: nothing was tried.
    ///
    /// # Cancel safety
    /// Dropping the future is harmless but does not take the batch back: it is possibly stored, as after a lost
    /// reply. Who does not want it then has to [`remove`](Self::remove) its messages.
    pub async fn commit(&self, batch: Batch) -> Result<Committed, CommitError> {
        if batch.messages.is_empty() {
            return Err(CommitError::Empty);
        }
        self.check_size(batch.size())?;
        self.ask(|reply| Request::Commit { batch, reply }).await
    }

    /// Replaces the state of a message, with the next group; later calls for the same message win. A message that is
    /// not stored has no state, and the call is without effect. Does not wait.
    ///
    /// # Errors
    /// [`CommitError::TooLarge`], [`CommitError::Poisoned`]. Without an error the state may still be lost in a crash.
    pub fn update(&self, id: Id, state: Bytes) -> Result<(), CommitError> {
        let request = Request::State { id, state, reply: None };
        self.check_size(request.size())?;
        self.send(request);
        self.check_health()
    }

    /// As [`Spool::update`], and returns when the state is on stable storage.
    ///
    /// # Errors
    /// As [`Spool::commit`], without those about batches. On a full disk it waits rather than fails.
    ///
    /// # Cancel safety
    /// Dropping the future turns the call into [`Spool::update`].
    pub async fn update_durably(&self, id: Id, state: Bytes) -> Result<(), CommitError> {
        self.check_size(Request::State { id, state: state.clone(), reply: None }.size())?;
        self.ask(|reply| Request::State { id, state, reply: Some(reply) }).await
    }

    /// Says that a message is done, with the next group; its body goes with the last message that shares it. Does
    /// not wait. After a crash the message may be there once more.
    pub fn remove(&self, id: Id) {
        self.send(Request::Done { id });
    }

    /// Returns when everything asked for before is on stable storage.
    ///
    /// # Errors
    /// [`CommitError::Full`] if something waits for space, [`CommitError::Poisoned`] or [`CommitError::Storage`] if
    /// it is not known what is stored.
    ///
    /// # Cancel safety
    /// Safe: it only waits.
    pub async fn flush(&self) -> Result<(), CommitError> {
        self.ask(|reply| Request::Flush { reply }).await
    }

    /// Returns a writer for a body of unknown length.
    #[must_use]
    pub fn body_writer(&self) -> BodyWriter {
        BodyWriter::new(Arc::clone(&self.0.vfs), self.0.dir.clone(), self.0.options.inline_limit())
    }

    /// Reads a whole body into memory and checks it. Blocks.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn read_body(&self, id: Id) -> Result<Bytes, ReadError> {
        let mut reader = self.open_body(id)?;
        let mut octets = Vec::with_capacity(usize::try_from(reader.body_len()).unwrap_or(0));
        io::copy(&mut reader, &mut octets).map_err(|error| failed(id, error))?;
        Ok(octets.into())
    }

    /// Opens a body for reading in pieces. Blocks, and so does the reader if the body has a file.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn open_body(&self, id: Id) -> Result<BodyReader, ReadError> {
        self.read(id, |octets, located| {
            let (record, entry) = record(octets, &located.record.1)?;
            Some(match record.body {
                BodyPlace::File(file) => Opened::File(file),
                BodyPlace::Inline => Opened::Memory(Bytes::copy_from_slice(entry.body)),
            })
        })
        .and_then(|opened| match opened {
            Opened::Memory(octets) => Ok(BodyReader::memory(octets)),
            Opened::File(name) => {
                let file = self.0.vfs.open(&body::path(&self.0.dir, &name.id));
                file.map(|file| BodyReader::file(file, name)).map_err(|error| failed(id, error))
            }
        })
    }

    /// Reads meta and latest state of a message back, so that a caller need not keep them in memory. Blocks.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn read_message(&self, id: Id) -> Result<Stored, ReadError> {
        self.read(id, |octets, located| {
            let (record, entry) = record(octets, &located.record.1)?;
            let message = record.messages.into_iter().find(|message| message.id == id)?;
            let state = match &located.state {
                Some((place, file)) => read_state(*place, file)?,
                None => message.state.to_vec(),
            };
            let body_len = match record.body {
                BodyPlace::File(file) => file.len,
                BodyPlace::Inline => entry.body.len() as u64,
            };
            Some(Stored { id, meta: Bytes::copy_from_slice(message.meta), state: state.into(), body_len })
        })
    }

    /// Says whether the spool takes mail.
    #[must_use]
    pub fn health(&self) -> Health {
        self.0.shared.health()
    }

    /// Returns figures for metrics.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.0.shared.stats()
    }

    /// Reads the record of a message and takes something out of it. The message may move meanwhile and its segment
    /// live again: then the checksum fails, the index says otherwise than before, and the new place is read.
    fn read<T>(&self, id: Id, take: impl Fn(&[u8], &Located) -> Option<T>) -> Result<T, ReadError> {
        let locate = || self.0.shared.index().locate(&id).ok_or(ReadError::NotFound { id });
        let mut located = locate()?;
        loop {
            let (place, file) = &located.record;
            let octets = file.read(*place).map_err(|error| failed(id, error))?;
            if let Some(taken) = take(&octets, &located) {
                return Ok(taken);
            }
            let now = locate()?;
            if places(&now) == places(&located) {
                return Err(ReadError::Damaged { id });
            }
            located = now;
        }
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, CommitError>>) -> Request,
    ) -> Result<T, CommitError> {
        let (reply, answer) = oneshot::channel();
        self.send(request(reply));
        // The writer answers everything it takes; silence means that it is gone.
        answer.await.unwrap_or(Err(CommitError::Poisoned))
    }

    /// Hands a request to the writer. One that is gone has taken the promise of an answer with it.
    fn send(&self, request: Request) {
        if let Some(requests) = &self.0.requests {
            drop(requests.send(request));
        }
    }

    fn check_size(&self, octets: u64) -> Result<(), CommitError> {
        let limit = self.0.options.request_limit();
        if octets > limit { Err(CommitError::TooLarge { octets, limit }) } else { Ok(()) }
    }

    fn check_health(&self) -> Result<(), CommitError> {
        if self.health() == Health::Poisoned { Err(CommitError::Poisoned) } else { Ok(()) }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has said so; whoever waited was told that the spool is poisoned.
            drop(writer.join());
        }
    }
}

enum Opened {
    Memory(Bytes),
    File(crate::format::front::FileBody),
}

fn record<'a>(octets: &'a [u8], file: &SegmentFile) -> Option<(Record<'a>, entry::Entry<'a>)> {
    match entry::parse(octets, file.seed) {
        Found::Entry(entry) if entry.intact => Some((Record::decode(entry.front)?, entry)),
        _ => None,
    }
}

fn places(located: &Located) -> (Place, Option<Place>) {
    (located.record.0, located.state.as_ref().map(|(place, _)| *place))
}

fn failed(id: Id, source: io::Error) -> ReadError {
    match source.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => ReadError::Damaged { id },
        _ => ReadError::Storage { id, source },
    }
}
