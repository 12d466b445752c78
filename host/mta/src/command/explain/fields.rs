//! The fields of a request, read with their types; what is wrong names the field.

use serde_json::{Map, Value};
use tollgate_message::Meta;

/// A JSON object whose fields are asked for by name. Absent and null are the same.
pub(super) struct Fields<'a>(pub(super) &'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// Reads a text.
    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, String> {
        self.get(name).map(|value| text(name, value)).transpose()
    }

    /// Reads a truth value.
    pub(super) fn flag(&self, name: &str, default: bool) -> Result<bool, String> {
        match self.get(name) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(expected(name, "true or false", other)),
        }
    }

    /// Reads a list of texts.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, String> {
        self.list(name)?.iter().map(|item| text(name, item).map(str::to_owned)).collect()
    }

    /// Reads a list of pairs of texts.
    pub(super) fn pairs(&self, name: &str) -> Result<Vec<(String, String)>, String> {
        let pair = |item: &Value| match item.as_array().map(Vec::as_slice) {
            Some([Value::String(first), Value::String(second)]) => Ok((first.clone(), second.clone())),
            _ => Err(expected(name, "pairs of texts", item)),
        };
        self.list(name)?.iter().map(pair).collect()
    }

    /// Reads metadata: texts by name, null for one that is not set.
    pub(super) fn meta(&self, name: &str) -> Result<Meta, String> {
        let table = match self.get(name) {
            None => return Ok(Meta::new()),
            Some(Value::Object(table)) => table,
            Some(other) => return Err(expected(name, "an object", other)),
        };
        let set = table.iter().filter(|(_, value)| !value.is_null());
        set.map(|(key, value)| Ok((key.clone(), text(&format!("{name}.{key}"), value)?.to_owned()))).collect()
    }

    fn list(&self, name: &str) -> Result<&'a [Value], String> {
        match self.get(name) {
            None => Ok(&[]),
            Some(Value::Array(items)) => Ok(items),
            Some(other) => Err(expected(name, "a list", other)),
        }
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }
}

fn text<'a>(name: &str, value: &'a Value) -> Result<&'a str, String> {
    value.as_str().ok_or_else(|| expected(name, "text", value))
}

fn expected(name: &str, what: &str, found: &Value) -> String {
    format!("{name}: expected {what}, got {found}")
}
