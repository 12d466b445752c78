//! A case of an author's: an event, and what the plugin has to answer.
//!
//! TOML or JSON, one file each: `description`, `config` (files, relative to the case), `[event]` as in [`Event`], `[expect]`. What is
//! expected is a part of the answer: what is not named is not looked at. `meta` names keys, with the empty text for one that has
//! to be absent; `headers_added` and `headers_removed` are whole lists. An event of `configure` is about the files alone, and expects
//! `diagnostics`, each a part of a line, and all of them.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use tollgate_message::Timestamp;

use crate::{
    event::{self, Event},
    fields::Fields,
    matching,
};

/// A case.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name: that of its file.
    pub name: String,
    /// What it says.
    pub description: String,
    /// The files that the plugin is given, where the case says so.
    pub config: Option<Vec<PathBuf>>,
    /// What is put to the plugin.
    pub question: Question,
    expect: Map<String, Value>,
}

/// What a case is about.
#[derive(Clone, Debug)]
pub enum Question {
    /// The files alone.
    Configure,
    /// An event.
    Event(Box<Event>),
}

/// What may be expected of an answer.
const EXPECTED: [&str; 20] = [
    "verdict",
    "reply",
    "hold",
    "meta",
    "headers_added",
    "headers_removed",
    "schedule",
    "settings",
    "pass",
    "throttles",
    "diagnostics",
    "identity",
    "pool",
    "source",
    "path",
    "ttl_s",
    "delay_until",
    "queue",
    "taken",
    "failure",
];

impl Case {
    /// Reads a case; `now` stands where its event names no time.
    ///
    /// # Errors
    /// What is wrong with it, with the field at fault.
    pub fn parse(path: &Path, text: &str, now: Timestamp) -> Result<Self, String> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let object = event::object(&name, text)?;
        let fields = Fields(&object);
        fields.only(&["description", "config", "event", "expect"])?;
        let given = fields.object("event")?.ok_or("event: the case puts nothing to the plugin")?;
        let expect = fields.object("expect")?.filter(|expect| !expect.is_empty());
        let expect = expect.ok_or("expect: a case that expects nothing cannot fail")?.clone();
        Fields(&expect).only(&EXPECTED).map_err(|reason| format!("expect: {reason}"))?;
        if !expect.values().all(matching::is_sound) {
            return Err(
                "expect: it holds a matcher that is none; there are $contains, $regex, $approx and $any".to_owned()
            );
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        let config = object.contains_key("config").then(|| fields.texts("config")).transpose()?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        Ok(Self {
            description: fields.text("description")?.unwrap_or(&stem).to_owned(),
            name: stem.into_owned(),
            config: config.map(|files| files.iter().map(|file| folder.join(file)).collect()),
            question: question(given, now).map_err(|reason| format!("event: {reason}"))?,
            expect,
        })
    }

    /// Returns in what an answer is not what is expected.
    #[must_use]
    pub fn differences(&self, answer: &Value) -> Vec<String> {
        let mut expect = self.expect.clone();
        let (mut found, meta) = (Vec::new(), expect.remove("meta"));
        if let Some(Value::Object(meta)) = meta {
            let expected = meta.into_iter().map(|(key, value)| (key, if value == "" { Value::Null } else { value }));
            expect.insert("meta".to_owned(), expected.collect());
        }
        if let Some(Value::Array(lines)) = expect.remove("diagnostics") {
            found.extend(diagnostics(&lines, &answer["diagnostics"]));
        }
        found.extend(matching::differences(&Value::Object(expect), answer));
        if !found.is_empty() && answer.get("failure").is_some() && !self.expect.contains_key("failure") {
            found.push(format!("the plugin failed: {}", answer["failure"]));
        }
        found
    }
}

fn question(given: &Map<String, Value>, now: Timestamp) -> Result<Question, String> {
    if given.get("event").is_some_and(|event| event == "configure") {
        Fields(given).only(&["event"])?;
        return Ok(Question::Configure);
    }
    Ok(Question::Event(Box::new(Event::read(given, now)?)))
}

/// Returns the expected parts of lines that are in none, and the lines that nobody expected.
fn diagnostics(expected: &[Value], got: &Value) -> Vec<String> {
    let texts = |list: &[Value]| list.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>();
    let (expected, got) = (texts(expected), texts(got.as_array().map_or(&[], Vec::as_slice)));
    let missing = expected.iter().filter(|part| !got.iter().any(|line| line.contains(part.as_str())));
    let more = got.iter().filter(|line| !expected.iter().any(|part| line.contains(part.as_str())));
    let missing = missing.map(|part| format!("diagnostics: no line says \"{part}\""));
    missing.chain(more.map(|line| format!("diagnostics: nobody expected \"{line}\""))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const CASE: &str = r#"
        description = "the tenant is set"
        config = ["../tenants.toml"]
        [event]
        recipients = ["u@d.example"]
        headers = [["X-Tenant", "one"]]
        [expect]
        verdict = "accept"
        meta = { tenant = "one", other = "" }
    "#;

    fn case(text: &str) -> Result<Case, String> {
        Case::parse(Path::new("cases/a.toml"), text, Timestamp::from_millis(0))
    }

    #[test]
    fn what_is_not_named_is_not_looked_at() {
        let case = case(CASE).unwrap();

        let told = [
            case.differences(
                &json!({ "verdict": "accept", "meta": { "tenant": "one", "x": "y" }, "headers_added": ["A: b"] }),
            ),
            case.differences(&json!({ "verdict": "defer", "meta": { "tenant": "one", "other": "z" } })),
            case.differences(&json!({ "failure": "trap" })),
        ];

        let expected: [&[&str]; 3] = [
            &[],
            &["meta.other: expected null or absent, got \"z\"", "verdict: expected \"accept\", got \"defer\""],
            &[
                "meta: expected {\"other\":null,\"tenant\":\"one\"}, got nothing",
                "verdict: expected \"accept\", got nothing",
                "the plugin failed: \"trap\"",
            ],
        ];
        assert_eq!(
            told.each_ref().map(Vec::as_slice),
            expected
                .map(|lines| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>())
                .each_ref()
                .map(Vec::as_slice)
        );
        assert_eq!(case.config, Some(vec![PathBuf::from("cases/../tenants.toml")]));
    }

    #[test]
    fn diagnostics_are_all_expected_and_all_there() {
        let case = case("[event]\nevent = 'configure'\n[expect]\ndiagnostics = ['a.toml:1:1', 'gone']").unwrap();

        let told = case.differences(&json!({ "diagnostics": ["a.toml:1:1 error: x", "a.toml:2:1 note: y"] }));

        assert_eq!(told, ["diagnostics: no line says \"gone\"", "diagnostics: nobody expected \"a.toml:2:1 note: y\""]);
    }

    #[test]
    fn a_case_that_cannot_fail_or_is_misspelt_is_refused() {
        let told = [
            "[event]\nrecipients = ['a@b']",
            "[event]\nrecipients = ['a@b']\n[expect]",
            "[event]\nrecipients = ['a@b']\n[expect]\nverdit = 'accept'",
            "[event]\nrecipient = ['a@b']\n[expect]\nverdict = 'accept'",
            "[expect]\nverdict = 'accept'",
            "[event]\nrecipients = ['a@b']\n[expect]\nreply = { '$contain' = 'x' }",
            "[event]\nevent = 'mesage-received'\n[expect]\nverdict = 'accept'",
        ]
        .map(|text| case(text).unwrap_err());

        let expected = [
            "expect: a case that expects nothing cannot fail",
            "expect: a case that expects nothing cannot fail",
            "expect: `verdit` is no field here; did you mean `verdict`?",
            "event: `recipient` is no field here; did you mean `recipients`?",
            "event: the case puts nothing to the plugin",
            "expect: it holds a matcher that is none; there are $contains, $regex, $approx and $any",
            "event: event: 'mesage-received' is none; did you mean `message-received`?",
        ];
        assert_eq!(told, expected);
    }
}
