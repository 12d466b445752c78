//! The meaning of octets on disk: segments, entries, and the fronts of entries.
//!
//! Pure: slices in, values out. Integers are little-endian. Nothing here trusts a length before its checksum held.

pub(crate) mod entry;
pub(crate) mod front;
pub(crate) mod segment;

use std::fmt::Write as _;

use crate::Id;

/// Writes an id the way file names and messages show it.
pub(crate) fn hex(id: &Id) -> String {
    id.iter().fold(String::with_capacity(32), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    })
}

/// A slice that is eaten from the left; every bite may fail.
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (bite, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bite)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(crate) fn id(&mut self) -> Option<Id> {
        self.array()
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
}
