//! What travels to the writer: the public values callers build, and the requests made of them.

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::Id;
use crate::body::Body;
use crate::error::CommitError;
use crate::format::entry;
use crate::format::front::{BodyPlace, Message, Record};
use crate::receipt::Committed;

/// The messages of one transaction, which share a body. They are stored all or none.
#[derive(Debug)]
pub struct Batch {
    /// The octets they share.
    pub body: Body,
    /// At least one.
    pub messages: Vec<NewMessage>,
}

/// A message to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// Never used before.
    pub id: Id,
    /// What never changes; opaque, may be empty.
    pub meta: Bytes,
    /// What [`Spool::update`](crate::Spool::update) replaces; opaque, may be empty.
    pub state: Bytes,
}

/// A message as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub id: Id,
    /// What it was committed with.
    pub meta: Bytes,
    /// Its latest state.
    pub state: Bytes,
    /// Octets of its body.
    pub body_len: u64,
}

pub(crate) type Reply<T> = oneshot::Sender<Result<T, CommitError>>;

/// A request to the writer.
#[derive(Debug)]
pub(crate) enum Request {
    Commit { batch: Batch, reply: Reply<Committed> },
    State { id: Id, state: Bytes, reply: Option<Reply<()>> },
    Done { id: Id },
    Flush { reply: Reply<()> },
}

impl Batch {
    /// The front of its record.
    pub(crate) fn front(&self, arrival: u64) -> Record<'_> {
        let body = match &self.body {
            Body::Inline(_) => BodyPlace::Inline,
            Body::File(file) => BodyPlace::File(file.name()),
        };
        let messages = self.messages.iter();
        let messages = messages.map(|message| Message { id: message.id, meta: &message.meta, state: &message.state });
        Record { arrival, body, messages: messages.collect() }
    }

    /// What goes into the journal besides the front.
    pub(crate) fn inline(&self) -> &[u8] {
        match &self.body {
            Body::Inline(octets) => octets,
            Body::File(_) => &[],
        }
    }

    /// Octets it takes in the journal.
    pub(crate) fn size(&self) -> u64 {
        entry::size(self.front(0).size(), self.inline().len()) as u64
    }
}

impl Request {
    /// Octets it takes in the journal.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Commit { batch, .. } => batch.size(),
            Self::State { state, .. } => entry::size(size_of::<Id>() + state.len(), 0) as u64,
            Self::Done { .. } => entry::size(size_of::<Id>(), 0) as u64,
            Self::Flush { .. } => 0,
        }
    }

    pub(crate) fn is_mail(&self) -> bool {
        matches!(self, Self::Commit { .. })
    }

    /// Tells whoever waits that it did not happen. A receiver that is gone has stopped caring.
    pub(crate) fn refuse(self, error: CommitError) {
        match self {
            Self::Commit { reply, .. } => drop(reply.send(Err(error))),
            Self::State { reply: Some(reply), .. } | Self::Flush { reply } => drop(reply.send(Err(error))),
            Self::State { reply: None, .. } | Self::Done { .. } => {}
        }
    }

    /// Tells whoever waits that it may not have happened: the disk failed and may still hold it.
    pub(crate) fn fail(mut self, error: CommitError) {
        if let Self::Commit { batch: Batch { body: Body::File(file), .. }, .. } = &mut self {
            // If the record is on disk after all, it must find its body. Otherwise the next open removes the file.
            file.keep();
        }
        self.refuse(error);
    }

    /// Tells whoever waits that it is on disk.
    pub(crate) fn confirm(self) {
        match self {
            Self::Commit { mut batch, reply } => {
                if let Body::File(file) = &mut batch.body {
                    file.keep();
                }
                let ids = batch.messages.iter().map(|message| message.id).collect();
                drop(reply.send(Ok(Committed { ids })));
            }
            Self::State { reply: Some(reply), .. } | Self::Flush { reply } => drop(reply.send(Ok(()))),
            Self::State { reply: None, .. } | Self::Done { .. } => {}
        }
    }
}
