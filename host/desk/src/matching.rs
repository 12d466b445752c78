//! Whether a response is what a case expects.
//!
//! What is expected is a part of the response: an object names the fields that matter, a list has to have its length, and
//! `null` is a field that is null or absent. Everything else is equal or it differs, but for the matchers: objects whose
//! keys start with `$`.

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::{Map, Value};

/// Returns a line for each place in which a response differs from what is expected.
pub fn differences(expected: &Value, got: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(expected, Some(got), "", &mut found);
    found
}

/// Returns whether every matcher in an expectation is one, with a value of its type.
pub fn is_sound(expected: &Value) -> bool {
    match expected {
        Value::Object(fields) if fields.keys().any(|key| key.starts_with('$')) => Matcher::read(fields).is_some(),
        Value::Object(fields) => fields.values().all(is_sound),
        Value::Array(items) => items.iter().all(is_sound),
        _ => true,
    }
}

/// Returns each place in which two values are not the same, with what each has there; null for nothing.
pub fn apart(one: &Value, other: &Value) -> Vec<(String, Value, Value)> {
    let mut found = Vec::new();
    walk(one, other, "", &mut found);
    found
}

fn walk(one: &Value, other: &Value, path: &str, found: &mut Vec<(String, Value, Value)>) {
    match (one, other) {
        (Value::Object(ones), Value::Object(others)) => {
            let keys: BTreeSet<&String> = ones.keys().chain(others.keys()).collect();
            for key in keys {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                walk(ones.get(key).unwrap_or(&Value::Null), others.get(key).unwrap_or(&Value::Null), &path, found);
            }
        }
        (one, other) if one == other => {}
        (one, other) => found.push((path.to_owned(), one.clone(), other.clone())),
    }
}

fn compare(expected: &Value, got: Option<&Value>, path: &str, found: &mut Vec<String>) {
    match (expected, got) {
        (Value::Null, None | Some(Value::Null)) => {}
        (Value::Null, _) => found.push(differs(path, "null or absent", got)),
        (Value::Object(fields), _) if fields.keys().any(|key| key.starts_with('$')) => {
            let matcher = Matcher::read(fields);
            if !matcher.as_ref().is_some_and(|matcher| matcher.takes(got)) {
                found.push(differs(path, &expected.to_string(), got));
            }
        }
        (Value::Object(fields), Some(Value::Object(got))) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                compare(value, got.get(name), &path, found);
            }
        }
        (Value::Array(items), Some(Value::Array(got))) if items.len() == got.len() => {
            for (n, (item, got)) in items.iter().zip(got).enumerate() {
                compare(item, Some(got), &format!("{path}[{n}]"), found);
            }
        }
        // 1 and 1.0 are one number.
        (Value::Number(number), Some(Value::Number(got))) if number.as_f64() == got.as_f64() => {}
        (expected, Some(got)) if expected == got => {}
        _ => found.push(differs(path, &expected.to_string(), got)),
    }
}

fn differs(path: &str, expected: &str, got: Option<&Value>) -> String {
    let got = got.map_or_else(|| "nothing".to_owned(), Value::to_string);
    let place = if path.is_empty() { String::new() } else { format!("{path}: ") };
    format!("{place}expected {expected}, got {got}")
}

/// An object that stands for many values.
enum Matcher<'a> {
    /// Text with this in it, in any case.
    Contains(&'a str),
    /// Text in which this is found.
    Regex(Regex),
    /// A number that is not further from this one than the other.
    Approx(f64, f64),
    /// Anything that is there.
    Any,
}

impl<'a> Matcher<'a> {
    /// Reads a matcher; `None` where it is misspelt, or mixed with something else.
    fn read(fields: &'a Map<String, Value>) -> Option<Self> {
        let keys: Vec<&str> = fields.keys().map(String::as_str).collect();
        match keys[..] {
            ["$contains"] => fields["$contains"].as_str().filter(|text| !text.is_empty()).map(Self::Contains),
            ["$regex"] => Regex::new(fields["$regex"].as_str()?).ok().map(Self::Regex),
            ["$approx"] => Some(Self::Approx(fields["$approx"].as_f64()?, 0.0)),
            ["$approx", "$tolerance"] => {
                Some(Self::Approx(fields["$approx"].as_f64()?, fields["$tolerance"].as_f64()?))
            }
            ["$any"] => (fields["$any"] == true).then_some(Self::Any),
            _ => None,
        }
    }

    fn takes(&self, got: Option<&Value>) -> bool {
        match (self, got) {
            (Self::Contains(part), Some(Value::String(text))) => text.to_lowercase().contains(&part.to_lowercase()),
            (Self::Regex(pattern), Some(Value::String(text))) => pattern.is_match(text),
            (Self::Approx(number, tolerance), Some(Value::Number(got))) => {
                got.as_f64().is_some_and(|got| (got - number).abs() <= *tolerance)
            }
            (Self::Any, Some(value)) => !value.is_null(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_expected_is_found() {
        let got = json!({
            "text": "Some Text", "number": 1.5, "one": 1, "list": [{"a": 1, "b": 2}, null], "null": null, "flag": true, "more": 7,
        });
        for expected in [
            json!({}),
            json!({"text": "Some Text", "flag": true, "null": null, "absent": null}),
            json!({"one": 1.0, "number": {"$approx": 1.4, "$tolerance": 0.11}}),
            json!({"list": [{"b": 2}, null]}),
            json!({"text": {"$contains": "some t"}, "list": {"$any": true}}),
            json!({"text": {"$regex": "^S.*t$"}, "one": {"$approx": 1}}),
        ] {
            assert_eq!(differences(&expected, &got), [""; 0], "{expected}");
        }
    }

    #[test]
    fn what_is_not_expected_is_seen() {
        let got = json!({"text": "Some Text", "number": 1.5, "list": [1, 2], "null": null, "object": {"a": {"b": 1}}});
        for (expected, told) in [
            (json!({"text": "some text"}), "text: expected \"some text\", got \"Some Text\""),
            (json!({"text": null}), "text: expected null or absent, got \"Some Text\""),
            (json!({"text": 5}), "text: expected 5, got \"Some Text\""),
            (json!({"number": 1}), "number: expected 1, got 1.5"),
            (json!({"number": "1.5"}), "number: expected \"1.5\", got 1.5"),
            (json!({"absent": "x"}), "absent: expected \"x\", got nothing"),
            (json!({"null": false}), "null: expected false, got null"),
            (json!({"list": [1]}), "list: expected [1], got [1,2]"),
            (json!({"list": []}), "list: expected [], got [1,2]"),
            (json!({"list": [2, 2]}), "list[0]: expected 2, got 1"),
            (json!({"list": {"0": 1}}), "list: expected {\"0\":1}, got [1,2]"),
            (json!({"object": {"a": {"b": 2}}}), "object.a.b: expected 2, got 1"),
            (json!({"object": {"a": {}, "c": {}}}), "object.c: expected {}, got nothing"),
            (json!({"text": {"$contains": "other"}}), "text: expected {\"$contains\":\"other\"}, got \"Some Text\""),
            (json!({"number": {"$contains": "1"}}), "number: expected {\"$contains\":\"1\"}, got 1.5"),
            (json!({"text": {"$regex": "^some"}}), "text: expected {\"$regex\":\"^some\"}, got \"Some Text\""),
            (json!({"text": {"$regex": "("}}), "text: expected {\"$regex\":\"(\"}, got \"Some Text\""),
            (json!({"number": {"$approx": 1.4}}), "number: expected {\"$approx\":1.4}, got 1.5"),
            (json!({"text": {"$approx": 1}}), "text: expected {\"$approx\":1}, got \"Some Text\""),
            (json!({"absent": {"$any": true}}), "absent: expected {\"$any\":true}, got nothing"),
            (json!({"null": {"$any": true}}), "null: expected {\"$any\":true}, got null"),
            (json!({"text": {"$other": 1}}), "text: expected {\"$other\":1}, got \"Some Text\""),
        ] {
            assert_eq!(differences(&expected, &got), [told], "{expected}");
        }
    }
}
