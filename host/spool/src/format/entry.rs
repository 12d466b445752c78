//! Entries, and the group of them that one write carries.
//!
//! An entry is a 32-octet header, a *front* (what the entry says) and a *body* (octets of a mail, or nothing), padded
//! to 8. Each part has its own checksum, so that a damaged body does not hide whose body it was. All three are seeded
//! with the life of the segment: what an earlier life left behind never passes.
//!
//! The first and last entry of a group are marked. The next group is written only after the sync of this one, hence
//! a gap with a later group behind it is damage, and a gap within the last group is a write that power cut short.

use super::Cursor;

/// Octets before the front.
pub(crate) const HEADER: usize = 32;
/// Entries start at multiples of this; a search for the next entry walks in such steps.
pub(crate) const ALIGN: usize = 8;

const FIRST: u8 = 1;
const LAST: u8 = 2;

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// A body and the messages that use it, new or moved.
    Record = 1,
    /// The new state of a message.
    State = 2,
    /// A message is done.
    Done = 3,
    /// The spool was closed in order: all before was synced.
    Close = 4,
}

impl Kind {
    fn from_octet(octet: u8) -> Option<Self> {
        [Self::Record, Self::State, Self::Done, Self::Close].into_iter().find(|kind| *kind as u8 == octet)
    }
}

/// Returns what an entry takes in the journal, in octets.
pub(crate) const fn size(front: usize, body: usize) -> usize {
    (HEADER + front + body).next_multiple_of(ALIGN)
}

/// A group under construction: the octets of one write.
pub(crate) struct Group {
    octets: Vec<u8>,
    seed: u32,
    number: u64,
    last: Option<usize>,
}

impl Group {
    /// Begins group `number` in a life with this seed. `octets` is emptied and used again.
    pub(crate) fn new(mut octets: Vec<u8>, seed: u32, number: u64) -> Self {
        octets.clear();
        Self { octets, seed, number, last: None }
    }

    /// Appends an entry and returns where it lies within the group: offset and length.
    pub(crate) fn push(&mut self, kind: Kind, front: impl FnOnce(&mut Vec<u8>), body: &[u8]) -> (usize, usize) {
        let start = self.octets.len();
        self.octets.resize(start + HEADER, 0);
        front(&mut self.octets);
        let front_len = self.octets.len() - start - HEADER;
        let front_crc = crc32c::crc32c_append(self.seed, &self.octets[start + HEADER..]);
        self.octets.extend_from_slice(body);
        self.octets.resize(self.octets.len().next_multiple_of(ALIGN), 0);
        let flags = if self.last.is_none() { FIRST } else { 0 };
        let header = &mut self.octets[start..start + HEADER];
        header[4] = kind as u8;
        header[5] = flags;
        header[8..16].copy_from_slice(&self.number.to_le_bytes());
        header[16..20].copy_from_slice(&length(front_len).to_le_bytes());
        header[20..24].copy_from_slice(&front_crc.to_le_bytes());
        header[24..28].copy_from_slice(&length(body.len()).to_le_bytes());
        header[28..32].copy_from_slice(&crc32c::crc32c_append(self.seed, body).to_le_bytes());
        self.check_header(start);
        self.last = Some(start);
        (start, self.octets.len() - start)
    }

    /// Marks the last entry. Nothing may be pushed afterwards.
    pub(crate) fn seal(&mut self) {
        if let Some(start) = self.last {
            self.octets[start + 5] |= LAST;
            self.check_header(start);
        }
    }

    /// Returns what is to be written.
    pub(crate) fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Gives the buffer back for the next group.
    pub(crate) fn into_buffer(self) -> Vec<u8> {
        self.octets
    }

    fn check_header(&mut self, start: usize) {
        let crc = crc32c::crc32c_append(self.seed, &self.octets[start + 4..start + HEADER]);
        self.octets[start..start + 4].copy_from_slice(&crc.to_le_bytes());
    }
}

fn length(len: usize) -> u32 {
    u32::try_from(len).expect("requests that do not fit a segment are refused, and a segment is below 4 GiB")
}

/// An entry whose header and front hold.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) kind: Kind,
    pub(crate) group: u64,
    pub(crate) first: bool,
    pub(crate) last: bool,
    pub(crate) front: &'a [u8],
    pub(crate) body: &'a [u8],
    /// Whether the checksum of the body holds.
    pub(crate) intact: bool,
    /// Octets up to the next entry.
    pub(crate) len: usize,
}

/// What was found at a place where an entry might begin.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    /// An entry.
    Entry(Entry<'a>),
    /// A header that holds, before a front that does not. Its length can be trusted.
    Broken { len: usize },
    /// No entry of this life.
    Nothing,
}

/// Looks for an entry at the start of `octets`.
pub(crate) fn parse(octets: &[u8], seed: u32) -> Found<'_> {
    let Some(header) = octets.get(..HEADER).and_then(|header| RawHeader::decode(header, octets.len(), seed)) else {
        return Found::Nothing;
    };
    let (front, rest) = octets[HEADER..].split_at(header.front_len);
    let body = &rest[..header.body_len];
    let len = size(header.front_len, header.body_len).min(octets.len());
    if crc32c::crc32c_append(seed, front) != header.front_crc {
        return Found::Broken { len };
    }
    Found::Entry(Entry {
        kind: header.kind,
        group: header.group,
        first: header.flags & FIRST != 0,
        last: header.flags & LAST != 0,
        front,
        body,
        intact: crc32c::crc32c_append(seed, body) == header.body_crc,
        len,
    })
}

struct RawHeader {
    kind: Kind,
    flags: u8,
    group: u64,
    front_len: usize,
    front_crc: u32,
    body_len: usize,
    body_crc: u32,
}

impl RawHeader {
    /// Cheap tests come first: a search calls this for every eighth octet of a segment.
    fn decode(octets: &[u8], available: usize, seed: u32) -> Option<Self> {
        let mut cursor = Cursor(octets);
        let crc = cursor.u32()?;
        let header = Self {
            kind: Kind::from_octet(cursor.u8()?)?,
            flags: cursor.u8()?,
            group: cursor.take(2).and_then(|_| cursor.u64())?,
            front_len: cursor.u32()? as usize,
            front_crc: cursor.u32()?,
            body_len: cursor.u32()? as usize,
            body_crc: cursor.u32()?,
        };
        let fits = HEADER + header.front_len + header.body_len <= available;
        (fits && crc32c::crc32c_append(seed, &octets[4..]) == crc).then_some(header)
    }
}
