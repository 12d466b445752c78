//! Files of events: one, or one in each line.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use tollgate_desk::Event;
use tollgate_message::Timestamp;

/// Returns the event of a file, or of this line where the file has one in each.
///
/// # Errors
/// What is wrong, with the file.
pub(super) fn one(path: &Path, line: usize) -> Result<Event, String> {
    let text = text(path)?;
    let named = |reason: String| format!("{}: {reason}", path.display());
    if is_lines(path) {
        let found =
            text.lines().nth(line.saturating_sub(1)).ok_or_else(|| named(format!("there is no line {line}")))?;
        return parse("", found).map_err(|reason| named(format!("line {line}: {reason}")));
    }
    parse(&path.to_string_lossy(), &text).map_err(named)
}

/// Returns the events of a file, or of all files in a folder, each with words for where it is.
///
/// # Errors
/// What is wrong, with the file.
pub(super) fn all(path: &Path) -> Result<Vec<(String, Event)>, String> {
    let named = |path: &Path, reason: &dyn std::fmt::Display| format!("{}: {reason}", path.display());
    if path.is_dir() {
        let entries = fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut paths: Vec<PathBuf> =
            entries.map_err(|error| named(path, &error))?.iter().map(fs::DirEntry::path).collect();
        paths.retain(|path| {
            path.extension().is_some_and(|end| ["json", "jsonl", "toml"].iter().any(|known| end == *known))
        });
        paths.sort();
        return Ok(paths.iter().map(|path| all(path)).collect::<Result<Vec<_>, _>>()?.concat());
    }
    if !is_lines(path) {
        return Ok(vec![(path.display().to_string(), one(path, 1)?)]);
    }
    let text = text(path)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let event = |(n, line): (usize, &str)| {
        let place = format!("{}:{}", path.display(), n + 1);
        let event = parse("", line).map_err(|reason| format!("{place}: {reason}"))?;
        Ok((place, event))
    };
    lines.map(event).collect()
}

fn is_lines(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "jsonl")
}

fn parse(name: &str, text: &str) -> Result<Event, String> {
    Event::parse(name, text, now())
}

/// Returns the time that an event has which names none.
pub(super) fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}

fn text(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        io::stdin().read_to_string(&mut text).map(drop)
    } else {
        fs::read_to_string(path).map(|read| text = read)
    };
    read.map_err(|reason| format!("{}: {reason}", path.display()))?;
    Ok(text)
}
