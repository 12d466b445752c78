//! `tollgate plugin inspect`, `check` and `run`: a component on its author's desk.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tollgate_testkit::guest::{HELLO, KEEPER, QUEUE_HELPER, ROGUE};

/// A folder with components, some files, and what is none.
fn desk() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [
        ("hello.wasm", HELLO),
        ("keeper.wasm", KEEPER),
        ("rogue.wasm", ROGUE),
        ("helper.wasm", QUEUE_HELPER),
        ("junk.wasm", b"no component"),
        ("half.wasm", &HELLO[..HELLO.len() / 2]),
        ("bad.toml", b"[queue.default]\nmax_aeg = '1h'\n"),
    ] {
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

/// Runs `tollgate plugin`, with something on its standard input; returns the exit code and what was printed.
fn plugin(folder: &Path, arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    let cache = concat!(env!("CARGO_TARGET_TMPDIR"), "/cache");
    command.arg("plugin").args(arguments).current_dir(folder).env("XDG_CACHE_HOME", cache).env_remove("TOLLGATE_LOG");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // One that fails before it reads closes its end.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let text = |octets| String::from_utf8(octets).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn json_of(folder: &Path, arguments: &[&str], input: &str) -> (Option<i32>, Value) {
    let (code, out, err) = plugin(folder, &[arguments, &["--json"]].concat(), input);
    (code, serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}")))
}

#[test]
fn inspect_tells_events_and_imports_and_what_has_to_be_granted() {
    let desk = desk();

    let (code, told) = json_of(desk.path(), &["inspect", "keeper.wasm"], "");

    let granted: Vec<_> =
        told["imports"].as_array().unwrap().iter().filter(|import| !import["grant"].is_null()).collect();
    let counters = json!({ "name": "tollgate:policy/counters@0.1.0", "offered": true, "grant": "counters" });
    assert_eq!((code, &told["ok"], &told["size"]), (Some(0), &json!(true), &json!(KEEPER.len())));
    assert_eq!((granted, &told["events"]), (vec![&counters], &json!(["configure", "message-received", "egress"])));
}

#[test]
fn what_is_no_component_is_told_and_nothing_else_happens() {
    let desk = desk();

    let told = ["junk.wasm", "half.wasm", "absent.wasm"].map(|name| plugin(desk.path(), &["inspect", name], ""));

    let codes = told.each_ref().map(|(code, ..)| *code);
    assert_eq!(codes, [Some(1), Some(1), Some(2)]);
    assert_eq!(told[0].2, "tollgate: junk.wasm: not a WebAssembly file\n");
    assert!(told[1].2.starts_with("tollgate: half.wasm: not a valid component: "), "{}", told[1].2);
}

#[test]
fn check_says_what_a_host_would_say_of_a_component_and_its_files() {
    let desk = desk();

    let told = [
        plugin(desk.path(), &["check", "hello.wasm"], ""),
        plugin(desk.path(), &["check", "keeper.wasm"], ""),
        plugin(desk.path(), &["check", "keeper.wasm", "--grant", "counters"], ""),
        plugin(desk.path(), &["check", "helper.wasm", "--config", "bad.toml", "--color", "never"], ""),
    ];

    let lines = told.each_ref().map(|(code, out, _)| (*code, out.lines().next().unwrap_or_default().to_owned()));
    let expected = [
        (Some(0), "hello.wasm is fine: it handles message-received"),
        (Some(1), "keeper.wasm error: plugin 'keeper': keeper.wasm: the component wants what was not granted:"),
        (Some(0), "keeper.wasm is fine: it handles message-received, egress"),
        (Some(1), "bad.toml:2:1 error: `max_aeg` is not an option of a queue; did you mean `max_age`?"),
    ];
    assert_eq!(lines, expected.map(|(code, line)| (code, line.to_owned())));
}

#[test]
fn run_shows_the_verdict_the_edits_and_what_they_cost() {
    let desk = desk();
    let event = r#"{"sender": "a@x.example", "recipients": ["b@y.example"], "headers": [["Subject", "hi"]]}"#;

    let (code, told) = json_of(desk.path(), &["run", "hello.wasm", "--event", "-"], event);

    let cost = ["microseconds", "memory_bytes", "host_calls"].map(|key| told[key].as_u64().unwrap() > 0);
    assert_eq!((code, &told["verdict"], cost), (Some(0), &json!("accept"), [true; 3]));
    assert_eq!(told["header"], json!({ "removed": [], "added": ["X-Hello: to 1 recipient(s)"] }));
}

#[test]
fn run_tells_a_trap_with_its_place_and_a_bad_event_with_its_field() {
    let desk = desk();
    let event = |wish: &str| format!(r#"{{"recipients": ["b@y.example"], "headers": [["X-Do", "{wish}"]]}}"#);

    let (trapped, told) = json_of(desk.path(), &["run", "rogue.wasm", "--event", "-"], &event("panic"));
    let (bad, _, said) = plugin(desk.path(), &["run", "rogue.wasm", "--event", "-"], r#"{"sender": 5}"#);

    let detail = told["failure"]["detail"].as_str().unwrap();
    assert_eq!((trapped, bad, &told["failure"]["kind"]), (Some(1), Some(2), &json!("trap")));
    assert!(detail.contains("told to panic file=tests/guests/rogue/src/lib.rs line="), "{detail}");
    assert_eq!(said, "tollgate: -: sender: expected text, got 5\n");
}
