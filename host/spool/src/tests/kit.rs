//! What the tests share: small segments, short messages, and a journal that runs group by group without a thread.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::journal::Journal;
use crate::recovery::{self, Recovered};
use crate::request::Request;
use crate::vfs::memory::MemoryVfs;
use crate::{Batch, Body, CommitError, Committed, Id, NewMessage, OpenError, Options, Spool, Stored};

pub(crate) const DIR: &str = "/spool";

pub(crate) fn options() -> Options {
    Options { segment_size: 16 << 10, inline_limit: 2 << 10, ..Options::default() }
}

pub(crate) fn id(n: u64) -> Id {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&n.to_be_bytes());
    id
}

/// A body that differs from all others.
pub(crate) fn body(n: u64, len: usize) -> Bytes {
    (0..len).map(|at| (n as usize * 31 + at * 7) as u8).collect()
}

pub(crate) fn message(n: u64) -> NewMessage {
    NewMessage { id: id(n), meta: format!("meta {n}").into(), state: Bytes::from_static(b"new") }
}

pub(crate) fn batch(ids: impl IntoIterator<Item = u64>, octets: Bytes) -> Batch {
    Batch { body: Body::Inline(octets), messages: ids.into_iter().map(message).collect() }
}

pub(crate) fn stored(n: u64, state: &str, body_len: u64) -> Stored {
    Stored { id: id(n), meta: format!("meta {n}").into(), state: state.to_owned().into(), body_len }
}

pub(crate) fn open(vfs: &MemoryVfs) -> (Spool, Recovered) {
    Spool::open(Arc::new(vfs.clone()), Path::new(DIR), options()).unwrap()
}

pub(crate) fn try_journal(vfs: &MemoryVfs) -> Result<(Journal, Recovered), OpenError> {
    recovery::open(Arc::new(vfs.clone()), Path::new(DIR), &options())
}

pub(crate) fn journal(vfs: &MemoryVfs) -> (Journal, Recovered) {
    try_journal(vfs).unwrap()
}

pub(crate) type Answer<T> = oneshot::Receiver<Result<T, CommitError>>;

pub(crate) fn commit(batch: Batch) -> (Request, Answer<Committed>) {
    let (reply, answer) = oneshot::channel();
    (Request::Commit { batch, reply }, answer)
}

/// Commits one batch as one group.
pub(crate) fn store(journal: &mut Journal, batch: Batch) -> Result<Committed, CommitError> {
    let (request, mut answer) = commit(batch);
    journal.commit(vec![request]);
    answer.try_recv().unwrap()
}

pub(crate) fn done(n: u64) -> Request {
    Request::Done { id: id(n) }
}

pub(crate) fn state(n: u64, state: &str) -> Request {
    Request::State { id: id(n), state: state.to_owned().into(), reply: None }
}

/// Runs groups until nothing more wants to move.
pub(crate) fn settle(journal: &mut Journal) {
    while journal.wants_to_move() {
        journal.commit(Vec::new());
    }
}

pub(crate) fn numbers(recovered: &Recovered) -> Vec<u64> {
    let number = |stored: &Stored| u64::from_be_bytes(stored.id[8..].try_into().unwrap());
    recovered.messages.iter().map(number).collect()
}
