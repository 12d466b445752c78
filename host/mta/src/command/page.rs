//! Text for a terminal: titled sections with aligned columns, in no more columns than most terminals have.

use super::terminal::{Ink, Tone, plain, width, wrap};

/// Width of the titles, so that what stands behind them lines up.
const TITLE: usize = 10;
/// Columns that running text may take.
pub(super) const WIDTH: usize = 92;

/// A text in the making. Control characters in what is written are shown, not obeyed.
pub(super) struct Page {
    text: String,
    ink: Ink,
}

/// A piece of a table.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Cell {
    text: String,
    tone: Tone,
    right: bool,
}

impl Page {
    /// Starts an empty page.
    pub(super) fn new(ink: Ink) -> Self {
        Self { text: String::new(), ink }
    }

    /// Starts a section: an empty line, and its title with what is most important.
    pub(super) fn section(&mut self, title: &str, headline: impl Into<Cell>) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let Cell { text, tone, .. } = headline.into();
        let title = self.ink.paint(Tone::Strong, &format!("{title:TITLE$}"));
        let lines = wrap(&plain(&text), WIDTH - TITLE - 1);
        let lines: Vec<String> = lines.iter().map(|line| self.ink.paint(tone, line)).collect();
        let between = format!("\n{:TITLE$} ", "");
        self.text.push_str(format!("{title} {}", lines.join(&between)).trim_end());
        self.text.push('\n');
    }

    /// Writes a line of the section, or several where it is long.
    pub(super) fn line(&mut self, text: impl Into<Cell>) {
        let Cell { text, tone, .. } = text.into();
        for line in wrap(&plain(&text), WIDTH - 2) {
            self.text.push_str(&format!("  {}\n", self.ink.paint(tone, &line)));
        }
    }

    /// Writes a line of a file, as it stands there.
    pub(super) fn quote(&mut self, line: &str) {
        self.text.push_str(&format!("    {}\n", plain(line.trim())));
    }

    /// Writes a table whose columns are as wide as they need to be.
    pub(super) fn rows<const N: usize>(&mut self, rows: &[[Cell; N]]) {
        let widths = widths(rows.iter());
        rows.iter().for_each(|row| self.row("  ", row, &widths));
    }

    /// Writes tables, each under its title, whose columns line up with one another.
    pub(super) fn groups<const N: usize>(&mut self, groups: &[(Cell, Vec<[Cell; N]>)]) {
        let widths = widths(groups.iter().flat_map(|(_, rows)| rows));
        for (title, rows) in groups {
            self.line(title.clone());
            rows.iter().for_each(|row| self.row("     ", row, &widths));
        }
    }

    /// Returns the text.
    pub(super) fn finish(self) -> String {
        self.text
    }

    fn row<const N: usize>(&mut self, indent: &str, row: &[Cell; N], widths: &[usize; N]) {
        // Behind the last cell that has something there is nothing to line up.
        let used = row.iter().rposition(|cell| !cell.text.is_empty()).map_or(0, |last| last + 1);
        let cells = row[..used].iter().zip(widths).enumerate();
        let cells: Vec<String> = cells.map(|(n, (cell, width))| cell.print(*width, n + 1 < used, self.ink)).collect();
        self.text.push_str(&format!("{indent}{}\n", cells.join("  ")));
    }
}

/// Returns how wide each column has to be.
fn widths<'a, const N: usize>(rows: impl Iterator<Item = &'a [Cell; N]>) -> [usize; N] {
    let widen =
        |widths: [usize; N], row: &[Cell; N]| std::array::from_fn(|n| widths[n].max(width(&plain(&row[n].text))));
    rows.fold([0; N], widen)
}

impl Cell {
    /// Returns the cell in this tone.
    pub(super) fn tone(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }

    /// Returns the cell with its text at the right, as numbers want it.
    pub(super) fn right(self) -> Self {
        Self { right: true, ..self }
    }

    fn print(&self, room: usize, pad: bool, ink: Ink) -> String {
        let text = plain(&self.text);
        let blank = " ".repeat(room - width(&text));
        let text = ink.paint(self.tone, &text);
        match (self.right, pad) {
            (true, _) => format!("{blank}{text}"),
            (false, true) => format!("{text}{blank}"),
            (false, false) => text,
        }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

/// Returns a text as a cell of this tone.
pub(super) fn toned(tone: Tone, text: impl Into<String>) -> Cell {
    Cell::from(text).tone(tone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_however_wide_their_letters_and_whatever_their_colour() {
        let mut page = Page::new(Ink::COLOUR);
        page.section("Title", "a \u{1b}headline");
        page.rows(&[
            [toned(Tone::Bad, "漢字"), Cell::from("1").right(), "x".into()],
            ["abcdef".into(), Cell::from("23").right(), "".into()],
        ]);

        let expected =
            "\u{1b}[1mTitle     \u{1b}[0m a \\u{1b}headline\n  \u{1b}[1;31m漢字\u{1b}[0m     1  x\n  abcdef  23\n";
        assert_eq!(page.finish(), expected);
    }

    #[test]
    fn long_text_goes_on_under_its_beginning() {
        let mut page = Page::new(Ink::NONE);
        page.section("Title", ["word"; 20].join(" "));
        page.line(["word"; 20].join(" "));

        let lines = page.finish();

        let starts: Vec<(usize, usize)> =
            lines.lines().map(|line| (line.find("word").unwrap_or(0), line.len())).collect();
        assert_eq!(starts, [(11, 90), (11, 30), (2, 91), (2, 11)]);
    }
}
