//! The journal: a group of requests becomes one write and one sync, or nothing.
//!
//! In come requests in the order in which they were made; out go answers, and steps of the index. Runs no thread and
//! has no clock: `writer` calls it, and so do tests, one group after the other.
//!
//! The order within a group carries the guarantee. The write comes first, then the sync, then the index, and only
//! then answers and freed segments; so nobody is told, and nothing is overwritten, before the disk has confirmed.
//! The first failure of a write or sync poisons the journal for good.

use std::any::Any;
use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::Id;
use crate::body;
use crate::error::CommitError;
use crate::format::entry::{Group, Kind};
use crate::format::front::BodyPlace;
use crate::index::{Change, Place};
use crate::moves::{Move, Moves};
use crate::request::{Batch, Request};
use crate::segments::{NoRoom, Reserve, Segments};
use crate::shared::{Health, Shared, count};
use crate::vfs::Vfs;

/// See the module.
pub(crate) struct Journal {
    pub(crate) shared: Arc<Shared>,
    pub(crate) vfs: Arc<dyn Vfs>,
    pub(crate) dir: PathBuf,
    pub(crate) segments: Segments,
    pub(crate) sync: bool,
    pub(crate) moves: Moves,
    /// The number of the next group.
    pub(crate) group: u64,
    /// The number of the next batch.
    pub(crate) arrival: u64,
    pub(crate) buffer: Vec<u8>,
    /// Held until the journal is closed.
    pub(crate) _lock: Box<dyn Any + Send + Sync>,
}

impl Journal {
    /// Commits a group; the answers are sent from here. Returns requests that found no room and are to come again
    /// before any later ones: the ends of messages and their states are never dropped for want of space.
    ///
    /// Together the requests take at most [`Segments::capacity`].
    pub(crate) fn commit(&mut self, group: Vec<Request>) -> Vec<Request> {
        if self.shared.health() == Health::Poisoned {
            group.into_iter().for_each(|request| request.refuse(CommitError::Poisoned));
            return Vec::new();
        }
        let group = self.admit(group);
        let size = group.iter().map(Request::size).sum();
        let moves = self.plan_moves(size);
        let (group, moves, waiting) = self.make_room(group, moves);
        self.write(group, &moves);
        self.free_dead();
        self.look_for_room();
        waiting
    }

    /// Refuses batches with ids that are in use.
    fn admit(&self, group: Vec<Request>) -> Vec<Request> {
        let mut new = HashSet::new();
        let index = self.shared.index();
        let mut taken = |id: &Id| index.contains(id) || !new.insert(*id);
        let mut admit = |request: Request| {
            let used = match &request {
                Request::Commit { batch, .. } => batch.messages.iter().map(|message| message.id).find(&mut taken),
                _ => None,
            };
            match used {
                Some(id) => {
                    request.refuse(CommitError::IdInUse { id });
                    None
                }
                None => Some(request),
            }
        };
        group.into_iter().filter_map(&mut admit).collect()
    }

    /// Finds room for as much as possible: on a full disk first mail has to go, then moves.
    fn make_room(&mut self, group: Vec<Request>, moves: Vec<Move>) -> (Vec<Request>, Vec<Move>, Vec<Request>) {
        let reserve = if group.iter().any(Request::is_mail) { Reserve::Keep } else { Reserve::Spend };
        if self.has_room(&group, &moves, reserve) {
            return (group, moves, Vec::new());
        }
        let (mail, group): (Vec<_>, Vec<_>) = group.into_iter().partition(Request::is_mail);
        mail.into_iter().for_each(|request| request.refuse(self.refusal()));
        if self.has_room(&group, &moves, Reserve::Spend) {
            return (group, moves, Vec::new());
        }
        self.moves.give_up();
        if self.has_room(&group, &[], Reserve::Spend) {
            return (group, Vec::new(), Vec::new());
        }
        let (flushes, waiting) = group.into_iter().partition(|request| matches!(request, Request::Flush { .. }));
        let flushes: Vec<Request> = flushes;
        flushes.into_iter().for_each(|request| request.refuse(self.refusal()));
        (Vec::new(), Vec::new(), waiting)
    }

    fn refusal(&self) -> CommitError {
        if self.shared.health() == Health::Poisoned { CommitError::Poisoned } else { CommitError::Full }
    }

    fn has_room(&mut self, group: &[Request], moves: &[Move], reserve: Reserve) -> bool {
        let size = group.iter().map(Request::size).chain(moves.iter().map(Move::size)).sum();
        if size == 0 {
            return true;
        }
        if self.shared.health() == Health::Poisoned {
            return false;
        }
        let tail = self.shared.index().tail();
        match self.segments.make_room(size, reserve, (tail, self.group)) {
            Ok(begun) => {
                if let Some(head) = begun {
                    self.shared.index().add_segment(head.sequence, head.file);
                    count(&self.shared.counters.syncs, 1);
                }
                true
            }
            Err(NoRoom::Full) => {
                self.shared.set_health(Health::Full);
                false
            }
            Err(NoRoom::Failed(error)) => {
                self.poison(&error);
                false
            }
        }
    }

    /// Writes a group that has room and answers it.
    fn write(&mut self, group: Vec<Request>, moves: &[Move]) {
        let (octets, changes) = self.encode(&group, moves);
        let written = if changes.is_empty() { Ok(()) } else { self.store(octets, changes) };
        match written {
            Ok(()) => group.into_iter().for_each(Request::confirm),
            Err(error) => {
                self.poison(&error);
                let error = Arc::new(error);
                group.into_iter().for_each(|request| request.fail(CommitError::Storage(Arc::clone(&error))));
            }
        }
    }

    /// Puts a group into octets. Moves come first: they carry the states of before this group.
    fn encode(&mut self, group: &[Request], moves: &[Move]) -> (Group, Vec<Change>) {
        let (sequence, seed, offset) =
            self.segments.head().map_or((0, 0, 0), |head| (head.sequence, head.file.seed, head.offset));
        let mut octets = Group::new(std::mem::take(&mut self.buffer), seed, self.group);
        let mut changes = Vec::with_capacity(moves.len() + group.len());
        let place = |(start, len): (usize, usize)| Place {
            segment: sequence,
            offset: u32::try_from(offset + start as u64).expect("a segment is below 4 GiB"),
            len: u32::try_from(len).expect("a segment is below 4 GiB"),
        };
        for record in moves {
            let place = place(record.encode(&mut octets));
            changes.push(Change::Record { place, file: record.file(), ids: record.ids() });
        }
        count(&self.shared.counters.moved, octets.octets().len() as u64);
        for request in group {
            changes.extend(encode(request, &mut octets, &mut self.arrival, place));
        }
        octets.seal();
        (octets, changes)
    }

    fn store(&mut self, octets: Group, changes: Vec<Change>) -> io::Result<()> {
        let (sequence, _) = self.segments.write(octets.octets(), self.sync)?;
        let written = octets.octets().len() as u64;
        self.reuse(octets);
        self.group += 1;
        count(&self.shared.counters.groups, 1);
        count(&self.shared.counters.syncs, u64::from(self.sync));
        count(&self.shared.counters.written, written);
        let mut index = self.shared.index();
        index.add_used(sequence, written);
        let unused: Vec<Id> = changes.into_iter().filter_map(|change| index.apply(change)).collect();
        drop(index);
        for id in unused {
            // A file that stays is an orphan, which the next open removes.
            let _ = self.vfs.remove(&body::path(&self.dir, &id));
        }
        Ok(())
    }

    /// Keeps the buffer for the next group unless an unusual one made it large.
    fn reuse(&mut self, group: Group) {
        const LARGE: usize = 8 << 20;
        let buffer = group.into_buffer();
        self.buffer = if buffer.capacity() > LARGE { Vec::new() } else { buffer };
    }

    /// Frees what is dead at the old end of the journal.
    pub(crate) fn free_dead(&mut self) {
        let head = self.segments.head().map(|head| head.sequence);
        let mut index = self.shared.index();
        while let Some(segment) = index.take_dead(head) {
            self.segments.free(segment.file);
        }
        let in_use = index.segments();
        drop(index);
        self.segments.trim(in_use);
        let files = in_use as u64 * self.segments.size() + self.segments.spare_octets();
        self.shared.counters.files.store(files, std::sync::atomic::Ordering::Relaxed);
    }

    /// On a full disk, finds out whether there is room again.
    fn look_for_room(&mut self) {
        if self.shared.health() != Health::Full {
            return;
        }
        match self.segments.make_spares(2) {
            Ok(()) => self.shared.set_health(Health::Healthy),
            Err(NoRoom::Full) => {}
            Err(NoRoom::Failed(error)) => self.poison(&error),
        }
    }

    fn poison(&self, error: &io::Error) {
        tracing::error!(dir = %self.dir.display(), %error, "the journal failed; no mail is taken until it is opened anew");
        self.shared.set_health(Health::Poisoned);
    }

    /// Says in the journal that all before was synced, so that from then on any gap is known to be damage.
    pub(crate) fn close(mut self) {
        if self.shared.health() == Health::Poisoned || self.segments.head().is_none() {
            return;
        }
        let seed = self.segments.head().map_or(0, |head| head.file.seed);
        let mut group = Group::new(std::mem::take(&mut self.buffer), seed, self.group);
        group.push(Kind::Close, |_| (), &[]);
        group.seal();
        let room = self.segments.head().map_or(0, |head| head.file.len - head.offset);
        if group.octets().len() as u64 <= room
            && let Err(error) = self.segments.write(group.octets(), self.sync)
        {
            self.poison(&error);
        }
    }
}

/// Appends a request to a group and returns what that does to the index.
fn encode(
    request: &Request,
    octets: &mut Group,
    arrival: &mut u64,
    place: impl Fn((usize, usize)) -> Place,
) -> Option<Change> {
    match request {
        Request::Commit { batch, .. } => {
            *arrival += 1;
            Some(encode_batch(batch, octets, *arrival, place))
        }
        Request::State { id, state, .. } => {
            let front = |out: &mut Vec<u8>| {
                out.extend(id);
                out.extend(state);
            };
            Some(Change::State { id: *id, place: place(octets.push(Kind::State, front, &[])) })
        }
        Request::Done { id } => {
            octets.push(Kind::Done, |out| out.extend(id), &[]);
            Some(Change::Done { id: *id })
        }
        Request::Flush { .. } => None,
    }
}

fn encode_batch(batch: &Batch, octets: &mut Group, arrival: u64, place: impl Fn((usize, usize)) -> Place) -> Change {
    let front = batch.front(arrival);
    let file = match front.body {
        BodyPlace::Inline => None,
        BodyPlace::File(file) => Some(file.id),
    };
    let place = place(octets.push(Kind::Record, |out| front.encode(out), batch.inline()));
    Change::Record { place, file, ids: batch.messages.iter().map(|message| message.id).collect() }
}
