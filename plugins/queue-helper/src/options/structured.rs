//! Options whose value is a structure: what is wrong inside is told at its own place.

use std::fmt::Display;

use tollgate_config::{Entry, Findings, Node, Position, Table, Value, duration, nearest};

use super::{one_of, text};

/// Longest value as JSON, in octets: the host takes no longer one.
const LONGEST: usize = 64 * 1024;

const SHRINK_POLICIES: [&str; 3] = ["ShrinkDataAndMeta", "ShrinkData", "NoShrink"];

/// The inside of one option while it is read.
pub(super) struct Inside<'a> {
    pub(super) option: &'static str,
    pub(super) findings: &'a mut Findings,
    fine: bool,
}

impl<'a> Inside<'a> {
    pub(super) fn new(option: &'static str, findings: &'a mut Findings) -> Self {
        Self { option, findings, fine: true }
    }

    /// Reads a list of `{interval, policy}`; returns it as JSON if all of it is right.
    pub(super) fn shrink_policy(mut self, entry: &Entry) -> Option<String> {
        match &entry.node.value {
            Value::Array(items) => items.iter().for_each(|item| self.shrink_rule(item)),
            other => self.refuse(entry.at, format!("expected a list of {{interval, policy}}, got {}", other.kind())),
        }
        self.json(entry)
    }

    fn shrink_rule(&mut self, item: &Node) {
        let Value::Table(rule) = &item.value else {
            return self.refuse(item.at, format!("expected {{interval, policy}}, got {}", item.value.kind()));
        };
        for entry in &rule.entries {
            let read = match entry.key.as_str() {
                "interval" => duration::from_value(&entry.node.value).map(drop),
                "policy" => one_of(&entry.node.value, &SHRINK_POLICIES).map(drop),
                other => Err(format!("`{other}` is neither interval nor policy")),
            };
            self.check(entry.at, read);
        }
        for needed in ["interval", "policy"].into_iter().filter(|needed| rule.get(needed).is_none()) {
            self.refuse(item.at, format!("`{needed}` is missing; an entry is {{interval, policy}}"));
        }
    }

    /// Returns the value as JSON, unless something in it was wrong.
    pub(super) fn json(mut self, entry: &Entry) -> Option<String> {
        if !self.fine {
            return None;
        }
        let json = entry.node.value.to_json().to_string();
        if json.len() > LONGEST {
            self.refuse(entry.at, format!("as JSON this is {} octets long, and {LONGEST} is the limit", json.len()));
        }
        self.fine.then_some(json)
    }

    /// Says that a key means nothing here, and which one was probably meant.
    pub(super) fn unknown(&mut self, entry: &Entry, known: &[&str], what: &str) {
        let hint = nearest(&entry.key, known.iter().copied());
        let hint = hint.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        self.refuse(entry.at, format!("`{}` is no {what}; there are {}{hint}", entry.key, known.join(", ")));
    }

    pub(super) fn table<'t>(&mut self, entry: &'t Entry, expected: &str) -> Option<&'t Table> {
        match &entry.node.value {
            Value::Table(table) => Some(table),
            other => {
                self.refuse(entry.at, format!("expected {expected}, got {}", other.kind()));
                None
            }
        }
    }

    /// Reads a text that is not blank.
    pub(super) fn text<'t>(&mut self, entry: &'t Entry, expected: &str) -> Option<&'t str> {
        let read = text(&entry.node.value, expected).and_then(|text| match text.trim() {
            "" => Err(format!("expected {expected}, got an empty text")),
            text => Ok(text),
        });
        read.map_err(|reason| self.refuse(entry.at, format!("{}: {reason}", entry.key))).ok()
    }

    pub(super) fn check(&mut self, at: Position, read: Result<(), impl Display>) {
        if let Err(reason) = read {
            self.refuse(at, reason);
        }
    }

    pub(super) fn refuse(&mut self, at: Position, reason: impl Display) {
        self.fine = false;
        self.findings.error(at, format!("{}: {reason}", self.option));
    }

    pub(super) fn is_fine(&self) -> bool {
        self.fine
    }
}
