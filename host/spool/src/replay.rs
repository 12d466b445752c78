//! Replaying segments, oldest first, into an index and the messages that are live.
//!
//! Pure: octets in, values out; `recovery` does the reading. What is damaged is kept aside with its octets, and
//! reported only if no later entry shows that it no longer matters (the message is done, or a whole copy exists).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;

use crate::Id;
use crate::format::entry::{Entry, Kind};
use crate::format::front::{self, BodyPlace, FileBody, Record};
use crate::format::segment::{DATA, Header};
use crate::index::{Change, Index, Place};
use crate::request::Stored;
use crate::scan::{self, Piece};
use crate::segments::{Past, SegmentFile};

/// A live message.
#[derive(Debug)]
pub(crate) struct Known {
    arrival: (u64, usize),
    pub(crate) stored: Stored,
    pub(crate) file: Option<FileBody>,
}

/// Octets that cannot be trusted, and where they were.
#[derive(Debug, Clone)]
pub(crate) struct Suspect {
    pub(crate) segment: u64,
    pub(crate) offset: usize,
    pub(crate) octets: Bytes,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    pub(crate) index: Index,
    pub(crate) messages: HashMap<Id, Known>,
    /// Messages whose bodies do not hold. In order, so that reports do not depend on chance.
    pub(crate) suspects: BTreeMap<Id, Suspect>,
    /// Ranges that hold no entry and should.
    pub(crate) gaps: Vec<Suspect>,
    /// The highest group number met.
    pub(crate) group: u64,
    /// The highest arrival number met.
    pub(crate) arrival: u64,
}

impl Replay {
    /// Replays a segment. `next` is the header of the segment that follows it, or nothing for the newest one and
    /// for one whose successor is lost. Returns what that header says or should say about this segment.
    pub(crate) fn segment(
        &mut self,
        octets: &[u8],
        header: &Header,
        file: Arc<SegmentFile>,
        next: Option<&Header>,
    ) -> Past {
        let sequence = header.sequence;
        let limit = next.map_or(octets.len(), |next| octets.len().min(next.previous_end as usize));
        let start = DATA as usize;
        let pieces = scan::scan(&octets[..limit], start, file.seed, header.first_group);
        let found_end = scan::end(&pieces, start);
        let (end, doubt) = match next {
            Some(next) => (next.previous_end as usize, next.previous_doubt as usize),
            None => (found_end, scan::doubt(&pieces, start)),
        };
        self.index.add_segment(sequence, file);
        self.index.add_used(sequence, end.saturating_sub(start) as u64);
        self.group = self.group.max(header.first_group);
        let mut torn = false;
        for piece in pieces {
            torn |= self.piece(sequence, octets, piece, (doubt, end));
        }
        let cut = octets.len()..if next.is_some() { end } else { header.len as usize };
        if !cut.is_empty() {
            self.gaps.push(Suspect { segment: sequence, offset: cut.start, octets: Bytes::new() });
        }
        Past { sequence, end: end as u64, doubt: if torn { doubt } else { end } as u64 }
    }

    /// Replays a piece. Returns whether a crash may have torn it.
    fn piece(&mut self, segment: u64, octets: &[u8], piece: Piece<'_>, (doubt, end): (usize, usize)) -> bool {
        let (offset, len) = match &piece {
            Piece::Entry(offset, entry) => (*offset, entry.len),
            Piece::Gap(range) => (range.start, range.len()),
        };
        let suspect = || Suspect { segment, offset, octets: Bytes::copy_from_slice(&octets[offset..offset + len]) };
        match piece {
            Piece::Gap(_) if offset >= end => return false,
            Piece::Gap(_) if offset < doubt => self.gaps.push(suspect()),
            Piece::Gap(_) => return true,
            Piece::Entry(_, entry) => {
                let place = Place { segment, offset: offset as u32, len: len as u32 };
                self.group = self.group.max(entry.group);
                if !entry.intact && offset >= doubt {
                    return true;
                }
                if self.entry(&entry, place, suspect).is_none() {
                    self.gaps.push(suspect());
                }
            }
        }
        false
    }

    /// Replays an entry. Returns nothing if it was not written by any version of this program.
    fn entry(&mut self, entry: &Entry<'_>, place: Place, suspect: impl Fn() -> Suspect) -> Option<()> {
        match entry.kind {
            Kind::Record => {
                let record = Record::decode(entry.front)?;
                self.arrival = self.arrival.max(record.arrival);
                if entry.intact { self.record(&record, entry, place) } else { self.suspect(&record, suspect) }
            }
            Kind::State => {
                let (id, state) = front::decode_state(entry.front)?;
                if let Some(known) = self.messages.get_mut(&id) {
                    known.stored.state = Bytes::copy_from_slice(state);
                }
                self.index.apply(Change::State { id, place });
            }
            Kind::Done => {
                let id = front::decode_done(entry.front)?;
                self.messages.remove(&id);
                self.suspects.remove(&id);
                self.index.apply(Change::Done { id });
            }
            Kind::Close => {}
        }
        Some(())
    }

    fn record(&mut self, record: &Record<'_>, entry: &Entry<'_>, place: Place) {
        let file = match record.body {
            BodyPlace::Inline => None,
            BodyPlace::File(file) => Some(file),
        };
        for (n, message) in record.messages.iter().enumerate() {
            let stored = Stored {
                id: message.id,
                meta: Bytes::copy_from_slice(message.meta),
                state: Bytes::copy_from_slice(message.state),
                body_len: file.map_or(entry.body.len() as u64, |file| file.len),
            };
            self.suspects.remove(&message.id);
            self.messages.insert(message.id, Known { arrival: (record.arrival, n), stored, file });
        }
        let ids = record.messages.iter().map(|message| message.id).collect();
        self.index.apply(Change::Record { place, file: file.map(|file| file.id), ids });
    }

    /// Takes note of a record whose body does not hold. An older whole copy of it stays in force.
    fn suspect(&mut self, record: &Record<'_>, suspect: impl Fn() -> Suspect) {
        let suspect = suspect();
        for message in &record.messages {
            if !self.messages.contains_key(&message.id) {
                self.suspects.insert(message.id, suspect.clone());
            }
        }
    }

    /// Takes a message out: its body file is missing or not as long as it should be.
    pub(crate) fn lose(&mut self, id: Id) {
        self.messages.remove(&id);
        self.index.apply(Change::Done { id });
    }

    /// Returns the live messages in the order of their arrival.
    pub(crate) fn in_order(messages: HashMap<Id, Known>) -> Vec<Stored> {
        let mut known: Vec<_> = messages.into_values().collect();
        known.sort_unstable_by_key(|known| known.arrival);
        known.into_iter().map(|known| known.stored).collect()
    }
}
