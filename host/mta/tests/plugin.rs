//! `tollgate plugin` on an author's desk: `inspect`, `check`, `run`, `test`, `bench`, `replay`.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tollgate_testkit::guest::{FAULTY, GATEKEEPER, HELLO, KEEPER, QUEUE_HELPER, ROGUE, TENANT_HEADER};

/// A folder with components, some files, and what is none.
fn desk() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [
        ("hello.wasm", HELLO),
        ("keeper.wasm", KEEPER),
        ("rogue.wasm", ROGUE),
        ("helper.wasm", QUEUE_HELPER),
        ("gate.wasm", GATEKEEPER),
        ("faulty.wasm", FAULTY),
        ("tenant.wasm", TENANT_HEADER),
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
    let edits = (&told["headers_removed"], &told["headers_added"]);
    assert_eq!(edits, (&json!([]), &json!(["X-Hello: to 1 recipient(s)"])));
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

#[test]
fn run_puts_any_event_that_the_component_handles() {
    let desk = desk();
    let queues = desk.path().join("queues.toml");
    fs::write(&queues, "[queue.default]\nmax_age = '3h'\n[tenant.t]\noverall_max_message_rate = '5/s'\n").unwrap();
    let helper = ["run", "helper.wasm", "--config", "queues.toml", "--event", "-"];
    let gate = ["run", "gate.wasm", "--event", "-"];
    let put = |arguments: &[&str], event: Value| {
        let (code, mut told) = json_of(desk.path(), arguments, &event.to_string());
        let fields = told.as_object_mut().unwrap();
        ["microseconds", "memory_bytes", "host_calls"].iter().for_each(|cost| drop(fields.remove(*cost)));
        (code, told)
    };

    let told = [
        put(&helper, json!({ "event": "queue-config", "queue": "t@d.example" })),
        put(&helper, json!({ "event": "throttles", "tenant": "t" })),
        put(&gate, json!({ "event": "egress", "pool": "no-such-pool" })),
        put(&gate, json!({ "event": "record", "records": ["{}"] })),
    ];

    let expected = [
        json!({ "settings": { "max_age": "3h" } }),
        json!({ "throttles": [{ "scope": "tenant", "key": "t", "rate": "5/s" }] }),
        json!({ "pass": true }),
        json!({ "taken": 1 }),
    ];
    assert_eq!(told.each_ref().map(|(_, told)| told.clone()), expected);
    let (code, _, said) = plugin(desk.path(), &["run", "hello.wasm", "--event", "-"], r#"{"event": "throttles"}"#);
    assert_eq!(
        (code, said.as_str()),
        (Some(2), "tollgate: the component does not handle throttles, which the event is\n")
    );
}

#[test]
fn test_holds_a_component_to_the_contract_and_to_its_authors_cases() {
    let desk = desk();
    let cases = desk.path().join("cases");
    fs::create_dir(&cases).unwrap();
    let case = |headers: &str, expect: &str| {
        format!(
            "description = 'it is so'\nconfig = ['../tenants.toml']\n[event]\nrecipients = ['u@d.example']\nheaders = {headers}\n[expect]\n{expect}\n"
        )
    };
    fs::write(desk.path().join("tenants.toml"), "[tenant.one]\n").unwrap();
    for (name, text) in [
        ("known.toml", case("[['X-Tenant', 'one']]", "meta = { tenant = 'one' }\nheaders_removed = ['X-Tenant: one']")),
        ("unknown.toml", case("[['X-Tenant', 'two']]", "verdict = 'reject'\nreply = { '$contains' = 'no tenant' }")),
        ("wrong.toml", case("[]", "verdict = 'defer'")),
        ("broken.toml", "expect = 1".to_owned()),
    ] {
        fs::write(cases.join(name), text).unwrap();
    }

    let (code, told) =
        json_of(desk.path(), &["test", "tenant.wasm", "--config", "tenants.toml", "--junit", "junit.xml"], "");

    let behaviour = told["suites"][1]["entries"].as_array().unwrap();
    let verdicts: Vec<(&str, &str)> =
        behaviour.iter().map(|entry| (entry["name"].as_str().unwrap(), entry["verdict"].as_str().unwrap())).collect();
    let expected = [("broken", "broken"), ("known", "holds"), ("unknown", "holds"), ("wrong", "broken")];
    assert_eq!((code, verdicts.as_slice()), (Some(1), &expected[..]), "{told:#}");
    let contract = told["suites"][0]["entries"].as_array().unwrap();
    assert!(contract.iter().all(|entry| entry["verdict"] != "broken"), "{told:#}");
    let junit = fs::read_to_string(desk.path().join("junit.xml")).unwrap();
    assert!(junit.contains("verdict: expected &quot;defer&quot;, got &quot;accept&quot;"), "{junit}");
}

#[test]
fn test_prints_what_is_broken_for_people_and_ends_with_one() {
    let desk = desk();
    fs::write(desk.path().join("fault"), format!("needs-a-subject {} end", "#".repeat(100))).unwrap();

    let (code, out, _) = plugin(desk.path(), &["test", "faulty.wasm", "--config", "fault", "--color", "never"], "");

    let broken: Vec<&str> = out.lines().filter(|line| line.contains("broken ")).collect();
    let clauses =
        ["  broken   absent-headers   It judges messages whose fields are absent, empty, or there many times."];
    assert_eq!((code, &broken[..1]), (Some(1), &clauses[..]), "{out}");
    assert!(
        out.contains("             message-received, no Subject: trap: panicked: every message has a subject"),
        "{out}"
    );
    assert!(out.lines().last().unwrap().starts_with("faulty.wasm does not hold: "), "{out}");
}

#[test]
fn a_rewrite_of_queue_helper_proves_itself_by_its_cases() {
    let desk = desk();

    let (stock, told) = json_of(desk.path(), &["test", "helper.wasm", "--suite", "queue-helper"], "");
    let (other, differs) = json_of(desk.path(), &["test", "tenant.wasm", "--suite", "queue-helper"], "");

    assert_eq!((stock, &told["broken"], &told["skipped"]), (Some(0), &json!(0), &json!(0)), "{told:#}");
    assert!(told["holds"].as_u64() > Some(800), "{}", told["holds"]);
    assert!(other == Some(1) && differs["broken"].as_u64() > Some(400), "{}", differs["broken"]);
}

#[test]
fn bench_measures_fresh_and_warm_instances() {
    let desk = desk();
    let event = desk.path().join("event.json");
    fs::write(&event, r#"{"recipients": ["b@y.example"], "headers": [["Subject", "hi"]]}"#).unwrap();

    let (code, told) = json_of(desk.path(), &["bench", "hello.wasm", "--event", "event.json", "--seconds", "0.05"], "");

    let kinds = ["fresh", "warm"].map(|kind| json!(kind));
    let seen = [&told[0]["instances"], &told[1]["instances"]];
    assert_eq!((code, seen), (Some(0), kinds.each_ref()));
    for key in ["events", "p50_us", "p99_us", "host_calls", "memory_bytes", "events_per_second"] {
        assert!(told[0][key].as_f64() > Some(0.0) && told[1][key].as_f64() > Some(0.0), "{key}: {told:#}");
    }
}

#[test]
fn replay_shows_where_two_versions_differ() {
    let desk = desk();
    let line = |tenant: &str| json!({ "recipients": ["u@d.example"], "headers": [["X-Tenant", tenant]] }).to_string();
    fs::write(desk.path().join("events.jsonl"), [line("one"), line("two"), String::new()].join("\n")).unwrap();
    fs::write(desk.path().join("old.toml"), "[tenant.one]\n[tenant.two]\n").unwrap();
    fs::write(desk.path().join("new.toml"), "[tenant.one]\n").unwrap();
    let replay = |old| {
        let against = ["--against", "tenant.wasm", "--against-config", old];
        json_of(
            desk.path(),
            &[&["replay", "--events", "events.jsonl", "tenant.wasm", "--config", "new.toml"][..], &against].concat(),
            "",
        )
    };

    let (differ, told) = replay("old.toml");
    let (alike, _) = replay("new.toml");

    let first = &told["differing"][0];
    let places: Vec<_> = first["differences"].as_array().unwrap().iter().map(|entry| &entry["at"]).collect();
    assert_eq!(
        (differ, alike, &told["events"], &first["place"]),
        (Some(1), Some(0), &json!(2), &json!("events.jsonl:2"))
    );
    assert_eq!(places, [&json!("meta.tenant"), &json!("reply"), &json!("verdict")]);
}

#[test]
fn inspect_shows_what_a_component_says_of_itself_and_annotate_changes_it() {
    let desk = desk();
    let says = |name: &str| json_of(desk.path(), &["inspect", name], "").1["metadata"].clone();
    let before = says("keeper.wasm");
    let wish = [
        "annotate",
        "keeper.wasm",
        "--set-version",
        "9.9.9",
        "--grant",
        "kv=remembers \"who\"",
        "--output",
        "new.wasm",
    ];

    let (code, ..) = plugin(desk.path(), &wish, "");

    let expected = json!({
        "name": "keeper", "version": "0.1.0", "api": "0.1.0", "sdk": "tollgate-sdk 0.1.0", "license": "Apache-2.0 OR MIT",
        "description": "Uses what it was granted, as a message tells it to", "limits": { "cpu": "5ms" },
        "grants": { "counters": "counts, as it is told" },
    });
    let mut changed = expected.clone();
    changed["version"] = "9.9.9".into();
    changed["grants"] = json!({ "kv": "remembers \"who\"" });
    assert_eq!((code, before, says("new.wasm")), (Some(0), expected, changed));
    let (code, out, _) = plugin(desk.path(), &["check", "new.wasm", "--grant", "counters"], "");
    assert_eq!((code, out.as_str()), (Some(0), "new.wasm is fine: it handles message-received, egress\n"));
}

/// Returns octets that were once a component: cut short, with octets changed, or with a part taken from elsewhere.
fn damaged(random: &mut fastrand::Rng) -> Vec<u8> {
    let whole = [HELLO, KEEPER, ROGUE][random.usize(..3)];
    let mut octets = whole[..random.usize(..=whole.len())].to_vec();
    for _ in 0..random.usize(..8) {
        if let Some(at) = octets.len().checked_sub(1).map(|last| random.usize(..=last)) {
            octets[at] = random.u8(..);
        }
    }
    if random.bool() {
        let from = random.usize(..whole.len());
        octets.extend_from_slice(&whole[from..(from + random.usize(..5000)).min(whole.len())]);
    }
    octets
}

#[test]
fn whatever_file_comes_inspect_and_check_end_soon_and_say_what_it_is() {
    let (desk, mut random) = (desk(), fastrand::Rng::with_seed(7));
    let files: Vec<Vec<u8>> = (0..1000).map(|_| damaged(&mut random)).collect();

    let taken =
        files.iter().filter(|octets| tollgate_wasm::inspect(octets, &tollgate_wasm::Limits::default()).is_ok()).count();
    let checked = files.iter().step_by(40).map(|octets| {
        fs::write(desk.path().join("damaged.wasm"), octets).unwrap();
        let (code, out, err) = plugin(desk.path(), &["check", "damaged.wasm"], "");
        (code, out.len() + err.len() > 20 && !err.contains("panicked at"))
    });
    let checked: Vec<_> = checked.collect();

    // A changed octet of code or of a name may leave a component that is one.
    assert!(taken < 300, "{taken}");
    assert!(checked.iter().all(|(code, says)| matches!(code, Some(0 | 1)) && *says), "{checked:?}");
}
