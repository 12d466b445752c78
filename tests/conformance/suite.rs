//! The cases as they lie in `cases/`, and what makes one worth having.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use serde::Deserialize;
use serde_json::{Value, json};
use tollgate_desk::matching;

/// A question to the program and the answer that it has to give.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) id: String,
    /// The fact that the case holds the program to, as one sentence.
    pub(crate) why: String,
    /// The decision by which the answer is not KumoMTA's, where it is not.
    pub(crate) differs: Option<String>,
    pub(crate) request: Value,
    pub(crate) expect: Value,
}

impl Case {
    /// Returns the request with the case's id.
    pub(crate) fn request(&self) -> Value {
        let mut request = self.request.clone();
        request["id"] = json!(self.id);
        request
    }
}

/// Returns the cases of a subject.
pub(crate) fn subject(name: &str) -> Vec<Case> {
    let path = folder().join(format!("{name}.json"));
    let text = fs::read(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// Returns the subjects for which there are files; everything else in the folder is listed too, so that it is noticed.
pub(crate) fn files() -> BTreeSet<String> {
    let names = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.map(|name| name.strip_suffix(".json").map_or(name.clone(), str::to_owned)).collect()
}

/// Returns what is wrong with cases, each with its id.
pub(crate) fn faults(cases: &[Case]) -> Vec<String> {
    let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
    for case in cases {
        *uses.entry(&case.id).or_default() += 1;
    }
    let twice = uses.iter().filter(|(_, uses)| **uses > 1).map(|(id, _)| format!("{id}: the id is there twice"));
    twice.chain(cases.iter().filter_map(|case| Some(format!("{}: {}", case.id, fault(case)?)))).collect()
}

fn fault(case: &Case) -> Option<&'static str> {
    let plain =
        |id: &str| !id.is_empty() && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let decision = |text: &str| text.strip_prefix('D').is_some_and(|n| n.parse::<u8>().is_ok_and(|n| n > 0));
    let expects = case.expect.as_object().is_some_and(|fields| fields.len() > 1 && fields["ok"].is_boolean());
    let checks = [
        (plain(&case.id), "an id is lower-case letters, digits and dashes"),
        (case.why.ends_with('.') && case.why.len() > 10, "why is a sentence"),
        (case.differs.as_deref().is_none_or(decision), "differs is null or the number of a decision"),
        (case.request.is_object() && case.request.get("id").is_none(), "a request is an object without an id"),
        (expects, "expect has ok and something besides"),
        (matching::is_sound(&case.expect), "expect holds a matcher that is none"),
        (!passes_empty(case), "an answer that says nothing but ok would pass"),
    ];
    checks.into_iter().find(|(holds, _)| !holds).map(|(_, fault)| fault)
}

/// Returns whether a program that never does anything would pass.
fn passes_empty(case: &Case) -> bool {
    let bare = json!({"id": case.id, "ok": case.expect["ok"]});
    matching::differences(&case.expect, &bare).is_empty()
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/conformance/cases"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_that_cannot_fail_is_a_fault() {
        let case = |id: &str, why: &str, differs: Option<&str>, expect: Value| Case {
            id: id.to_owned(),
            why: why.to_owned(),
            differs: differs.map(str::to_owned),
            request: json!({}),
            expect,
        };
        let good = || json!({"ok": true, "due": "2030-01-01T00:00:00Z"});
        let why = "It is so by rule.";
        let cases = [
            case("good", why, Some("D8"), good()),
            case("twice", why, None, good()),
            case("twice", why, None, good()),
            case("With Blanks", why, None, good()),
            case("no-reason", "", None, good()),
            case("no-decision", why, Some("8"), good()),
            case("nothing", why, None, json!({})),
            case("ok-alone", why, None, json!({"ok": true})),
            case("nulls-alone", why, None, json!({"ok": true, "due": null, "config": null})),
            case("misspelt", why, None, json!({"ok": true, "due": {"$contain": "2030"}})),
            case("mixed", why, None, json!({"ok": true, "due": {"$any": true, "name": "x"}})),
            case("no-pattern", why, None, json!({"ok": true, "due": {"$regex": "("}})),
        ];

        let told = faults(&cases);

        assert_eq!(
            told,
            [
                "twice: the id is there twice",
                "With Blanks: an id is lower-case letters, digits and dashes",
                "no-reason: why is a sentence",
                "no-decision: differs is null or the number of a decision",
                "nothing: expect has ok and something besides",
                "ok-alone: expect has ok and something besides",
                "nulls-alone: an answer that says nothing but ok would pass",
                "misspelt: expect holds a matcher that is none",
                "mixed: expect holds a matcher that is none",
                "no-pattern: expect holds a matcher that is none",
            ]
        );
    }
}
