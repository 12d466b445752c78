//! JSON with positions: the same tree that TOML gives.
//!
//! The parser hands out each value as a slice of the text, so where a value starts is where its slice does.

use std::{borrow::Cow, collections::HashSet, fmt};

use serde_json::value::RawValue;

use crate::{Entry, Findings, Node, Position, Table, Value, lines::Lines};

/// How deep objects and lists may nest. Options need four levels and some more.
const DEPTH: usize = 32;

pub(crate) fn parse(text: &str, findings: &mut Findings) -> Table {
    let reader = Reader { text, lines: Lines::new(text) };
    let parsed = serde_json::from_str::<&RawValue>(text).map_err(|error| {
        // The parser counts octets, and ends its text with where it is.
        let at = reader.lines.position(reader.lines.start(error.line()) + error.column().saturating_sub(1));
        let message = error.to_string();
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
        findings.error(at, format!("not JSON: {message}"));
    });
    match parsed.map(|raw| reader.node(raw, DEPTH, findings)) {
        Ok(Node { value: Value::Table(table), .. }) => table,
        Ok(node) => {
            findings.error(node.at, format!("expected an object, got {}", node.value.kind()));
            Table::default()
        }
        Err(()) => Table::default(),
    }
}

struct Reader<'a> {
    text: &'a str,
    lines: Lines<'a>,
}

impl<'a> Reader<'a> {
    fn node(&self, raw: &'a RawValue, depth: usize, findings: &mut Findings) -> Node {
        let at = self.position(raw.get());
        let value = match raw.get().as_bytes().first() {
            Some(b'{' | b'[') if depth == 0 => {
                findings.error(at, "nested too deep");
                Value::Boolean(false)
            }
            Some(b'{') => self.table(raw, depth - 1, findings),
            Some(b'[') => self.array(raw, depth - 1, findings),
            _ => scalar(raw.get()),
        };
        Node { value, at }
    }

    fn table(&self, raw: &'a RawValue, depth: usize, findings: &mut Findings) -> Value {
        let pairs: Pairs<'a> = serde_json::from_str(raw.get()).unwrap_or_default();
        let mut table = Table::default();
        let mut keys = HashSet::with_capacity(pairs.0.len());
        for (key, raw) in pairs.0 {
            let node = self.node(raw, depth, findings);
            let at = match &key {
                // The quote before it belongs to the key.
                Cow::Borrowed(key) => Position { column: self.position(key).column - 1, ..self.position(key) },
                Cow::Owned(_) => node.at,
            };
            // In KumoMTA's own reader a null is a key that is not there.
            if raw.get() == "null" {
                continue;
            }
            if !keys.insert(key.clone()) {
                findings.error(at, format!("duplicate key `{key}`"));
            } else {
                table.entries.push(Entry { key: key.into_owned(), at, node });
            }
        }
        Value::Table(table)
    }

    fn array(&self, raw: &'a RawValue, depth: usize, findings: &mut Findings) -> Value {
        let items: Vec<&'a RawValue> = serde_json::from_str(raw.get()).unwrap_or_default();
        Value::Array(items.into_iter().map(|item| self.node(item, depth, findings)).collect())
    }

    /// Returns where a slice of the text starts.
    fn position(&self, part: &str) -> Position {
        self.lines.position((part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize))
    }
}

fn scalar(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(serde_json::Value::String(text)) => Value::String(text),
        Ok(serde_json::Value::Bool(value)) => Value::Boolean(value),
        Ok(serde_json::Value::Number(number)) => {
            number.as_i64().map_or_else(|| Value::Float(number.as_f64().unwrap_or(f64::NAN)), Value::Integer)
        }
        _ => Value::Null,
    }
}

/// The members of an object in their order, repetitions included.
#[derive(Default)]
struct Pairs<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> serde::Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> serde::de::Visitor<'de> for PairsVisitor {
    type Value = Pairs<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Pairs::default();
        while let Some((Key(key), value)) = map.next_entry()? {
            pairs.0.push((key, value));
        }
        Ok(pairs)
    }
}

/// A key, borrowed from the text where it holds no escape.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_know_where_they_are_and_repetitions_are_errors() {
        let mut findings = Findings::new("f");

        let table = parse("{\n  \"a\": {\n    \"b\": 1 },\n  \"a\": 2\n}\n", &mut findings);

        let Value::Table(a) = &table.entries[0].node.value else { panic!("a table") };
        let told: Vec<String> = findings.into_sorted().iter().map(ToString::to_string).collect();
        let at = |line, column| Position { line, column };
        assert_eq!((a.entries[0].at, a.entries[0].node.at), (at(3, 5), at(3, 10)));
        assert_eq!(told, ["f:4:3 duplicate key `a`"]);
    }

    #[test]
    fn what_is_not_json_says_where() {
        let mut findings = Findings::new("f");

        parse("{\"a\": {\"b\": 1}\n", &mut findings);

        assert_eq!(findings.into_sorted()[0].at.map(|at| at.line), Some(2));
    }
}
