//! From octet offsets to lines and columns, quickly however long the lines are.

use crate::Position;

/// How many octets lie between two known counts of characters.
const BLOCK: usize = 256;

/// Where the lines of a text are.
pub(crate) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
    /// How many characters start before each multiple of [`BLOCK`]: JSON may be one line of many megabytes, and counting it
    /// from its start for every key would take hours.
    counts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let mut counts = Vec::with_capacity(text.len() / BLOCK + 1);
        let mut count = 0;
        for block in text.as_bytes().chunks(BLOCK) {
            counts.push(count);
            count += characters(block);
        }
        counts.push(count);
        Self { text, starts, counts }
    }

    /// Returns the position of an octet; what lies behind the end is at the end.
    pub(crate) fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let line = self.starts.partition_point(|start| *start <= offset) - 1;
        let column = self.characters_before(offset) - self.characters_before(self.starts[line]);
        let number = |n: usize| u32::try_from(n + 1).unwrap_or(u32::MAX);
        Position { line: number(line), column: number(column) }
    }

    /// Returns the offset where a line starts, counted from 1; the end of the text where there is no such line.
    pub(crate) fn start(&self, line: usize) -> usize {
        line.checked_sub(1).and_then(|line| self.starts.get(line)).copied().unwrap_or(self.text.len())
    }

    /// Returns how many characters start before an offset.
    fn characters_before(&self, offset: usize) -> usize {
        let block = offset / BLOCK;
        self.counts[block] + characters(&self.text.as_bytes()[block * BLOCK..offset])
    }
}

/// Counts the octets that start a character.
fn characters(octets: &[u8]) -> usize {
    octets.iter().filter(|octet| (**octet & 0xC0) != 0x80).count()
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert_eq, proptest};

    use super::*;

    proptest! {
        #[test]
        fn positions_are_those_of_counting_from_the_start(text in "[a\u{e4}\u{1f600}\n]{0,700}", at in 0usize..800) {
            let before: String = text.char_indices().take_while(|(start, _)| *start < at).map(|(_, c)| c).collect();
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            let expected = (before.matches('\n').count() + 1, column);

            let at = Lines::new(&text).position(at);

            prop_assert_eq!((at.line as usize, at.column as usize), expected);
        }
    }
}
