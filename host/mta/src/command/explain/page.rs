//! Text for a terminal: titled sections with aligned columns.

use super::super::terminal::plain;

/// Width of the titles, so that what stands behind them lines up.
const TITLE: usize = 10;

/// A text in the making. Control characters in what is written are shown, not obeyed.
pub(super) struct Page {
    text: String,
    colour: bool,
}

impl Page {
    /// Starts an empty page; titles are bold where there is `colour`.
    pub(super) fn new(colour: bool) -> Self {
        Self { text: String::new(), colour }
    }

    /// Starts a section: an empty line, and its title with what is most important.
    pub(super) fn section(&mut self, title: &str, headline: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let title = format!("{title:TITLE$}");
        let title = if self.colour { format!("\x1b[1m{title}\x1b[0m") } else { title };
        let line = format!("{title} {}", plain(headline));
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// Writes a line of the section.
    pub(super) fn line(&mut self, text: &str) {
        self.text.push_str(&format!("  {}\n", plain(text)));
    }

    /// Writes a table whose columns are as wide as they need to be.
    pub(super) fn rows<const N: usize>(&mut self, rows: &[[String; N]]) {
        let rows: Vec<[String; N]> = rows.iter().map(|row| row.each_ref().map(|cell| plain(cell))).collect();
        let widths: [usize; N] =
            std::array::from_fn(|n| rows.iter().map(|row| row[n].chars().count()).max().unwrap_or(0));
        for row in rows {
            let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            self.text.push_str(format!("  {}", cells.join("  ")).trim_end());
            self.text.push('\n');
        }
    }

    /// Returns the text.
    pub(super) fn finish(self) -> String {
        self.text
    }
}
