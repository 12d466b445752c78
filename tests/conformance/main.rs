//! What the program answers, case by case: `cases/` holds questions and answers, this holds the program to them.
//!
//! In: a file of cases for each subject. Each file is put to one run of `tollgate explain --batch`, and every response is
//! matched against what its case expects; what differs is printed with the reason that the case gives. The suite is held
//! to rules of its own, since a case that expects nothing, or a matcher that takes anything, proves nothing. `README.md`
//! says what a case looks like and how to put the cases to another program or another plugin.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod program;
mod suite;

use std::{collections::BTreeSet, fmt::Write as _};

use serde_json::{Value, json};
use tollgate_desk::matching;

use crate::suite::{Case, subject};

/// A test for each subject, and the list of them.
macro_rules! subjects {
    ($($name:ident),* $(,)?) => {
        const SUBJECTS: &[&str] = &[$(stringify!($name)),*];
        $(
            #[test]
            fn $name() {
                hold(stringify!($name));
            }
        )*
    };
}

subjects! {
    backoff, campaigns, domains, durations, errors, headers, json, levels, merging, names, options, rates, recipients,
    relaying, requests, routing, schedules, tenants, throttles, warnings, windows,
}

/// Puts the cases of a subject to the program, and fails with all that differ.
fn hold(name: &str) {
    let cases = subject(name);
    let responses = program::ask(cases.iter().map(Case::request));

    let failed = differing(&cases, &responses);

    assert!(failed.is_empty(), "{} of {} cases of {name} do not hold:\n{}", failed.len(), cases.len(), failed.concat());
}

/// Returns a paragraph for each case whose response is not what it expects.
fn differing(cases: &[Case], responses: &[Value]) -> Vec<String> {
    let nothing = Value::Null;
    let responses = responses.iter().chain(std::iter::repeat(&nothing));
    cases.iter().zip(responses).filter_map(|(case, response)| paragraph(case, response)).collect()
}

fn paragraph(case: &Case, response: &Value) -> Option<String> {
    let mut differences = matching::differences(&case.expect, response);
    if response["id"] != *case.id {
        differences.insert(0, format!("id: expected {:?}, got {}", case.id, response["id"]));
    }
    if differences.is_empty() {
        return None;
    }
    if case.expect.get("errors").is_none() && response["errors"].is_array() {
        differences.push(format!("the response has errors: {}", response["errors"]));
    }
    let decision = case.differs.as_deref().map(|decision| format!(" [{decision}]")).unwrap_or_default();
    let mut text = format!("\n{}: {}{decision}\n", case.id, case.why);
    for difference in differences {
        writeln!(text, "    {difference}").unwrap();
    }
    Some(text)
}

#[test]
fn every_file_of_cases_has_its_test() {
    let listed: BTreeSet<String> = SUBJECTS.iter().map(|name| (*name).to_owned()).collect();

    assert_eq!(suite::files(), listed);
}

#[test]
fn every_case_can_fail_and_says_why_it_is_there() {
    let cases: Vec<Case> = SUBJECTS.iter().flat_map(|name| subject(name)).collect();

    assert_eq!(suite::faults(&cases), [""; 0]);
}

#[test]
fn a_wrong_response_is_told_with_the_case_what_was_expected_what_came_and_why() {
    let case = |id: &str, expect: Value, differs: Option<&str>| Case {
        id: id.to_owned(),
        why: "Because.".to_owned(),
        differs: differs.map(str::to_owned),
        request: json!({}),
        expect,
    };
    let cases = [
        case("right", json!({"ok": true}), None),
        case("wrong", json!({"ok": true, "due": null}), Some("D8")),
        case("of-another", json!({"ok": true}), None),
        case("broken", json!({"ok": true}), None),
        case("missing", json!({"ok": true}), None),
    ];
    let responses = [
        json!({"id": "right", "ok": true}),
        json!({"id": "wrong", "ok": true, "due": "2030-01-01T00:00:00Z"}),
        json!({"id": "right", "ok": true}),
        json!({"id": "broken", "ok": false, "errors": [{"line": 1}]}),
    ];

    let told = differing(&cases, &responses);

    let expected = [
        "\nwrong: Because. [D8]\n    due: expected null or absent, got \"2030-01-01T00:00:00Z\"\n",
        "\nof-another: Because.\n    id: expected \"of-another\", got \"right\"\n",
        "\nbroken: Because.\n    ok: expected true, got false\n    the response has errors: [{\"line\":1}]\n",
        "\nmissing: Because.\n    id: expected \"missing\", got null\n    expected {\"ok\":true}, got null\n",
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_line_that_is_no_request_is_answered_in_its_place() {
    let deep = "[".repeat(100_000);
    let long = json!({"id": "long", "op": "parse-queue-name", "name": "x".repeat(1 << 20)}).to_string();
    let lines: [&[u8]; 10] = [
        b"nonsense",
        b"[]",
        b"\"text\"",
        b"",
        b"{\"id\": \"no op\", \"op\": \"\"}",
        b"{\"id\": \"\xff\"}",
        deep.as_bytes(),
        b"{\"id\": \"fine\", \"op\": \"parse-queue-name\", \"name\": \"a@b\"}",
        long.as_bytes(),
        b"{\"id\": \"last, without a line end\", \"op\": \"parse-queue-name\", \"name\": \"a@b\"}",
    ];

    let responses = program::ask_lines(&lines.join(&b'\n'));

    let seen: Vec<(&Value, &Value)> = responses.iter().map(|response| (&response["id"], &response["ok"])).collect();
    let (none, id) = (json!(null), |id: &str| json!(id));
    let (yes, no) = (json!(true), json!(false));
    let (no_op, fine, long, last) = (id("no op"), id("fine"), id("long"), id("last, without a line end"));
    let in_place = [
        (&none, &no),
        (&none, &no),
        (&none, &no),
        (&no_op, &no),
        (&none, &no),
        (&none, &no),
        (&fine, &yes),
        (&long, &yes),
        (&last, &yes),
    ];
    assert_eq!(seen, in_place);
}
