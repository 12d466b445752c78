//! The segment files: which one is written, which wait for their next life, and how a life begins.
//!
//! In come octets of whole groups; out goes where they were put. Knows nothing of entries or messages.
//!
//! One spare segment is held back from mail, so that on a full disk messages can still end and old segments can be
//! moved out of the way, which is what makes room again. Files are made whole before they are used: a full disk is
//! met while a spare is made, never in the middle of a group.

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::is_full;
use crate::format::segment::{DATA, Header, SPARE};
use crate::index::Place;
use crate::vfs::{File, Vfs};

/// Ends the name of a segment.
pub(crate) const SUFFIX: &str = ".segment";
/// Ends the name of a file that is not a segment yet.
pub(crate) const UNFINISHED: &str = ".new";
/// Spare segments beyond this, and beyond the number of segments in use, are removed.
const KEPT: usize = 4;

/// A segment in one of its lives.
#[derive(Debug)]
pub(crate) struct SegmentFile {
    pub(crate) file: Arc<dyn File>,
    pub(crate) path: PathBuf,
    pub(crate) len: u64,
    /// Which life this is; of a spare, which was the last.
    pub(crate) sequence: u64,
    /// The start value of all checksums; a read that comes after this life fails on it.
    pub(crate) seed: u32,
}

impl SegmentFile {
    pub(crate) fn read(&self, place: Place) -> io::Result<Vec<u8>> {
        let mut octets = vec![0; place.len as usize];
        self.file.read_at(&mut octets, u64::from(place.offset))?;
        Ok(octets)
    }
}

/// Who asks for room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reserve {
    /// Mail: leaves one spare.
    Keep,
    /// What makes room again: may take the last.
    Spend,
}

/// Why there is no room.
#[derive(Debug)]
pub(crate) enum NoRoom {
    /// The disk is full. Nothing changed.
    Full,
    /// The disk failed.
    Failed(io::Error),
}

/// The segment that is written.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) sequence: u64,
    pub(crate) file: Arc<SegmentFile>,
    pub(crate) offset: u64,
}

/// What recovery learnt about the newest segment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Past {
    pub(crate) sequence: u64,
    pub(crate) end: u64,
    pub(crate) doubt: u64,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Segments {
    vfs: Arc<dyn Vfs>,
    dir: PathBuf,
    size: u64,
    free: VecDeque<Arc<SegmentFile>>,
    head: Option<Head>,
    past: Past,
    /// The tail in the newest header: what is older is known to be dead after any crash.
    tail: u64,
    next_file: u64,
}

impl Segments {
    /// Begins without spares. `tail` is that of the newest header.
    pub(crate) fn new(vfs: Arc<dyn Vfs>, dir: PathBuf, size: u64, past: Past, tail: u64) -> Self {
        Self { vfs, dir, size, free: VecDeque::new(), head: None, past, tail, next_file: 1 }
    }

    /// Takes note of a file name that is in use.
    pub(crate) fn note_name(&mut self, name: &str) {
        let number = name.strip_suffix(SUFFIX).and_then(|number| number.parse().ok()).unwrap_or(0);
        self.next_file = self.next_file.max(number + 1);
    }

    /// Octets that a group may have at most.
    pub(crate) fn capacity(&self) -> u64 {
        self.size - DATA
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// Octets of all spare files.
    pub(crate) fn spare_octets(&self) -> u64 {
        self.free.iter().map(|file| file.len).sum()
    }

    /// Makes sure that the head takes a group of this size. Returns a head that began for it.
    pub(crate) fn make_room(
        &mut self,
        octets: u64,
        reserve: Reserve,
        (tail, first_group): (Option<u64>, u64),
    ) -> Result<Option<Head>, NoRoom> {
        if self.head.as_ref().is_some_and(|head| head.file.len - head.offset >= octets) {
            return Ok(None);
        }
        self.make_spares(if reserve == Reserve::Keep { 2 } else { 1 })?;
        self.begin(tail, first_group).map(Some).map_err(NoRoom::Failed)
    }

    /// Makes sure that there are so many spares.
    pub(crate) fn make_spares(&mut self, wanted: usize) -> Result<(), NoRoom> {
        while self.free.iter().filter(|file| file.len == self.size).count() < wanted {
            self.allocate()?;
        }
        Ok(())
    }

    /// Makes a spare: under another name until it is whole, so that a crash leaves nothing that looks like damage.
    fn allocate(&mut self) -> Result<(), NoRoom> {
        let name = format!("{:08}", self.next_file);
        let unfinished = self.dir.join(format!("{name}{UNFINISHED}"));
        let path = self.dir.join(format!("{name}{SUFFIX}"));
        let file = self.fill(&unfinished).and_then(|file| self.vfs.rename(&unfinished, &path).map(|()| file));
        let file = file.map_err(|error| {
            // Best effort: what stays is removed at the next open.
            let _ = self.vfs.remove(&unfinished);
            if is_full(&error) { NoRoom::Full } else { NoRoom::Failed(error) }
        })?;
        self.vfs.sync_dir(&self.dir).map_err(NoRoom::Failed)?;
        self.next_file += 1;
        self.free.push_back(Arc::new(SegmentFile {
            file,
            path,
            len: self.size,
            sequence: SPARE,
            seed: Header::UNUSED.seed(),
        }));
        Ok(())
    }

    fn fill(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let file = self.vfs.create(path)?;
        file.allocate(self.size)?;
        file.write_at(&Header::UNUSED.encode(), 0)?;
        file.sync_data()?;
        Ok(file)
    }

    /// Gives the oldest spare its next life. The header is durable before any entry: were entries of the new life
    /// written under the old header, a crash could leave a record of the old life without the done that follows it.
    fn begin(&mut self, tail: Option<u64>, first_group: u64) -> io::Result<Head> {
        let spare = self.take_spare()?;
        let past = self.head.as_ref().map_or(self.past, |head| Past {
            sequence: head.sequence,
            end: head.offset,
            doubt: head.offset,
        });
        let sequence = past.sequence + 1;
        let header = Header {
            sequence,
            len: spare.len,
            salt: RandomState::new().hash_one(sequence),
            tail: tail.unwrap_or(sequence),
            first_group,
            previous_end: past.end,
            previous_doubt: past.doubt,
        };
        spare.file.write_at(&header.encode(), 0)?;
        spare.file.sync_data()?;
        let file = SegmentFile {
            file: Arc::clone(&spare.file),
            path: spare.path.clone(),
            len: spare.len,
            sequence,
            seed: header.seed(),
        };
        self.tail = header.tail;
        let head = Head { sequence, file: Arc::new(file), offset: DATA };
        self.head = Some(head.clone());
        Ok(head)
    }

    /// Takes the oldest spare of the right size; others were made under another option, and are left to
    /// [`Self::trim`].
    fn take_spare(&mut self) -> io::Result<Arc<SegmentFile>> {
        let fits = self.free.iter().position(|spare| spare.len == self.size);
        fits.and_then(|at| self.free.remove(at)).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Writes a group at the head, which has room for it. Returns where it begins.
    pub(crate) fn write(&mut self, octets: &[u8], sync: bool) -> io::Result<(u64, u64)> {
        let head = self.head.as_mut().ok_or(io::ErrorKind::NotFound)?;
        head.file.file.write_at(octets, head.offset)?;
        if sync {
            head.file.file.sync_data()?;
        }
        let offset = head.offset;
        head.offset += octets.len() as u64;
        Ok((head.sequence, offset))
    }

    /// Takes a segment that is dead. Must be called in the order of sequence numbers.
    pub(crate) fn free(&mut self, file: Arc<SegmentFile>) {
        self.free.push_back(file);
    }

    /// Removes spares that a burst left behind, and those of another size. Only what the newest header calls dead may
    /// go: until then a missing file would be taken for damage, and a message would survive the end it had in there.
    pub(crate) fn trim(&mut self, in_use: usize) {
        let mut surplus = self.free.len().saturating_sub(KEPT.max(in_use));
        let (vfs, size, tail) = (&self.vfs, self.size, self.tail);
        self.free.retain(|spare| {
            let goes = spare.sequence < tail && (surplus > 0 || spare.len != size);
            if goes {
                surplus = surplus.saturating_sub(1);
                // A file that stays, or comes back after a crash, is a spare.
                let _ = vfs.remove(&spare.path);
            }
            !goes
        });
    }
}
