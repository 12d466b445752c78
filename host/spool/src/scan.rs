//! Finding entries in the octets of a segment, also behind damage.
//!
//! Pure. The result tells entries from gaps, and how far a gap may be the work of a crash rather than damage: see
//! [`doubt`].

use std::ops::Range;

use crate::format::entry::{self, ALIGN, Entry, Found};

/// A stretch of a segment.
#[derive(Debug)]
pub(crate) enum Piece<'a> {
    /// An entry and where it begins.
    Entry(usize, Entry<'a>),
    /// Octets that are no entry of this life.
    Gap(Range<usize>),
}

/// Cuts `octets[start..]` into pieces. Groups never go backwards, so entries of earlier groups than the last are gaps.
pub(crate) fn scan(octets: &[u8], start: usize, seed: u32, first_group: u64) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut offset, mut gap, mut group) = (start, None, first_group);
    while let Some(rest) = octets.get(offset..).filter(|rest| !rest.is_empty()) {
        match entry::parse(rest, seed) {
            Found::Entry(entry) if entry.group >= group => {
                pieces.extend(gap.take().map(|from| Piece::Gap(from..offset)));
                group = entry.group;
                let at = offset;
                offset += entry.len;
                pieces.push(Piece::Entry(at, entry));
            }
            // The length was checked: what lies within was written by a stranger and is not searched for entries.
            Found::Broken { len } => {
                gap.get_or_insert(offset);
                offset += len;
            }
            Found::Entry(_) | Found::Nothing => {
                gap.get_or_insert(offset);
                offset += ALIGN;
            }
        }
    }
    pieces.extend(gap.map(|from| Piece::Gap(from..octets.len())));
    pieces
}

/// Returns where the entries end.
pub(crate) fn end(pieces: &[Piece<'_>], start: usize) -> usize {
    pieces.iter().rev().find_map(|piece| ending(piece)).unwrap_or(start)
}

fn ending(piece: &Piece<'_>) -> Option<usize> {
    match piece {
        Piece::Entry(offset, entry) => Some(offset + entry.len),
        Piece::Gap(_) => None,
    }
}

/// Returns from where on gaps in the newest segment may come from a crash: the start of its last group.
///
/// A group is written after the sync of the one before. So whatever lies before the last group was whole once, and a
/// gap there is damage; whatever lies within it was possibly never acknowledged.
pub(crate) fn doubt(pieces: &[Piece<'_>], start: usize) -> usize {
    let entries = || pieces.iter().enumerate().filter_map(|(n, piece)| Some((n, ending(piece)?, as_entry(piece)?)));
    let Some((_, _, newest)) = entries().next_back() else { return start };
    let Some((n, end, first)) = entries().find(|(_, _, entry)| entry.group == newest.group) else { return start };
    let begin = end - first.len;
    if first.first {
        return begin;
    }
    // Its beginning is missing. The gap is its own unless the group before is incomplete as well.
    let before = entries().take_while(|(other, ..)| *other < n).last();
    match before {
        None => start,
        Some((_, end, entry)) if entry.last && entry.group + 1 == newest.group => end,
        Some(_) => begin,
    }
}

fn as_entry<'a, 'b>(piece: &'b Piece<'a>) -> Option<&'b Entry<'a>> {
    match piece {
        Piece::Entry(_, entry) => Some(entry),
        Piece::Gap(_) => None,
    }
}
