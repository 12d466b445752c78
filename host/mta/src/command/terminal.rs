//! What a terminal shows: colour where it is wanted, text as wide as it looks, nothing in it that steers.
//!
//! In: text, much of it out of files and messages. Out: the same without what a terminal would obey, in the colours of a
//! few tones. Which colours those are is the reader's own: only the sixteen that every terminal lets its user choose.

use std::{env, io::IsTerminal};

use clap::ValueEnum;
use unicode_width::UnicodeWidthChar as _;

/// When colour is used.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug, Default)]
pub(crate) enum Colour {
    /// On a terminal, unless the environment says `NO_COLOR`.
    #[default]
    Auto,
    Always,
    Never,
}

/// What a text is, for the colour that it gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Tone {
    #[default]
    Plain,
    /// A title.
    Strong,
    /// What may be passed over: a default, a value that another one replaced.
    Faint,
    /// A file and its line, a section of it.
    Place,
    Good,
    Caution,
    Bad,
}

/// Whether text gets its colours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Ink(bool);

impl Colour {
    /// Returns what is used for a stream.
    pub(crate) fn ink(self, stream: &impl IsTerminal) -> Ink {
        // Set and empty is as if it were not set: so the convention has it that NO_COLOR comes from.
        let unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_some_and(|name| name == "dumb");
        Ink(match self {
            Self::Auto => stream.is_terminal() && !unwanted && !dumb,
            Self::Always => true,
            Self::Never => false,
        })
    }
}

impl Ink {
    #[cfg(test)]
    pub(crate) const NONE: Self = Self(false);
    #[cfg(test)]
    pub(crate) const COLOUR: Self = Self(true);

    /// Returns a text in the colours of its tone (ECMA-48 §8.3.117).
    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Plain => "",
            Tone::Strong => "1",
            Tone::Faint => "2",
            Tone::Place => "36",
            Tone::Good => "1;32",
            Tone::Caution => "1;33",
            Tone::Bad => "1;31",
        };
        if self.0 && !code.is_empty() && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Returns a text in which what would steer a terminal, or turn the direction of writing, is shown instead.
pub(crate) fn plain(text: &str) -> String {
    text.chars().flat_map(|c| if steers(c) { c.escape_unicode().collect() } else { vec![c] }).collect()
}

/// Returns whether a character has no look of its own and changes that of others.
pub(crate) fn steers(c: char) -> bool {
    let shifts = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
    c.is_control() || shifts || matches!(c, '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Returns how many columns a text takes.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(columns).sum()
}

/// Returns how many columns a character takes: two for those of East Asia and pictures, none for those that combine.
pub(crate) fn columns(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// Returns as much of a text as has room in so many columns; where something is missing, the last is `…`.
pub(crate) fn cut(text: &str, room: usize) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let mut used = 1;
    let fits = |c: &char| {
        used += columns(*c);
        used <= room
    };
    let mut kept: String = text.chars().take_while(fits).collect();
    kept.push('…');
    kept
}

/// Breaks a text at its blanks into lines of so many columns; a word that is longer stands on a line of its own.
pub(crate) fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is a line at all times");
        if line.is_empty() {
            line.push_str(word);
        } else if width(line) + 1 + width(word) <= room {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_gets_through() {
        let shown = plain("a\u{1b}[31m\tb\u{7}\u{202e}c\u{feff}\u{85} ü漢\n");

        assert_eq!(shown, "a\\u{1b}[31m\\u{9}b\\u{7}\\u{202e}c\\u{feff}\\u{85} ü漢\\u{a}");
    }

    #[test]
    fn a_text_is_cut_to_the_columns_that_there_are() {
        let seen = [("short", 5), ("longer", 5), ("漢字漢字", 5), ("漢字", 4), ("e\u{301}e\u{301}", 2)]
            .map(|(text, room)| cut(text, room));

        assert_eq!(seen, ["short", "long…", "漢字…", "漢字", "e\u{301}e\u{301}"]);
    }

    #[test]
    fn a_text_is_broken_at_blanks() {
        let lines = wrap("the quick brown extraordinarily fox", 9);

        assert_eq!(lines, ["the quick", "brown", "extraordinarily", "fox"]);
    }

    #[test]
    fn colour_is_for_what_has_a_tone() {
        let seen = [(Ink::COLOUR, Tone::Bad), (Ink::COLOUR, Tone::Plain), (Ink::NONE, Tone::Bad)]
            .map(|(ink, tone)| ink.paint(tone, "no"));

        assert_eq!(seen, ["\u{1b}[1;31mno\u{1b}[0m", "no", "no"]);
    }
}
