//! The fields of a JSON object, read with their types; what is wrong names the field.

use std::str::FromStr;

use serde_json::{Map, Value};
use tollgate_message::{Meta, Timestamp};

/// A JSON object whose fields are asked for by name. Absent and null are the same.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a>(pub &'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// Reads a text.
    ///
    /// # Errors
    /// Where it is something else, with its name.
    pub fn text(&self, name: &str) -> Result<Option<&'a str>, String> {
        self.get(name).map(|value| text(name, value)).transpose()
    }

    /// Reads a truth value.
    ///
    /// # Errors
    /// Where it is something else, with its name.
    pub fn flag(&self, name: &str, default: bool) -> Result<bool, String> {
        match self.get(name) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(expected(name, "true or false", other)),
        }
    }

    /// Reads a list of texts.
    ///
    /// # Errors
    /// Where it is something else, with its name.
    pub fn texts(&self, name: &str) -> Result<Vec<String>, String> {
        self.list(name)?.iter().map(|item| text(name, item).map(str::to_owned)).collect()
    }

    /// Reads a list of pairs of texts.
    ///
    /// # Errors
    /// Where it is something else, with its name.
    pub fn pairs(&self, name: &str) -> Result<Vec<(String, String)>, String> {
        let pair = |item: &Value| match item.as_array().map(Vec::as_slice) {
            Some([Value::String(first), Value::String(second)]) => Ok((first.clone(), second.clone())),
            _ => Err(expected(name, "pairs of texts", item)),
        };
        self.list(name)?.iter().map(pair).collect()
    }

    /// Reads metadata: texts by name, null for one that is not set.
    ///
    /// # Errors
    /// Where it is something else, with its name.
    pub fn meta(&self, name: &str) -> Result<Meta, String> {
        let table = match self.get(name) {
            None => return Ok(Meta::new()),
            Some(Value::Object(table)) => table,
            Some(other) => return Err(expected(name, "an object", other)),
        };
        let set = table.iter().filter(|(_, value)| !value.is_null());
        set.map(|(key, value)| Ok((key.clone(), text(&format!("{name}.{key}"), value)?.to_owned()))).collect()
    }

    /// Reads a whole number.
    ///
    /// # Errors
    /// Where it is something else, with its name.
    pub fn number(&self, name: &str) -> Result<Option<u64>, String> {
        let number = |value: &Value| value.as_u64().ok_or_else(|| expected(name, "a whole number", value));
        self.get(name).map(number).transpose()
    }

    /// Reads a time (RFC 3339).
    ///
    /// # Errors
    /// Where it is something else, with its name.
    pub fn time(&self, name: &str) -> Result<Option<Timestamp>, String> {
        let parse =
            |text| Timestamp::parse_rfc3339(text).ok_or_else(|| format!("{name}: '{text}' is not an RFC 3339 time"));
        self.text(name)?.map(parse).transpose()
    }

    /// Reads a text that has a form; `what` says which.
    ///
    /// # Errors
    /// Where it is something else, with its name.
    pub fn parsed<T: FromStr>(&self, name: &str, what: &str) -> Result<Option<T>, String> {
        let parse = |text: &str| text.parse().map_err(|_| format!("{name}: '{text}' is not {what}"));
        self.text(name)?.map(parse).transpose()
    }

    /// Reads anything, as JSON text.
    #[must_use]
    pub fn json(&self, name: &str) -> Option<String> {
        self.get(name).map(Value::to_string)
    }

    /// Reads an object.
    ///
    /// # Errors
    /// Where it is something else, with its name.
    pub fn object(&self, name: &str) -> Result<Option<&'a Map<String, Value>>, String> {
        self.get(name).map(|value| value.as_object().ok_or_else(|| expected(name, "an object", value))).transpose()
    }

    /// Sees to it that there are no fields but these.
    ///
    /// # Errors
    /// The first that is none of them, with the one that may be meant.
    pub fn only(&self, known: &[&str]) -> Result<(), String> {
        let Some(name) = self.0.keys().find(|name| !known.contains(&name.as_str())) else { return Ok(()) };
        let meant = tollgate_config::likeliest(name, known.iter().copied());
        let meant =
            meant.map_or_else(|| format!("there are {}", known.join(", ")), |near| format!("did you mean `{near}`?"));
        Err(format!("`{name}` is no field here; {meant}"))
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
