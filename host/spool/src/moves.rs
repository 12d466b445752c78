//! Moving live records out of the oldest segment, so that one stuck message cannot pin the space behind it.
//!
//! The journal moves when its entries take more than twice what is live, plus a floor. Then more than half of what a
//! pass over the journal meets is dead: each octet written again gives back at least one, and over a pass no more is
//! moved than was written since the last one. That bounds the write amplification by two.
//!
//! A move carries the newest states along, and it is part of a normal group. The old copy is overwritten only after
//! that group was synced, so at every moment one whole copy is on disk.

use crate::Id;
use crate::format::entry::{self, Found, Group, Kind};
use crate::format::front::{self, BodyPlace, Message, Record};
use crate::index::{Located, Place};
use crate::journal::Journal;
use crate::segments::SegmentFile;
use crate::shared::Health;

/// Octets moved in one group at most, so that mail that waits for the group hardly notices.
const LIMIT: u64 = 1 << 20;
/// Segments the journal may have before it moves anything.
const FLOOR: u64 = 4;

/// How moving goes.
#[derive(Debug, Default)]
pub(crate) struct Moves {
    /// There is more to move, and the last group made progress or was in the way.
    more: bool,
}

/// A message on its way to the head: id, meta, newest state.
type Content = (Id, Vec<u8>, Vec<u8>);

/// A record on its way to the head.
#[derive(Debug)]
pub(crate) struct Move {
    arrival: u64,
    body: BodyPlace,
    messages: Vec<Content>,
    octets: Vec<u8>,
}

impl Moves {
    /// Stops trying until there was another group: there is no room to move to.
    pub(crate) fn give_up(&mut self) {
        self.more = false;
    }
}

impl Move {
    /// Octets it takes in the journal.
    pub(crate) fn size(&self) -> u64 {
        entry::size(self.front().size(), self.octets.len()) as u64
    }

    pub(crate) fn file(&self) -> Option<Id> {
        match self.body {
            BodyPlace::Inline => None,
            BodyPlace::File(file) => Some(file.id),
        }
    }

    pub(crate) fn ids(&self) -> Vec<Id> {
        self.messages.iter().map(|(id, ..)| *id).collect()
    }

    pub(crate) fn encode(&self, group: &mut Group) -> (usize, usize) {
        group.push(Kind::Record, |out| self.front().encode(out), &self.octets)
    }

    fn front(&self) -> Record<'_> {
        let messages = self.messages.iter().map(|(id, meta, state)| Message { id: *id, meta, state });
        Record { arrival: self.arrival, body: self.body, messages: messages.collect() }
    }
}

impl Journal {
    /// Whether an empty group would move something.
    pub(crate) fn wants_to_move(&self) -> bool {
        self.moves.more && self.shared.health() != Health::Poisoned && self.moves_due()
    }

    fn moves_due(&self) -> bool {
        // On a full disk there may be no fifth segment to wait for.
        let floor = if self.shared.health() == Health::Full { 1 } else { FLOOR };
        let index = self.shared.index();
        index.used() > 2 * index.live() + floor * self.segments.capacity()
    }

    /// Reads what to move in a group that already has `taken` octets.
    pub(crate) fn plan_moves(&mut self, taken: u64) -> Vec<Move> {
        if !self.moves_due() {
            self.moves.more = false;
            return Vec::new();
        }
        let left = self.segments.capacity().saturating_sub(taken);
        let places = self.shared.index().oldest_records(LIMIT.min(left));
        let candidates = !places.is_empty();
        let mut sum = 0;
        let moves: Vec<Move> = places
            .into_iter()
            .map_while(|(place, file)| self.load(place, &file))
            .take_while(|record| {
                sum += record.size();
                sum <= left
            })
            .collect();
        // Without progress in an empty group there will be none: a damaged or overgrown record stays where it is.
        self.moves.more = !moves.is_empty() || (candidates && taken > 0);
        moves
    }

    /// Reads a record and the newest states of those of its messages that still live in it.
    fn load(&self, place: Place, file: &SegmentFile) -> Option<Move> {
        let octets = file.read(place).ok()?;
        let Found::Entry(entry) = entry::parse(&octets, file.seed) else {
            tracing::error!(segment = %file.path.display(), offset = place.offset, "a record that is needed is damaged");
            return None;
        };
        let record = Record::decode(entry.front).filter(|_| entry.intact)?;
        let live = record.messages.iter().filter_map(|message| self.load_message(place, message).transpose());
        let messages = live.collect::<Result<_, NotLoaded>>().ok()?;
        Some(Move { arrival: record.arrival, body: record.body, messages, octets: entry.body.to_vec() })
    }

    fn load_message(&self, place: Place, message: &Message<'_>) -> Result<Option<Content>, NotLoaded> {
        let located = self.shared.index().locate(&message.id).filter(|located| located.record.0 == place);
        let Some(Located { state, .. }) = located else { return Ok(None) };
        let state = match state {
            None => message.state.to_vec(),
            Some((place, file)) => read_state(place, &file).ok_or(NotLoaded)?,
        };
        Ok(Some((message.id, message.meta.to_vec(), state)))
    }
}

/// A state that is needed could not be read, so the record has to stay.
struct NotLoaded;

/// Reads the state in a state entry.
pub(crate) fn read_state(place: Place, file: &SegmentFile) -> Option<Vec<u8>> {
    let octets = file.read(place).ok()?;
    match entry::parse(&octets, file.seed) {
        Found::Entry(entry) if entry.kind == Kind::State => Some(front::decode_state(entry.front)?.1.to_vec()),
        _ => None,
    }
}
