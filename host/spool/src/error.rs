//! What can go wrong, one enum per question asked of the spool.
//!
//! Variants hold what a log line needs (a path, an id, a limit), never a sentence for the peer: the wire text is made
//! where replies are made.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::Id;

/// Why a spool did not open. The operator's to mend.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process holds the spool.
    #[error("{path} is locked by another process (pid {})", pid.map_or_else(|| "unknown".to_owned(), |pid| pid.to_string()))]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// Who holds it, when the file says so.
        pid: Option<u32>,
    },
    /// Something that is not a directory is in the way.
    #[error("{path} is not a directory")]
    NotADirectory {
        /// What is in the way.
        path: PathBuf,
    },
    /// This user may not write there, or the file system is mounted read-only.
    #[error("{path} is not writable")]
    NotWritable {
        /// What could not be written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A newer program wrote this spool.
    #[error("{path} has format version {version}, which this program does not read")]
    Version {
        /// The segment.
        path: PathBuf,
        /// The version it states.
        version: u32,
    },
    /// The disk failed.
    #[error("{path}")]
    Storage {
        /// What was being read or written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Why a request was not made durable.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// A batch without messages: nothing would ever free its body.
    #[error("a batch without messages")]
    Empty,
    /// An id that is already stored, or twice in one batch.
    #[error("id {} is in use", crate::format::hex(id))]
    IdInUse {
        /// The id.
        id: Id,
    },
    /// Larger than any segment can take.
    #[error("{octets} octets where {limit} are allowed")]
    TooLarge {
        /// What it would take in the journal.
        octets: u64,
        /// What may be taken.
        limit: u64,
    },
    /// No space is left. Nothing was written and nothing is lost; the spool goes on.
    #[error("no space left for the journal")]
    Full,
    /// The disk failed under this very group. The messages are possibly stored.
    #[error("the journal could not be written")]
    Storage(#[source] Arc<io::Error>),
    /// The disk failed earlier. After a failed sync nobody knows what is on disk, so nothing more is promised until
    /// the spool is opened anew (P. Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020).
    #[error("the journal failed earlier and takes nothing more")]
    Poisoned,
}

/// Why a large body could not be written to its file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// No space is left. The file is removed when the writer is dropped.
    #[error("no space left for a body")]
    Full,
    /// The disk failed.
    #[error("a body could not be written")]
    Storage(#[source] io::Error),
}

/// Why a message could not be read back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// No such message: never committed, or done.
    #[error("message {} is not stored", crate::format::hex(id))]
    NotFound {
        /// The id asked for.
        id: Id,
    },
    /// The octets on disk are not those that were stored.
    #[error("message {} is damaged on disk", crate::format::hex(id))]
    Damaged {
        /// The id asked for.
        id: Id,
    },
    /// The disk failed.
    #[error("message {} could not be read", crate::format::hex(id))]
    Storage {
        /// The id asked for.
        id: Id,
        /// What the system said.
        source: io::Error,
    },
}

/// Tells a full disk or quota from a broken one.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
