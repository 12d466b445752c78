//! Findings about configuration, printed: where, what is wrong, and the line of the file with a caret under the column.
//!
//! `serve`, `check` and `explain` all speak through here, so that an error looks the same wherever it is met. Errors come
//! first, then warnings, then notes; within each the order is that of the files. The files are read again for the lines
//! to show; one that is gone by now costs its lines and nothing else.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use tollgate_config::{Finding, Position, Severity};

use super::terminal::{Ink, Tone, columns, plain, steers};

/// Most columns of a line that are shown; JSON may be one line of a megabyte.
const WIDTH: usize = 96;
/// Columns that a tab is counted as. How wide it is shown is the terminal's.
const TAB: usize = 8;

/// Prints findings about the configuration file `config` and the files that it names, relative to its folder.
///
/// A reader who is gone is no one to tell, so failures to write are dropped.
pub(crate) fn print(findings: &[Finding], config: &Path, ink: Ink, out: &mut impl Write) {
    let mut files = Files { config, lines: BTreeMap::new() };
    let mut text = String::new();
    for finding in by_severity(findings) {
        text.push_str(&headline(finding, ink));
        if let (Some(file), Some(at)) = (&finding.file, finding.at) {
            let excerpt = files.excerpt(file, at);
            text.push_str(&excerpt.map(|excerpt| excerpt.print(tone(finding.severity), ink)).unwrap_or_default());
        }
    }
    drop(out.write_all(text.as_bytes()));
}

/// Returns how many there are of each kind: `1 error, 2 warnings, 1 note`.
pub(crate) fn count(findings: &[Finding]) -> String {
    let kinds = [Severity::Error, Severity::Warning, Severity::Note];
    let count = |kind: Severity| {
        let count = findings.iter().filter(|finding| finding.severity == kind).count();
        let plural = if count == 1 { "" } else { "s" };
        (count > 0).then(|| format!("{count} {}{plural}", word(kind)))
    };
    kinds.into_iter().filter_map(count).collect::<Vec<_>>().join(", ")
}

/// Returns whether one of them is an error.
pub(crate) fn any_error(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}

/// Returns the findings of one kind as JSON, each once, in their order.
pub(crate) fn json(findings: &[Finding], kind: Severity) -> Value {
    let entry = |finding: &Finding| {
        let (line, column) = (finding.at.map(|at| at.line), finding.at.map(|at| at.column));
        json!({"file": finding.file, "line": line, "column": column, "message": finding.message})
    };
    once(findings).filter(|finding| finding.severity == kind).map(entry).collect()
}

/// Returns each finding once, the worst kind first.
fn by_severity(findings: &[Finding]) -> Vec<&Finding> {
    let mut sorted: Vec<&Finding> = once(findings).collect();
    sorted.sort_by_key(|finding| finding.severity);
    sorted
}

/// Returns each finding once, in their order; a large file may have tens of thousands.
fn once(findings: &[Finding]) -> impl Iterator<Item = &Finding> {
    let mut told = BTreeSet::new();
    findings.iter().filter(move |finding| told.insert((finding.severity, &finding.file, finding.at, &finding.message)))
}

/// Returns `queues.toml:12:3 error: message`, with as much of the place as is known.
fn headline(finding: &Finding, ink: Ink) -> String {
    let place = match (&finding.file, finding.at) {
        (Some(file), Some(at)) => format!("{}:{}:{}", plain(file), at.line, at.column),
        (Some(file), None) => plain(file),
        (None, _) => String::new(),
    };
    let blank = if place.is_empty() { "" } else { " " };
    let (place, kind) = (ink.paint(Tone::Strong, &place), word(finding.severity));
    let kind = ink.paint(tone(finding.severity), &format!("{kind}:"));
    format!("{place}{blank}{kind} {}\n", lines(&finding.message))
}

/// Returns a message as it is printed. Further lines of it are those that are indented: they cannot pass for another finding.
fn lines(message: &str) -> String {
    const INDENT: &str = "\n    ";
    message.split(INDENT).map(plain).collect::<Vec<_>>().join(INDENT)
}

fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Error => Tone::Bad,
        Severity::Warning => Tone::Caution,
        Severity::Note => Tone::Place,
    }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// The files that findings speak of, each read at most once.
struct Files<'a> {
    config: &'a Path,
    lines: BTreeMap<String, Vec<String>>,
}

impl Files<'_> {
    fn excerpt(&mut self, file: &str, at: Position) -> Option<Excerpt> {
        let path = self.path(file);
        let lines_of = |octets: Vec<u8>| {
            let text = String::from_utf8_lossy(&octets);
            tollgate_config::without_mark(&text).lines().map(str::to_owned).collect()
        };
        let read = || fs::read(path).map(lines_of).unwrap_or_default();
        let lines: &Vec<String> = self.lines.entry(file.to_owned()).or_insert_with(read);
        let line = lines.get(usize::try_from(at.line).ok()?.checked_sub(1)?)?;
        Some(Excerpt::new(&discreet(line), usize::try_from(at.column).ok()?.checked_sub(1)?))
    }

    /// Returns where a file is: the configuration file has its own path for a name, the others stand beside it.
    fn path(&self, file: &str) -> PathBuf {
        if Path::new(file) == self.config {
            return self.config.to_owned();
        }
        self.config.parent().unwrap_or(Path::new("")).join(file)
    }
}

/// Returns a line without what stands behind the key of a hash: who mistook it may have put the secret itself there.
fn discreet(line: &str) -> Cow<'_, str> {
    let is_assigned = |at: &usize| line[*at..].trim_start_matches(['"', '\'']).trim_start().starts_with('=');
    let value = line.match_indices("hash").map(|(at, key)| at + key.len()).find(is_assigned);
    match value.and_then(|at| Some(at + line[at..].find('=')? + 1)) {
        Some(value) => format!("{} …", &line[..value]).into(),
        None => line.into(),
    }
}

/// A line of a file, or the part of it that matters, and what stands under it up to the caret.
#[derive(PartialEq, Eq, Debug)]
struct Excerpt {
    shown: String,
    blank: String,
}

impl Excerpt {
    /// Takes as much of a line as has room, around its character number `column` (from 0).
    fn new(line: &str, column: usize) -> Self {
        let chars: Vec<char> = line.chars().map(visible).collect();
        let column = column.min(chars.len());
        let (from, to) = part(&chars, column);
        let dots = |missing: bool| if missing { "…" } else { "" };
        let shown: String = chars[from..to].iter().collect();
        // A tab is as wide under the line as in it, and so is anything else.
        let under = |c: &char| if *c == '\t' { "\t".to_owned() } else { " ".repeat(columns(*c)) };
        let blank: String = chars[from..column].iter().map(under).collect();
        Self {
            shown: format!("{}{shown}{}", dots(from > 0), dots(to < chars.len())),
            blank: format!("{}{blank}", if from > 0 { " " } else { "" }),
        }
    }

    fn print(&self, tone: Tone, ink: Ink) -> String {
        format!("    {}\n    {}{}\n", self.shown, self.blank, ink.paint(tone, "^"))
    }
}

/// Returns from where to where a line is shown: all of it, or what has room with a third of it before the column.
fn part(chars: &[char], column: usize) -> (usize, usize) {
    if fitting(chars.iter(), WIDTH) == chars.len() {
        return (0, chars.len());
    }
    let from = column - fitting(chars[..column].iter().rev(), WIDTH / 3);
    (from, from + fitting(chars[from..].iter(), WIDTH))
}

/// Returns how many of these characters, from the first on, have room in so many columns.
fn fitting<'a>(chars: impl Iterator<Item = &'a char>, mut room: usize) -> usize {
    let size = |c: char| if c == '\t' { TAB } else { columns(c) };
    let fits = |c: &&char| {
        let left = room.checked_sub(size(**c));
        room = left.unwrap_or(room);
        left.is_some()
    };
    chars.take_while(fits).count()
}

fn visible(c: char) -> char {
    if steers(c) && c != '\t' { char::REPLACEMENT_CHARACTER } else { c }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(severity: Severity, file: Option<&str>, at: Option<(u32, u32)>, message: &str) -> Finding {
        let at = at.map(|(line, column)| Position { line, column });
        Finding { severity, file: file.map(str::to_owned), at, message: message.to_owned() }
    }

    #[test]
    fn errors_come_first_and_each_shows_its_line_with_a_caret() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("queues.toml"), "[queue.default]\n\tmax_aeg = '1h'\n").expect("a file");
        let findings = [
            finding(Severity::Note, Some("gone.toml"), Some((1, 1)), "its file is gone"),
            finding(Severity::Error, Some("queues.toml"), Some((2, 2)), "no \u{1b}option"),
            finding(Severity::Warning, None, None, "about no file"),
        ];
        let mut printed = Vec::new();

        print(&findings, &folder.path().join("tollgate.toml"), Ink::NONE, &mut printed);

        let expected = "queues.toml:2:2 error: no \\u{1b}option\n    \tmax_aeg = '1h'\n    \t^\nwarning: about no file\n\
                        gone.toml:1:1 note: its file is gone\n";
        assert_eq!(String::from_utf8_lossy(&printed), expected);
    }

    #[test]
    fn the_caret_is_under_its_column_however_wide_what_is_before_it() {
        let line = |text: &str, column| {
            let Excerpt { shown, blank } = Excerpt::new(text, column);
            (shown, blank)
        };

        let seen = [
            line("max_age = 1", 0),
            line("\tmax_age = 1", 1),
            line("'漢字\u{1f4ee}' = x", 8),
            line("'e\u{301}' = x", 7),
            line("'\u{1b}' = x", 6),
            line("short", 99),
        ];

        let expected = [
            ("max_age = 1", ""),
            ("\tmax_age = 1", "\t"),
            ("'漢字\u{1f4ee}' = x", "           "),
            ("'e\u{301}' = x", "      "),
            ("'\u{fffd}' = x", "      "),
            ("short", "     "),
        ];
        assert_eq!(seen, expected.map(|(shown, blank)| (shown.to_owned(), blank.to_owned())));
    }

    #[test]
    fn of_a_long_line_the_part_around_the_column_is_shown() {
        let line = format!("{}X{}", "a".repeat(1000), "b".repeat(1000));

        let seen = [0, 1000, 2000].map(|column| Excerpt::new(&line, column));

        let expected = [
            (format!("{}…", "a".repeat(96)), String::new()),
            (format!("…{}X{}…", "a".repeat(32), "b".repeat(63)), " ".repeat(33)),
            (format!("…{}", "b".repeat(33)), " ".repeat(33)),
        ];
        let expected = expected.map(|(shown, blank)| Excerpt { shown, blank });
        assert_eq!(seen[..2], expected[..2]);
        assert_eq!(seen[2].blank.len(), seen[2].shown.chars().count() - 1);
    }

    #[test]
    fn what_may_be_a_secret_is_not_shown() {
        let lines =
            ["password_hash = 'tiger'", "u = { \"password_hash\" = 't' }", "hash='x'", "# a hash of 1", "x = 1"];

        let shown = lines.map(discreet);

        let expected = ["password_hash = …", "u = { \"password_hash\" = …", "hash= …", "# a hash of 1", "x = 1"];
        assert_eq!(shown, expected);
    }

    #[test]
    fn kinds_are_counted_with_their_plurals() {
        let kinds = [Severity::Warning, Severity::Error, Severity::Warning];

        let counted = count(&kinds.map(|kind| finding(kind, None, None, "")));

        assert_eq!((counted.as_str(), count(&[]).as_str()), ("1 error, 2 warnings", ""));
    }
}
