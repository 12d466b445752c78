//! What is wrong, or odd, about a configuration, and where.

use std::{fmt, ops::Range};

use crate::{Position, likeliest};

/// How bad a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// It can be used, and is probably not what was meant.
    Warning,
    /// Worth knowing.
    Note,
}

/// One thing to say about a configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The file, by the name that the operator uses; absent where the finding is about no file.
    pub file: Option<String>,
    /// Where in the file.
    pub at: Option<Position>,
    /// What is wrong and how to mend it, without file and position.
    pub message: String,
}

/// `queues.toml:12:3 message`, with as much of the position as is known.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            f.write_str(file)?;
            if let Some(at) = self.at {
                write!(f, ":{}:{}", at.line, at.column)?;
            }
            f.write_str(" ")?;
        }
        f.write_str(&self.message)
    }
}

/// Findings about one file, collected while it is read.
#[derive(Debug)]
pub struct Findings {
    file: String,
    found: Vec<Finding>,
    /// Lines where what was read may not be what was written, in order, none twice.
    damaged: Vec<Range<u32>>,
}

impl Findings {
    /// Returns an empty collection for the file of this name.
    #[must_use]
    pub fn new(file: &str) -> Self {
        Self { file: file.to_owned(), found: Vec::new(), damaged: Vec::new() }
    }

    /// Returns the name of the file.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Notes an error.
    pub fn error(&mut self, at: Position, message: impl Into<String>) {
        self.add(Severity::Error, at, message.into());
    }

    /// Notes a warning.
    pub fn warning(&mut self, at: Position, message: impl Into<String>) {
        self.add(Severity::Warning, at, message.into());
    }

    /// Notes something worth knowing.
    pub fn note(&mut self, at: Position, message: impl Into<String>) {
        self.add(Severity::Note, at, message.into());
    }

    /// Notes a key that means nothing here, with the option that was most likely meant.
    pub fn unknown<'a>(&mut self, at: Position, name: &str, what: &str, known: impl IntoIterator<Item = &'a str>) {
        let hint = likeliest(name, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        self.error(at, format!("`{name}` is not {what}{hint}"));
    }

    /// Returns whether a syntax error makes it doubtful that what was read here is what was written. Whatever is said about
    /// such a place is left out: the syntax error has said what to mend.
    #[must_use]
    pub fn is_damaged(&self, at: Position) -> bool {
        let next = self.damaged.partition_point(|lines| lines.start <= at.line);
        next.checked_sub(1).is_some_and(|last| self.damaged[last].contains(&at.line))
    }

    /// Returns the lines that syntax errors have spoilt, in order.
    #[must_use]
    pub fn damaged_lines(&self) -> &[Range<u32>] {
        &self.damaged
    }

    /// Notes a syntax error.
    pub(crate) fn malformed(&mut self, at: Position, message: &str) {
        self.push(Severity::Error, at, message.to_owned());
    }

    /// Notes which lines syntax errors have spoilt, in any order.
    pub(crate) fn damage(&mut self, mut lines: Vec<Range<u32>>) {
        lines.sort_unstable_by_key(|lines| lines.start);
        for lines in lines {
            match self.damaged.last_mut() {
                Some(last) if lines.start <= last.end => last.end = last.end.max(lines.end),
                _ => self.damaged.push(lines),
            }
        }
    }

    /// Returns what was found, by position.
    #[must_use]
    pub fn into_sorted(mut self) -> Vec<Finding> {
        self.found.sort_by_key(|finding| finding.at);
        self.found
    }

    fn add(&mut self, severity: Severity, at: Position, message: String) {
        if !self.is_damaged(at) {
            self.push(severity, at, message);
        }
    }

    fn push(&mut self, severity: Severity, at: Position, message: String) {
        self.found.push(Finding { severity, file: Some(self.file.clone()), at: Some(at), message });
    }
}

/// Returns the known name that was most likely meant: at most two edits away, and less than half of it edited.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    // What differs more in length is further away; most names are, and this is asked for each of thousands.
    let near = known.into_iter().filter(|candidate| candidate.chars().count().abs_diff(length) <= 2);
    let candidates = near.map(|candidate| (strsim::levenshtein(name, candidate), candidate));
    let best = candidates.min_by_key(|(distance, _)| *distance);
    best.filter(|(distance, _)| *distance <= 2 && *distance * 2 < length.max(2)).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_at_most_two_edits_away() {
        let known = ["retry_interval", "max_age", "egress_pool"];
        let found = ["retry_intervl", "maxage", "max_aeg", "pool", "x"].map(|name| nearest(name, known));

        assert_eq!(found, [Some("retry_interval"), Some("max_age"), Some("max_age"), None, None]);
    }
}
