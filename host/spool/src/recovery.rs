//! Opening a spool: lock, survey, replay, report.
//!
//! In comes a directory in any state that a crash or a bad disk can leave; out go a journal ready to write, all live
//! messages, and a list of everything that is not as it should be. Damage is copied to `corrupt/` and never stops the
//! rest from coming back; only what makes the whole store unreadable (a device that fails, a newer format) does.
//!
//! Opening changes no segment. The first group after it goes into a new one, so nothing is ever written over a tail
//! whose state is in doubt.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::Id;
use crate::body;
use crate::error::OpenError;
use crate::format::hex;
use crate::format::segment::{DATA, Header, Reading, SPARE};
use crate::journal::Journal;
use crate::moves::Moves;
use crate::replay::{Known, Replay, Suspect};
use crate::request::Stored;
use crate::segments::{Past, SUFFIX, SegmentFile, Segments, UNFINISHED};
use crate::shared::Shared;
use crate::spool::{Durability, Options};
use crate::vfs::{File, Vfs};

/// What an open found.
#[derive(Debug, Default)]
pub struct Recovered {
    /// Everything that was committed and is not done, in the order of arrival.
    pub messages: Vec<Stored>,
    /// Everything that is not as it should be. Empty after any crash: what a crash can leave is no damage.
    pub damaged: Vec<Damage>,
    /// Body files that no message named, and that were removed.
    pub orphans: usize,
}

/// Something on disk that is not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// The header of a segment file is unreadable. The file was moved out of the way.
    Segment {
        /// Where it is now.
        kept: PathBuf,
    },
    /// A segment that should exist does not.
    Missing {
        /// Its sequence number.
        segment: u64,
    },
    /// A range of a segment holds no entry and should; which messages it held, if any, is not known.
    Range {
        /// The sequence number of the segment.
        segment: u64,
        /// Where it begins, in octets from the start of the file.
        offset: u64,
        /// Octets; 0 if the file was cut there.
        len: u64,
        /// Where a copy is, unless it could not be written.
        kept: Option<PathBuf>,
    },
    /// The body of this message is damaged or missing. The message is not among those recovered.
    Message {
        /// Whose body.
        id: Id,
        /// Where a copy of what is left of it is, if there is one.
        kept: Option<PathBuf>,
    },
}

/// Opens the journal below `dir`.
pub(crate) fn open(vfs: Arc<dyn Vfs>, dir: &Path, options: &Options) -> Result<(Journal, Recovered), OpenError> {
    for dir in [dir.to_owned(), dir.join("journal"), dir.join("body")] {
        vfs.create_dir(&dir).map_err(|error| explain(&dir, error))?;
    }
    let lock = lock(&*vfs, &dir.join("lock"))?;
    let mut recovery = Recovery { vfs: Arc::clone(&vfs), dir: dir.to_owned(), damaged: Vec::new() };
    let survey = recovery.survey()?;
    let (mut replay, past) = recovery.replay(&survey)?;
    let orphans = recovery.check_bodies(&mut replay)?;
    recovery.report(&replay);

    let mut segments = Segments::new(Arc::clone(&vfs), dir.join("journal"), options.segment_size(), past, survey.tail);
    survey.names.iter().for_each(|name| segments.note_name(name));
    survey.free.into_iter().for_each(|file| segments.free(file));
    let mut journal = Journal {
        shared: Arc::new(Shared::new(replay.index)),
        vfs,
        dir: dir.to_owned(),
        segments,
        sync: options.durability == Durability::Sync,
        moves: Moves::default(),
        group: replay.group + 1,
        arrival: replay.arrival,
        buffer: Vec::new(),
        _lock: lock,
    };
    journal.free_dead();
    let messages = Replay::in_order(replay.messages);
    Ok((journal, Recovered { messages, damaged: recovery.damaged, orphans }))
}

fn lock(vfs: &dyn Vfs, path: &Path) -> Result<Box<dyn std::any::Any + Send + Sync>, OpenError> {
    vfs.lock(path, &std::process::id().to_string()).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => OpenError::Locked { path: path.to_owned(), pid: holder(vfs, path) },
        _ => explain(path, error),
    })
}

/// Reads who holds a lock.
fn holder(vfs: &dyn Vfs, path: &Path) -> Option<u32> {
    let file = vfs.open(path).ok()?;
    let mut text = vec![0; usize::try_from(file.size().ok()?).ok()?];
    file.read_at(&mut text, 0).ok()?;
    std::str::from_utf8(&text).ok()?.trim().parse().ok()
}

fn explain(path: &Path, source: io::Error) -> OpenError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::NotADirectory => OpenError::NotADirectory { path },
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => OpenError::NotWritable { path, source },
        _ => OpenError::Storage { path, source },
    }
}

/// A segment that is replayed.
struct Life {
    header: Header,
    file: Arc<SegmentFile>,
}

/// The segment files, sorted out.
#[derive(Default)]
struct Survey {
    names: Vec<String>,
    /// What the newest header says.
    tail: u64,
    /// In the order of sequence numbers.
    lives: Vec<Life>,
    /// In the order of sequence numbers.
    free: Vec<Arc<SegmentFile>>,
}

struct Recovery {
    vfs: Arc<dyn Vfs>,
    dir: PathBuf,
    damaged: Vec<Damage>,
}

impl Recovery {
    /// Reads all headers.
    fn survey(&mut self) -> Result<Survey, OpenError> {
        let dir = self.dir.join("journal");
        let mut names = self.vfs.list(&dir).map_err(|error| explain(&dir, error))?;
        names.sort_unstable();
        let mut lives = Vec::new();
        for name in &names {
            let path = dir.join(name);
            if name.ends_with(UNFINISHED) {
                self.vfs.remove(&path).map_err(|error| explain(&path, error))?;
            } else if name.ends_with(SUFFIX) {
                lives.extend(self.life(&path)?);
            }
        }
        lives.sort_unstable_by_key(|life| life.header.sequence);
        let tail = lives.last().map_or(0, |life| life.header.tail);
        let (free, lives) =
            lives.into_iter().partition(|life| life.header.sequence == SPARE || life.header.sequence < tail);
        let free: Vec<Life> = free;
        let survey = Survey { names, tail, lives, free: free.into_iter().map(|life| life.file).collect() };
        self.report_missing(&survey);
        Ok(survey)
    }

    /// Reads the header of a segment; nothing if it is damaged.
    fn life(&mut self, path: &Path) -> Result<Option<Life>, OpenError> {
        let failed = |error| explain(path, error);
        let file = self.vfs.open(path).map_err(failed)?;
        let len = file.size().map_err(failed)?;
        let page = read(&*file, 0, len.min(DATA)).map_err(failed)?;
        match Header::decode(&page) {
            Reading::Header(header) => {
                let file =
                    SegmentFile { file, path: path.to_owned(), len, sequence: header.sequence, seed: header.seed() };
                Ok(Some(Life { header, file: Arc::new(file) }))
            }
            Reading::Version(version) => Err(OpenError::Version { path: path.to_owned(), version }),
            Reading::Damaged => self.set_aside(path).map(|()| None),
        }
    }

    /// Moves a segment that says nothing of itself out of the way.
    fn set_aside(&mut self, path: &Path) -> Result<(), OpenError> {
        let corrupt = self.dir.join("corrupt");
        let number = self.damaged.len();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let kept = corrupt.join(format!("{name}-{number}-{}", hex(&body::new_id())));
        let moved = self.vfs.create_dir(&corrupt).and_then(|()| self.vfs.rename(path, &kept));
        moved.and_then(|()| self.vfs.sync_dir(&corrupt)).map_err(|error| explain(&kept, error))?;
        self.damaged.push(Damage::Segment { kept });
        Ok(())
    }

    /// Looks for gaps in the sequence, unless damaged headers already explain them.
    fn report_missing(&mut self, survey: &Survey) {
        let present: HashSet<u64> = survey.lives.iter().map(|life| life.header.sequence).collect();
        if let (true, Some(last)) = (self.damaged.is_empty(), survey.lives.last()) {
            let missing = (survey.tail..last.header.sequence).filter(|segment| !present.contains(segment));
            self.damaged.extend(missing.map(|segment| Damage::Missing { segment }));
        }
    }

    fn replay(&self, survey: &Survey) -> Result<(Replay, Past), OpenError> {
        let mut replay = Replay::default();
        let mut past = Past::default();
        for (n, life) in survey.lives.iter().enumerate() {
            let next = survey.lives.get(n + 1).map(|next| &next.header);
            let next = next.filter(|next| next.sequence == life.header.sequence + 1);
            let failed = |error| explain(&life.file.path, error);
            let octets = read(&*life.file.file, 0, life.file.len).map_err(failed)?;
            past = replay.segment(&octets, &life.header, Arc::clone(&life.file), next);
            if n + 1 == survey.lives.len() {
                // A killed process leaves a tail that is in the page cache alone, and it is about to be relied on.
                life.file.file.sync_data().map_err(failed)?;
            }
        }
        Ok((replay, past))
    }

    /// Compares the body files with the messages that name them. Returns how many nobody named.
    fn check_bodies(&mut self, replay: &mut Replay) -> Result<usize, OpenError> {
        let dir = self.dir.join("body");
        let lost = replay.messages.values().filter(|known| !self.has_body(known)).map(|known| known.stored.id);
        let mut lost: Vec<Id> = lost.collect();
        lost.sort_unstable();
        let mut kept = HashMap::new();
        for id in lost {
            let file = replay.messages.get(&id).and_then(|known| known.file).map(|file| file.id);
            let copy = file.and_then(|file| kept.entry(file).or_insert_with(|| self.keep_body(&file)).clone());
            self.damaged.push(Damage::Message { id, kept: copy });
            replay.lose(id);
        }
        let named: HashSet<String> = replay.messages.values().filter_map(|known| Some(hex(&known.file?.id))).collect();
        let names = self.vfs.list(&dir).map_err(|error| explain(&dir, error))?;
        let orphans: Vec<_> = names.iter().filter(|name| !named.contains(*name)).map(|name| dir.join(name)).collect();
        for path in &orphans {
            self.vfs.remove(path).map_err(|error| explain(path, error))?;
        }
        Ok(orphans.len())
    }

    /// Whether the body file of a message, if it has one, is there and has its length. Its checksum is checked when
    /// it is read: large bodies would keep a spool from opening for minutes.
    fn has_body(&self, known: &Known) -> bool {
        known.file.is_none_or(|body| {
            let file = self.vfs.open(&body::path(&self.dir, &body.id));
            file.and_then(|file| file.size()).is_ok_and(|len| len == body.len)
        })
    }

    fn keep_body(&self, id: &Id) -> Option<PathBuf> {
        let corrupt = self.dir.join("corrupt");
        let kept = corrupt.join(format!("body-{}", hex(id)));
        let moved = self.vfs.create_dir(&corrupt).and_then(|()| self.vfs.rename(&body::path(&self.dir, id), &kept));
        moved.is_ok().then_some(kept)
    }

    /// Copies what is damaged and lists it.
    fn report(&mut self, replay: &Replay) {
        for gap in &replay.gaps {
            let (segment, offset, len) = (gap.segment, gap.offset as u64, gap.octets.len() as u64);
            self.damaged.push(Damage::Range { segment, offset, len, kept: self.keep(gap) });
        }
        for (id, suspect) in &replay.suspects {
            self.damaged.push(Damage::Message { id: *id, kept: self.keep(suspect) });
        }
    }

    /// Copies a damaged range. A copy that fails must not keep the healthy rest from coming back.
    fn keep(&self, suspect: &Suspect) -> Option<PathBuf> {
        let corrupt = self.dir.join("corrupt");
        let path = corrupt.join(format!("segment-{:016}-offset-{:010}", suspect.segment, suspect.offset));
        let copy = || {
            self.vfs.create_dir(&corrupt)?;
            let file = self.vfs.create(&path)?;
            file.write_at(&suspect.octets, 0)?;
            file.sync_data()?;
            self.vfs.sync_dir(&corrupt)
        };
        let copied: io::Result<()> = copy();
        copied.is_ok().then_some(path)
    }
}

fn read(file: &dyn File, offset: u64, len: u64) -> io::Result<Vec<u8>> {
    let mut octets = vec![0; usize::try_from(len).map_err(io::Error::other)?];
    file.read_at(&mut octets, offset)?;
    Ok(octets)
}
