//! The header of a segment: which life of the file this is, and what it says about the lives before.
//!
//! A segment is overwritten in place under the next sequence number when nothing in it is live. Its header takes the
//! first 4 KiB, in two copies 2 KiB apart: a sector is written whole or not at all, so after a crash each copy is the
//! old or the new one. The higher sequence number wins. Either is right at that moment, because a header is synced
//! before the first entry of its life is written, and the life before it was dead.

/// Where entries begin. A whole page, so that a torn page write of entries cannot hurt the header.
pub(crate) const DATA: u64 = 4096;
/// The sequence number of a file that was allocated and never lived.
pub(crate) const SPARE: u64 = 0;

const MAGIC: [u8; 8] = *b"TOLLGATE";
const VERSION: u32 = 1;
const SECOND_COPY: usize = 2048;
const CHECKED: usize = 68;
const LEN: usize = CHECKED + 4;

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// Counts lives over all segments; [`SPARE`] before the first.
    pub(crate) sequence: u64,
    /// Octets of the whole file; a file that is shorter was cut.
    pub(crate) len: u64,
    /// Unpredictable, so that a mail cannot carry octets that pass for an entry when its own entry is damaged.
    pub(crate) salt: u64,
    /// Every segment with a lower sequence number was dead when this life began.
    pub(crate) tail: u64,
    /// Entries of earlier groups that are found in this file belong to earlier lives.
    pub(crate) first_group: u64,
    /// Where the entries of the previous segment end.
    pub(crate) previous_end: u64,
    /// From here on the previous segment may have gaps that a crash left; they were never acknowledged.
    pub(crate) previous_doubt: u64,
}

/// What the first page of a segment turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// A header of this version.
    Header(Header),
    /// A good header of another version.
    Version(u32),
    /// Neither copy holds.
    Damaged,
}

impl Header {
    /// A header for a file that waits for its first life.
    pub(crate) const UNUSED: Self =
        Self { sequence: SPARE, len: 0, salt: 0, tail: 0, first_group: 0, previous_end: 0, previous_doubt: 0 };

    /// The start value of every checksum of this life.
    pub(crate) fn seed(&self) -> u32 {
        crc32c::crc32c_append(crc32c::crc32c(&self.sequence.to_le_bytes()), &self.salt.to_le_bytes())
    }

    /// Returns the whole first page.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut copy = Vec::with_capacity(LEN);
        copy.extend(MAGIC);
        copy.extend(VERSION.to_le_bytes());
        let fields =
            [self.sequence, self.len, self.salt, self.tail, self.first_group, self.previous_end, self.previous_doubt];
        fields.iter().for_each(|field| copy.extend(field.to_le_bytes()));
        copy.extend(crc32c::crc32c(&copy).to_le_bytes());
        copy.resize(SECOND_COPY, 0);
        copy.repeat(2)
    }

    /// Reads the first page of a segment, or as much of it as there is.
    pub(crate) fn decode(page: &[u8]) -> Reading {
        let copies = [page.get(..LEN), page.get(SECOND_COPY..SECOND_COPY + LEN)];
        let readings: Vec<_> = copies.into_iter().flatten().filter_map(decode_copy).collect();
        let newest = readings.iter().filter_map(|(_, header)| *header).max_by_key(|header| header.sequence);
        match (newest, readings.first()) {
            (Some(header), _) => Reading::Header(header),
            (None, Some((version, _))) => Reading::Version(*version),
            (None, None) => Reading::Damaged,
        }
    }
}

/// Returns version and, if it is ours, header; nothing if the checksum does not hold.
fn decode_copy(copy: &[u8]) -> Option<(u32, Option<Header>)> {
    let (content, check) = copy.split_at(CHECKED);
    let mut cursor = super::Cursor(content);
    let magic = cursor.take(MAGIC.len())? == MAGIC;
    let version = cursor.u32()?;
    let mut field = || cursor.u64();
    let header = Header {
        sequence: field()?,
        len: field()?,
        salt: field()?,
        tail: field()?,
        first_group: field()?,
        previous_end: field()?,
        previous_doubt: field()?,
    };
    let intact = magic && super::Cursor(check).u32()? == crc32c::crc32c(content);
    intact.then_some((version, (version == VERSION).then_some(header)))
}
