//! The index: which messages are live, where their octets are, and how much of each segment that makes.
//!
//! Derived and in memory alone; it changes only by the same three steps in which the journal is written and replayed
//! (a record, a state, a done), so what a restart rebuilds is what was there before. Reads no file.
//!
//! Each step is O(1). The invariant: a segment's `live` is the sum of the entries in it that some message points to.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use crate::Id;
use crate::segments::SegmentFile;

/// Where an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) segment: u64,
    pub(crate) offset: u32,
    pub(crate) len: u32,
}

/// A step of the journal, as the index sees it.
#[derive(Debug)]
pub(crate) enum Change {
    /// These messages now live in this record, whether they are new or were moved here.
    Record { place: Place, file: Option<Id>, ids: Vec<Id> },
    /// The state of a message is now in this entry.
    State { id: Id, place: Place },
    /// A message is done.
    Done { id: Id },
}

#[derive(Debug)]
struct Message {
    record: u64,
    state: Option<Place>,
}

#[derive(Debug)]
struct Record {
    place: Place,
    file: Option<Id>,
    users: u32,
}

/// A segment that may hold live entries.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) file: Arc<SegmentFile>,
    /// Octets of entries, live or dead.
    pub(crate) used: u64,
    live: u64,
    records: VecDeque<u64>,
}

/// Where to read a message, and whose file that is.
#[derive(Debug, Clone)]
pub(crate) struct Located {
    pub(crate) record: (Place, Arc<SegmentFile>),
    /// The newest state if it is not the one within the record.
    pub(crate) state: Option<(Place, Arc<SegmentFile>)>,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Index {
    messages: HashMap<Id, Message>,
    records: HashMap<u64, Record>,
    segments: BTreeMap<u64, Segment>,
    next_record: u64,
    live: u64,
    used: u64,
}

impl Index {
    pub(crate) fn contains(&self, id: &Id) -> bool {
        self.messages.contains_key(id)
    }

    pub(crate) fn messages(&self) -> usize {
        self.messages.len()
    }

    /// Octets of live entries in all segments.
    pub(crate) fn live(&self) -> u64 {
        self.live
    }

    /// Octets of entries in all segments, live or dead.
    pub(crate) fn used(&self) -> u64 {
        self.used
    }

    /// The lowest sequence number that may hold something live.
    pub(crate) fn tail(&self) -> Option<u64> {
        self.segments.keys().next().copied()
    }

    pub(crate) fn segments(&self) -> usize {
        self.segments.len()
    }

    /// Begins a segment; its sequence number is above all others.
    pub(crate) fn add_segment(&mut self, sequence: u64, file: Arc<SegmentFile>) {
        self.segments.insert(sequence, Segment { file, used: 0, live: 0, records: VecDeque::new() });
    }

    /// Counts octets written to a segment.
    pub(crate) fn add_used(&mut self, sequence: u64, octets: u64) {
        if let Some(segment) = self.segments.get_mut(&sequence) {
            segment.used += octets;
            self.used += octets;
        }
    }

    /// Takes the oldest segment out if nothing in it is live and it is not the `head`.
    ///
    /// This strict order is why a done entry outlasts everything it kills: it lies behind its victims in the journal,
    /// so their segments go first (or with it), and they are overwritten in the order in which they went.
    pub(crate) fn take_dead(&mut self, head: Option<u64>) -> Option<Segment> {
        let (sequence, oldest) = self.segments.first_key_value()?;
        if oldest.live > 0 || Some(*sequence) == head {
            return None;
        }
        let (_, segment) = self.segments.pop_first()?;
        self.used -= segment.used;
        Some(segment)
    }

    /// Takes a step. Returns the body file that no message needs any more, if there is one.
    pub(crate) fn apply(&mut self, change: Change) -> Option<Id> {
        match change {
            Change::Record { place, file, ids } => self.record(place, file, &ids),
            Change::State { id, place } => self.state(&id, place),
            Change::Done { id } => self.messages.remove(&id).and_then(|message| self.release(&message)),
        }
    }

    fn record(&mut self, place: Place, file: Option<Id>, ids: &[Id]) -> Option<Id> {
        let key = self.next_record;
        self.next_record += 1;
        let users = u32::try_from(ids.len()).expect("a record fits a segment, so its messages can be counted");
        self.records.insert(key, Record { place, file, users });
        if let Some(segment) = self.segments.get_mut(&place.segment) {
            segment.records.push_back(key);
        }
        self.grow(place);
        let mut unused = None;
        for id in ids {
            let old = self.messages.insert(*id, Message { record: key, state: None });
            unused = old.and_then(|old| self.release(&old)).or(unused);
        }
        // A record that moved names the same file as the one it replaces.
        unused.filter(|unused| Some(*unused) != file)
    }

    fn state(&mut self, id: &Id, place: Place) -> Option<Id> {
        let message = self.messages.get_mut(id)?;
        let old = message.state.replace(place);
        self.grow(place);
        if let Some(old) = old {
            self.shrink(old);
        }
        None
    }

    /// Lets go of what a message held.
    fn release(&mut self, message: &Message) -> Option<Id> {
        if let Some(state) = message.state {
            self.shrink(state);
        }
        let record = self.records.get_mut(&message.record)?;
        record.users -= 1;
        if record.users > 0 {
            return None;
        }
        let record = self.records.remove(&message.record)?;
        self.shrink(record.place);
        record.file
    }

    fn grow(&mut self, place: Place) {
        if let Some(segment) = self.segments.get_mut(&place.segment) {
            segment.live += u64::from(place.len);
            self.live += u64::from(place.len);
        }
    }

    fn shrink(&mut self, place: Place) {
        if let Some(segment) = self.segments.get_mut(&place.segment) {
            segment.live -= u64::from(place.len);
            self.live -= u64::from(place.len);
        }
    }

    /// Says where a message is.
    pub(crate) fn locate(&self, id: &Id) -> Option<Located> {
        let message = self.messages.get(id)?;
        let record = self.located(self.records.get(&message.record)?.place)?;
        let state = message.state.and_then(|place| self.located(place));
        Some(Located { record, state })
    }

    fn located(&self, place: Place) -> Option<(Place, Arc<SegmentFile>)> {
        self.segments.get(&place.segment).map(|segment| (place, Arc::clone(&segment.file)))
    }

    /// Returns the first live records of the oldest segment, up to `octets` of them but at least one.
    ///
    /// There are no live states to move besides: a state lies behind its record, so in the oldest segment its record
    /// is in that segment too, and moving a record takes the newest state along.
    pub(crate) fn oldest_records(&mut self, octets: u64) -> Vec<(Place, Arc<SegmentFile>)> {
        let Some((sequence, segment)) = self.segments.iter_mut().next() else { return Vec::new() };
        let records = &self.records;
        let here = |key: &u64| records.get(key).map(|record| record.place).filter(|place| place.segment == *sequence);
        while segment.records.front().is_some_and(|key| here(key).is_none()) {
            segment.records.pop_front();
        }
        let mut sum = 0;
        let live = segment.records.iter().filter_map(here);
        let some = live.take_while(|place| {
            let first = sum == 0;
            sum += u64::from(place.len);
            first || sum <= octets
        });
        some.map(|place| (place, Arc::clone(&segment.file))).collect()
    }
}
