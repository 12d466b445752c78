//! Bodies: in memory while they are small, in a file of their own as soon as they are not.
//!
//! In come octets as they arrive; out goes a [`Body`] for a batch, and later a [`BodyReader`]. A body file is synced,
//! name and content, before the journal can name it. Until a commit takes it over, dropping it removes it.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};

use crate::Id;
use crate::error::{BodyError, is_full};
use crate::format::front::FileBody;
use crate::format::hex;
use crate::vfs::{File, Vfs};

/// The octets of a batch.
#[derive(Debug)]
pub enum Body {
    /// In memory, to go into the journal.
    Inline(Bytes),
    /// In a file of its own, already durable.
    File(BodyFile),
}

impl Body {
    /// Returns its length in octets.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Inline(octets) => octets.len() as u64,
            Self::File(file) => file.name.len,
        }
    }

    /// Returns whether there are no octets.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Where a body file is.
pub(crate) fn path(dir: &Path, id: &Id) -> PathBuf {
    dir.join("body").join(hex(id))
}

/// A body file that no message names yet; removed on drop.
#[derive(Debug)]
pub struct BodyFile {
    vfs: Arc<dyn Vfs>,
    path: PathBuf,
    name: FileBody,
    file: Arc<dyn File>,
    kept: bool,
}

impl BodyFile {
    fn create(vfs: Arc<dyn Vfs>, dir: &Path) -> io::Result<Self> {
        let id = new_id();
        let path = path(dir, &id);
        let file = vfs.create(&path)?;
        Ok(Self { vfs, path, name: FileBody { id, len: 0, crc: 0 }, file, kept: false })
    }

    pub(crate) fn name(&self) -> FileBody {
        self.name
    }

    /// Leaves the file to the journal.
    pub(crate) fn keep(&mut self) {
        self.kept = true;
    }

    fn append(&mut self, octets: &[u8]) -> io::Result<()> {
        self.file.write_at(octets, self.name.len)?;
        self.name.len += octets.len() as u64;
        self.name.crc = crc32c::crc32c_append(self.name.crc, octets);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()?;
        self.path.parent().map_or(Ok(()), |dir| self.vfs.sync_dir(dir))
    }
}

impl Drop for BodyFile {
    fn drop(&mut self) {
        if !self.kept {
            // What stays is an orphan, which the next open removes.
            let _ = self.vfs.remove(&self.path);
        }
    }
}

/// Takes a body as it arrives. Dropped before [`BodyWriter::finish`], it leaves nothing behind.
#[derive(Debug)]
pub struct BodyWriter {
    vfs: Arc<dyn Vfs>,
    dir: PathBuf,
    limit: usize,
    buffer: BytesMut,
    file: Option<BodyFile>,
}

impl BodyWriter {
    pub(crate) fn new(vfs: Arc<dyn Vfs>, dir: PathBuf, limit: usize) -> Self {
        Self { vfs, dir, limit, buffer: BytesMut::new(), file: None }
    }

    /// Appends octets. Blocks once the body is too large for memory; until then it only copies.
    ///
    /// # Errors
    /// [`BodyError::Full`] without space, [`BodyError::Storage`] if the disk failed. The body is lost in either case.
    pub fn write(&mut self, octets: &[u8]) -> Result<(), BodyError> {
        self.buffer.extend_from_slice(octets);
        if self.buffer.len() > self.limit { self.spill().map_err(told) } else { Ok(()) }
    }

    /// Returns whether the next octets may block.
    #[must_use]
    pub fn blocks(&self) -> bool {
        self.file.is_some()
    }

    /// Ends the body. Blocks for a sync if it has a file.
    ///
    /// # Errors
    /// As [`BodyWriter::write`].
    pub fn finish(mut self) -> Result<Body, BodyError> {
        if self.file.is_none() {
            return Ok(Body::Inline(self.buffer.freeze()));
        }
        self.spill().map_err(told)?;
        let file = self.file.take().expect("just seen, and spilling only ever makes one");
        file.sync().map_err(told)?;
        Ok(Body::File(file))
    }

    fn spill(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(BodyFile::create(Arc::clone(&self.vfs), &self.dir)?),
        };
        file.append(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

fn told(error: io::Error) -> BodyError {
    if is_full(&error) { BodyError::Full } else { BodyError::Storage(error) }
}

/// Makes a name that no body file has: unpredictable across runs, counted within one.
pub(crate) fn new_id() -> Id {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut id = [0; 16];
    id[..8].copy_from_slice(&RandomState::new().hash_one(count).to_be_bytes());
    id[8..].copy_from_slice(&RandomState::new().hash_one(!count).to_be_bytes());
    id
}

/// Reads a body piece by piece. Blocks.
///
/// The last read fails with `InvalidData` if the octets of a body file are not those that were stored; whoever passes
/// them on must not call the body complete before the end was seen.
#[derive(Debug)]
pub struct BodyReader {
    source: Source,
    len: u64,
}

#[derive(Debug)]
enum Source {
    /// Checked before.
    Memory(Bytes),
    File {
        file: Arc<dyn File>,
        name: FileBody,
        offset: u64,
        crc: u32,
    },
}

impl BodyReader {
    pub(crate) fn memory(octets: Bytes) -> Self {
        Self { len: octets.len() as u64, source: Source::Memory(octets) }
    }

    pub(crate) fn file(file: Arc<dyn File>, name: FileBody) -> Self {
        Self { len: name.len, source: Source::File { file, name, offset: 0, crc: 0 } }
    }

    /// Returns the length of the whole body in octets.
    #[must_use]
    pub fn body_len(&self) -> u64 {
        self.len
    }
}

impl Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.source {
            Source::Memory(octets) => {
                let part = octets.split_to(octets.len().min(buffer.len()));
                buffer[..part.len()].copy_from_slice(&part);
                Ok(part.len())
            }
            Source::File { file, name, offset, crc } => {
                let left = usize::try_from(name.len - *offset).unwrap_or(usize::MAX);
                let len = left.min(buffer.len());
                let part = &mut buffer[..len];
                file.read_at(part, *offset)?;
                *offset += part.len() as u64;
                *crc = crc32c::crc32c_append(*crc, part);
                let wrong = *offset == name.len && *crc != name.crc;
                if wrong { Err(io::ErrorKind::InvalidData.into()) } else { Ok(part.len()) }
            }
        }
    }
}
