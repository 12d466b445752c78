//! A parsed file: tables, lists and scalars, each with its position.

use std::borrow::Cow;

use toml::de::{DeTable, DeValue};

use crate::{Findings, damage, lines::Lines};

/// What the parser says of a key that is there already; the rest of the file is read all the same.
const TWIN: &str = "duplicate key";

/// A place in a file, both counted from 1; the column in characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Position {
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
}

/// A value and where it starts.
#[derive(Clone, PartialEq, Debug)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it starts.
    pub at: Position,
}

/// What a value is.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// Text.
    String(String),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Float(f64),
    /// True or false.
    Boolean(bool),
    /// A date or time; no option has one, so it is kept as text for messages.
    Datetime(String),
    /// JSON's `null` in a list; as the value of a key it is a key that is not there.
    Null,
    /// A list.
    Array(Vec<Node>),
    /// A table.
    Table(Table),
}

/// A key with its value.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    /// The key, unquoted.
    pub key: String,
    /// Where the key starts; for a table, where its name starts in its header.
    pub at: Position,
    /// The value.
    pub node: Node,
}

/// Keys and values, in the order in which they first occur in the file.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Table {
    /// The entries; no two have the same key.
    pub entries: Vec<Entry>,
}

/// Returns a text without the mark that some editors put in front of UTF-8. It says nothing, and no column counts it.
#[must_use]
pub fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

impl Table {
    /// Parses TOML. Syntax errors go to `findings`, and what could be read is returned all the same.
    #[must_use]
    pub fn parse_toml(text: &str, findings: &mut Findings) -> Self {
        let text = without_mark(text);
        let lines = Lines::new(text);
        let (table, errors) = DeTable::parse_recoverable(text);
        let offset = |error: &toml::de::Error| error.span().map_or(0, |span| span.start);
        let (twins, mut broken): (Vec<_>, Vec<_>) = errors.iter().partition(|error| error.message() == TWIN);
        broken.sort_by_key(|error| offset(error));
        // One mistake may upset the parser more than once in a line.
        broken.dedup_by_key(|error| lines.position(offset(error)).line);
        let offsets: Vec<usize> = broken.iter().map(|error| offset(error)).collect();
        findings.damage(damage::lines(text, &lines, table.get_ref(), &offsets));
        for error in broken {
            findings.malformed(lines.position(offset(error)), error.message());
        }
        for error in twins {
            let key = error.span().and_then(|span| text.get(span)).unwrap_or_default();
            let message = format!("{TWIN} `{}`", key.trim_matches(['"', '\'']));
            findings.error(lines.position(offset(error)), message);
        }
        convert_table(table.get_ref(), &lines)
    }

    /// Parses JSON where `json` says so or the text starts with `{`, TOML otherwise.
    #[must_use]
    pub fn parse(text: &str, json: bool, findings: &mut Findings) -> Self {
        let text = without_mark(text);
        if json || text.trim_start().starts_with('{') {
            crate::json::parse(text, findings)
        } else {
            Self::parse_toml(text, findings)
        }
    }

    /// Returns the entry with this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

impl Value {
    /// Returns what kind of value this is, for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::String(_) => "text",
            Self::Integer(_) | Self::Float(_) => "a number",
            Self::Boolean(_) => "true or false",
            Self::Datetime(_) => "a date",
            Self::Null => "null",
            Self::Array(_) => "a list",
            Self::Table(_) => "a table",
        }
    }

    /// Returns the value as JSON.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::String(text) | Self::Datetime(text) => text.as_str().into(),
            Self::Integer(number) => (*number).into(),
            Self::Float(number) => (*number).into(),
            Self::Boolean(value) => (*value).into(),
            Self::Null => serde_json::Value::Null,
            Self::Array(items) => items.iter().map(|item| item.value.to_json()).collect(),
            Self::Table(table) => {
                table.entries.iter().map(|entry| (entry.key.clone(), entry.node.value.to_json())).collect()
            }
        }
    }
}

fn convert_table(table: &DeTable<'_>, lines: &Lines) -> Table {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: Cow::clone(key.get_ref()).into_owned(),
            at: lines.position(key.span().start),
            node: Node { value: convert(value.get_ref(), lines), at: lines.position(value.span().start) },
        })
        .collect();
    entries.sort_by_key(|entry| entry.at);
    Table { entries }
}

fn convert(value: &DeValue<'_>, lines: &Lines) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.clone().into_owned()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Value::Float(number.as_str().parse().unwrap_or(f64::INFINITY)), Value::Integer),
        DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(value) => Value::Boolean(*value),
        DeValue::Datetime(date) => Value::Datetime(date.to_string()),
        DeValue::Array(items) => {
            let node = |item: &toml::Spanned<DeValue<'_>>| Node {
                value: convert(item.get_ref(), lines),
                at: lines.position(item.span().start),
            };
            Value::Array(items.iter().map(node).collect())
        }
        DeValue::Table(table) => Value::Table(convert_table(table, lines)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (Table, Vec<String>) {
        let mut findings = Findings::new("f");
        let table = Table::parse_toml(text, &mut findings);
        (table, findings.into_sorted().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn keys_and_values_know_where_they_are() {
        let (table, _) = parse("a = 1\n[queue.'ä.com']\n  b = 'x'\n");

        let Value::Table(queue) = &table.get("queue").unwrap().node.value else { panic!("a table") };
        let Value::Table(domain) = &queue.entries[0].node.value else { panic!("a table") };
        let at = |line, column| Position { line, column };
        assert_eq!(
            (queue.entries[0].at, domain.entries[0].at, domain.entries[0].node.at),
            (at(2, 8), at(3, 3), at(3, 7))
        );
    }

    #[test]
    fn every_syntax_error_is_reported_and_the_rest_is_read() {
        let (table, errors) = parse("a = \nb = 'x'\nb = 'y'\nc = 3\n");

        assert_eq!((errors.len(), table.get("c").is_some()), (2, true), "{errors:?}");
    }

    /// What is said about a text when every key in it is unknown.
    fn said(text: &str) -> Vec<String> {
        fn complain(table: &Table, findings: &mut Findings) {
            for entry in &table.entries {
                match &entry.node.value {
                    Value::Table(table) => complain(table, findings),
                    _ => findings.error(entry.at, format!("{} is unknown", entry.key)),
                }
            }
        }
        let mut findings = Findings::new("f");
        complain(&Table::parse_toml(text, &mut findings), &mut findings);
        findings.into_sorted().iter().map(|finding| finding.to_string().replacen("f:", "", 1)).collect()
    }

    #[test]
    fn what_a_syntax_error_spoils_is_not_spoken_of_and_the_rest_is() {
        let header = said("a = 1\n[b\nc = 'x'\n[d]\ne = 1\n");
        let value = said("[b]\nc = x y\nd = 'y\ne = 1\n");
        let array = said("[b]\nc = 1\nd = [1,\n  2\ne = 1\n[f]\ng = 1\n");
        let text = said("[b]\nc = 1\nd = \"\"\"x\n[f]\ng = 1\n");

        assert_eq!(header, ["1:1 a is unknown", "2:3 unclosed table, expected `]`", "5:1 e is unknown"]);
        assert_eq!(value.last().map(String::as_str), Some("4:1 e is unknown"), "{value:?}");
        assert_eq!(array[..2], ["2:1 c is unknown", "5:1 missing comma between array elements, expected `,`"]);
        assert_eq!(text[..1], ["2:1 c is unknown"]);
        for said in [value, array, text] {
            assert!(!said.iter().any(|said| said.contains("d is unknown")), "{said:?}");
        }
    }

    #[test]
    fn a_key_that_is_there_twice_hides_nothing() {
        let mut findings = Findings::new("f");
        drop(Table::parse_toml("a = 1\na = 2\nb = 3\n", &mut findings));
        findings.error(Position { line: 3, column: 1 }, "b is unknown");

        let said: Vec<String> = findings.into_sorted().iter().map(ToString::to_string).collect();

        assert_eq!(said, ["f:2:1 duplicate key `a`", "f:3:1 b is unknown"]);
    }
}
