//! Reading a table of known options: each is asked for once, and what was never asked for is an error.

use std::time::Duration;

use crate::{Entry, Findings, Position, Table, Value, duration};

/// A table being read. Call [`Section::finish`] at the end, which reports what no one asked for.
pub struct Section<'a> {
    table: &'a Table,
    at: Position,
    name: String,
    asked: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// Starts to read a table, which messages call `name` (`smtp.listener.main`, empty for the file itself).
    #[must_use]
    pub fn new(table: &'a Table, at: Position, name: impl Into<String>) -> Self {
        Self { table, at, name: name.into(), asked: Vec::new() }
    }

    /// Returns where the table starts.
    #[must_use]
    pub fn at(&self) -> Position {
        self.at
    }

    /// Returns the entry of an option, if it is there.
    pub fn entry(&mut self, key: &'static str) -> Option<&'a Entry> {
        self.asked.push(key);
        self.table.get(key)
    }

    /// Reads a text.
    pub fn text(&mut self, key: &'static str, findings: &mut Findings) -> Option<String> {
        self.read(key, findings, |value| match value {
            Value::String(text) => Ok(text.clone()),
            other => Err(format!("expected text, got {}", other.kind())),
        })
    }

    /// Reads a text and parses it.
    pub fn parsed<T>(
        &mut self,
        key: &'static str,
        findings: &mut Findings,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.read(key, findings, |value| match value {
            Value::String(text) => parse(text),
            other => Err(format!("expected text, got {}", other.kind())),
        })
    }

    /// Reads a whole number that is not negative.
    pub fn number(&mut self, key: &'static str, findings: &mut Findings) -> Option<u64> {
        self.read(key, findings, |value| match value {
            Value::Integer(number) => u64::try_from(*number).map_err(|_| format!("{number} is negative")),
            other => Err(format!("expected a whole number, got {}", other.kind())),
        })
    }

    /// Reads a whole number that is not negative, and judges it.
    pub fn parsed_number<T>(
        &mut self,
        key: &'static str,
        findings: &mut Findings,
        parse: impl Fn(u64) -> Result<T, String>,
    ) -> Option<T> {
        self.read(key, findings, |value| match value {
            Value::Integer(number) => parse(u64::try_from(*number).map_err(|_| format!("{number} is negative"))?),
            other => Err(format!("expected a whole number, got {}", other.kind())),
        })
    }

    /// Reads a duration.
    pub fn duration(&mut self, key: &'static str, findings: &mut Findings) -> Option<Duration> {
        self.read(key, findings, duration::from_value)
    }

    /// Reads a size in octets: a number, or a text such as `50 MiB`.
    pub fn size(&mut self, key: &'static str, findings: &mut Findings) -> Option<u64> {
        self.read(key, findings, size_from_value)
    }

    /// Reads a list of texts, each parsed; every bad one is reported at its own place.
    pub fn list<T>(
        &mut self,
        key: &'static str,
        findings: &mut Findings,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let mut parsed = Vec::new();
        for (text, at) in self.texts(key, findings)? {
            match parse(text) {
                Ok(value) => parsed.push(value),
                Err(error) => findings.error(at, format!("{key}: {error}")),
            }
        }
        Some(parsed)
    }

    /// Reads a list of texts, each with where it stands; what is no text is reported at its own place.
    pub fn texts(&mut self, key: &'static str, findings: &mut Findings) -> Option<Vec<(&'a str, Position)>> {
        let entry = self.entry(key)?;
        let Value::Array(items) = &entry.node.value else {
            findings.error(entry.at, format!("{key}: expected a list of texts, got {}", entry.node.value.kind()));
            return None;
        };
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            match &item.value {
                Value::String(text) => texts.push((text.as_str(), item.at)),
                other => findings.error(item.at, format!("{key}: expected text, got {}", other.kind())),
            }
        }
        Some(texts)
    }

    /// Reads true or false.
    pub fn boolean(&mut self, key: &'static str, findings: &mut Findings) -> Option<bool> {
        self.read(key, findings, |value| match value {
            Value::Boolean(value) => Ok(*value),
            other => Err(format!("expected true or false, got {}", other.kind())),
        })
    }

    /// Returns where an option is written, if it is.
    #[must_use]
    pub fn position(&self, key: &str) -> Option<Position> {
        self.table.get(key).map(|entry| entry.at)
    }

    /// Returns the tables in a table of named tables, `[pool.NAME]`, with where each name stands.
    pub fn named(&mut self, key: &'static str, findings: &mut Findings) -> Vec<(&'a str, Section<'a>)> {
        let Some(entry) = self.entry(key) else { return Vec::new() };
        let Some(table) = expect_table(entry, findings) else { return Vec::new() };
        let prefix = if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) };
        named_tables(table, &prefix, findings)
    }

    /// Returns the sections in this one whatever their names are, as in `[pool.NAME.SOURCE]`.
    pub fn all_named(&self, findings: &mut Findings) -> Vec<(&'a str, Section<'a>)> {
        named_tables(self.table, &self.name, findings)
    }

    /// Returns a table in this one.
    pub fn section(&mut self, key: &'static str, findings: &mut Findings) -> Option<Section<'a>> {
        let entry = self.entry(key)?;
        let name = if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) };
        expect_table(entry, findings).map(|table| Section::new(table, entry.at, name))
    }

    /// Reads a table whose keys are names of the user's own, each value converted; every bad one is reported at its own place.
    pub fn map<T>(
        &mut self,
        key: &'static str,
        findings: &mut Findings,
        convert: impl Fn(&Value) -> Result<T, String>,
    ) -> Option<Vec<(&'a str, T)>> {
        let table = expect_table(self.entry(key)?, findings)?;
        let mut converted = Vec::with_capacity(table.entries.len());
        for entry in &table.entries {
            match convert(&entry.node.value) {
                Ok(value) => converted.push((entry.key.as_str(), value)),
                Err(error) => findings.error(entry.at, format!("{key}.{}: {error}", entry.key)),
            }
        }
        Some(converted)
    }

    /// Returns whether an option is not written at all; one that is there and wrong has been reported already.
    #[must_use]
    pub fn entry_is_missing(&self, key: &str) -> bool {
        self.table.get(key).is_none()
    }

    /// Reports an option that must be there and is not.
    pub fn missing(&self, key: &str, findings: &mut Findings) {
        let place = if self.name.is_empty() { "this file".to_owned() } else { format!("[{}]", self.name) };
        findings.error(self.at, format!("{place} needs `{key}`"));
    }

    /// Reports every key that no one asked for.
    pub fn finish(self, findings: &mut Findings) {
        let place = if self.name.is_empty() {
            "known in this file".to_owned()
        } else {
            format!("an option of [{}]", self.name)
        };
        for entry in self.table.entries.iter().filter(|entry| !self.asked.contains(&entry.key.as_str())) {
            findings.unknown(entry.at, &entry.key, &place, self.asked.iter().copied());
        }
    }

    fn read<T>(
        &mut self,
        key: &'static str,
        findings: &mut Findings,
        convert: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Option<T> {
        let entry = self.entry(key)?;
        convert(&entry.node.value).map_err(|error| findings.error(entry.at, format!("{key}: {error}"))).ok()
    }
}

fn expect_table<'a>(entry: &'a Entry, findings: &mut Findings) -> Option<&'a Table> {
    match &entry.node.value {
        Value::Table(table) => Some(table),
        other => {
            findings.error(entry.at, format!("{}: expected a table, got {}", entry.key, other.kind()));
            None
        }
    }
}

fn named_tables<'a>(table: &'a Table, prefix: &str, findings: &mut Findings) -> Vec<(&'a str, Section<'a>)> {
    let mut sections = Vec::with_capacity(table.entries.len());
    for entry in &table.entries {
        if let Some(table) = expect_table(entry, findings) {
            sections.push((entry.key.as_str(), Section::new(table, entry.at, format!("{prefix}.{}", entry.key))));
        }
    }
    sections
}

fn size_from_value(value: &Value) -> Result<u64, String> {
    let refused = |what: &str| format!("{what} is not a size such as '50 MiB'");
    match value {
        Value::Integer(octets) => u64::try_from(*octets).map_err(|_| refused(&octets.to_string())),
        Value::String(text) => {
            let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
            let shift = match text[digits..].trim() {
                "" | "B" => 0,
                "KiB" => 10,
                "MiB" => 20,
                "GiB" => 30,
                _ => return Err(refused(&format!("'{text}'"))),
            };
            let number = text[..digits].parse::<u64>().map_err(|_| refused(&format!("'{text}'")))?;
            number.checked_mul(1 << shift).ok_or_else(|| refused(&format!("'{text}'")))
        }
        other => Err(refused(other.kind())),
    }
}
