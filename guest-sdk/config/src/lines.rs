//! From octet offsets to lines and columns, quickly however long the lines are.

use crate::Position;

/// How many octets lie between two places that are known.
const BLOCK: usize = 64;

/// Where the lines of a text are.
pub(crate) struct Lines<'a> {
    text: &'a str,
    lines: Vec<Line>,
    /// What is before each multiple of [`BLOCK`]. JSON may be one line of many megabytes, and counting it from its start
    /// for every key would take hours; TOML may have a hundred thousand lines, and searching them takes its time too.
    blocks: Vec<Before>,
}

/// Where a line starts.
struct Line {
    offset: usize,
    /// How many characters are in front of it.
    characters: usize,
}

/// What is before a place.
#[derive(Clone, Copy, Default)]
struct Before {
    lines: usize,
    characters: usize,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let mut lines = vec![Line { offset: 0, characters: 0 }];
        let mut blocks = Vec::with_capacity(text.len() / BLOCK + 1);
        let mut before = Before::default();
        for (offset, octet) in text.bytes().enumerate() {
            if offset % BLOCK == 0 {
                blocks.push(before);
            }
            before.pass(octet);
            if octet == b'\n' {
                lines.push(Line { offset: offset + 1, characters: before.characters });
            }
        }
        // Where the text ends at a block's end, its end is the start of the next.
        blocks.push(before);
        Self { text, lines, blocks }
    }

    /// Returns the position of an octet; what lies behind the end is at the end.
    pub(crate) fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let block = offset / BLOCK;
        let mut before = self.blocks[block];
        for octet in &self.text.as_bytes()[block * BLOCK..offset] {
            before.pass(*octet);
        }
        let number = |n: usize| u32::try_from(n + 1).unwrap_or(u32::MAX);
        let column = before.characters - self.lines[before.lines].characters;
        Position { line: number(before.lines), column: number(column) }
    }

    /// Returns the offset where a line starts, counted from 1; the end of the text where there is no such line.
    pub(crate) fn start(&self, line: usize) -> usize {
        line.checked_sub(1).and_then(|line| self.lines.get(line)).map_or(self.text.len(), |line| line.offset)
    }
}

impl Before {
    fn pass(&mut self, octet: u8) {
        self.lines += usize::from(octet == b'\n');
        // What does not go on with a character starts one.
        self.characters += usize::from(octet & 0xC0 != 0x80);
    }
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
