//! Findings about configuration, printed: where, what is wrong, and the line of the file with a caret under the column.
//!
//! `serve`, `check` and `explain` all speak through here, so that an error looks the same wherever it is met. Errors come
//! first, then warnings, then notes; within each the order is that of the files. The files are read again for the lines
//! to show; one that is gone by now costs its lines and nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use tollgate_config::{Finding, Position, Severity};

/// Most characters of a line that are shown; JSON may be one line of a megabyte.
const WIDTH: usize = 120;

/// Prints findings about the configuration file `config` and the files that it names, relative to its folder.
///
/// A reader who is gone is no one to tell, so failures to write are dropped.
pub(crate) fn print(findings: &[Finding], config: &Path, out: &mut impl Write) {
    let mut files = Files { config, lines: BTreeMap::new() };
    let mut text = String::new();
    for finding in by_severity(findings) {
        text.push_str(&headline(finding));
        if let (Some(file), Some(at)) = (&finding.file, finding.at) {
            text.push_str(&files.excerpt(file, at).unwrap_or_default());
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

/// Returns a text without control characters: what a file or a header says must not steer a terminal.
pub(crate) fn plain(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
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
fn headline(finding: &Finding) -> String {
    let place = match (&finding.file, finding.at) {
        (Some(file), Some(at)) => format!("{}:{}:{} ", plain(file), at.line, at.column),
        (Some(file), None) => format!("{} ", plain(file)),
        (None, _) => String::new(),
    };
    format!("{place}{}: {}\n", word(finding.severity), plain(&finding.message))
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
    fn excerpt(&mut self, file: &str, at: Position) -> Option<String> {
        let path = self.path(file);
        let read = || fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect();
        let lines = self.lines.entry(file.to_owned()).or_insert_with(read);
        let line = lines.get(usize::try_from(at.line).ok()?.checked_sub(1)?)?;
        Some(excerpt(line, usize::try_from(at.column).ok()?.checked_sub(1)?))
    }

    /// Returns where a file is: the configuration file has its own path for a name, the others stand beside it.
    fn path(&self, file: &str) -> PathBuf {
        if Path::new(file) == self.config {
            return self.config.to_owned();
        }
        self.config.parent().unwrap_or(Path::new("")).join(file)
    }
}

/// Returns a line, and a caret under its character number `column` (from 0), both indented.
fn excerpt(line: &str, column: usize) -> String {
    let skipped = if column > WIDTH * 2 / 3 { column - WIDTH / 3 } else { 0 };
    let shown: String = line.chars().skip(skipped).take(WIDTH).map(visible).collect();
    // A tab is as wide under the line as in it.
    let before = line.chars().skip(skipped).take(column - skipped);
    let blank: String = before.map(|c| if c == '\t' { c } else { ' ' }).collect();
    format!("    {shown}\n    {blank}^\n")
}

fn visible(c: char) -> char {
    if c.is_control() && c != '\t' { char::REPLACEMENT_CHARACTER } else { c }
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

        print(&findings, &folder.path().join("tollgate.toml"), &mut printed);

        let expected = "queues.toml:2:2 error: no \\u{1b}option\n    \tmax_aeg = '1h'\n    \t^\nwarning: about no file\n\
                        gone.toml:1:1 note: its file is gone\n";
        assert_eq!(String::from_utf8_lossy(&printed), expected);
    }

    #[test]
    fn of_a_long_line_the_part_around_the_column_is_shown() {
        let line = format!("{}X{}", "a".repeat(1000), "b".repeat(1000));

        let lines: Vec<String> = excerpt(&line, 1000).lines().map(str::to_owned).collect();

        assert_eq!((lines[0].find('X'), lines[1].find('^'), lines[0].len()), (Some(44), Some(44), 4 + WIDTH));
    }

    #[test]
    fn kinds_are_counted_with_their_plurals() {
        let kinds = [Severity::Warning, Severity::Error, Severity::Warning];

        let counted = count(&kinds.map(|kind| finding(kind, None, None, "")));

        assert_eq!((counted.as_str(), count(&[]).as_str()), ("1 error, 2 warnings", ""));
    }
}
