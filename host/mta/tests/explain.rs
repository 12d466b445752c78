//! `tollgate explain`: the batch protocol, and what people read.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::{
    fs,
    io::Write as _,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

const QUEUES: &str = "tenant_header = 'X-Tenant'\nremove_tenant_header = true\nscheduling_header = 'X-Schedule'\n\
    [tenant.t]\negress_pool = 'pool-1'\noverall_max_message_rate = '100/s'\n\
    [queue.default]\nmax_age = '2h'\n[queue.'a.com']\nmax_age = '90m'\nmax_message_rate = '10/s'\n";

const TOLLGATE: &str = "[spool]\npath = 'spool'\n\
    [smtp.listener.main]\nlisten = '127.0.0.1:2525'\nhostname = 'mta.example'\n\
    [[plugin]]\nname = 'queue-helper'\ncomponent = 'builtin:queue-helper'\nconfig = ['queues.toml']\n\
    [source.ip-1]\nsource_address = '127.0.0.1'\nehlo_domain = 'out1.example'\n\
    [pool.pool-1.ip-1]\nweight = 2\n";

fn explain() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    command.arg("explain").env("XDG_CACHE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"));
    command
}

/// Puts lines to `explain --batch` and returns the responses.
fn batch(lines: &[&[u8]]) -> Vec<Value> {
    let mut child = explain().arg("--batch").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(&lines.join(&b'\n')).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Asks one request and returns these fields of the response.
fn ask<const N: usize>(request: &Value, fields: [&str; N]) -> [Value; N] {
    let mut responses = batch(&[request.to_string().as_bytes()]);
    assert_eq!(responses.len(), 1);
    fields.map(|field| responses[0][field].take())
}

fn received(headers: &Value) -> Value {
    json!({"id": "1", "queues": [QUEUES], "sender": "s@b.org", "recipients": ["u@A.com", "v@b.com"], "headers": headers,
           "now": "2026-05-01T12:00:00Z"})
}

/// Asks as a person would, with the files in the working folder.
fn person(arguments: &[&str]) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tollgate.toml"), TOLLGATE).unwrap();
    fs::write(folder.path().join("queues.toml"), QUEUES).unwrap();
    fs::write(folder.path().join("broken.toml"), "[queue.default]\nmax_aeg = '1h'\n").unwrap();
    let Output { status, stdout, stderr } = explain().current_dir(folder.path()).args(arguments).output().unwrap();
    let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn what_is_no_request_is_answered_in_its_place_and_ends_nothing() {
    let lines: [&[u8]; 6] = [
        b"not JSON",
        b"\xff\xfe",
        b"[1]",
        br#"{"id": "a", "op": "dance"}"#,
        br#"{"id": "b", "recipients": ["u@a.com"], "meta": {"tenant": 5}}"#,
        br#"{"id": "c", "op": "parse-queue-name", "name": "c:t@d.com"}"#,
    ];

    let responses = batch(&lines);

    let seen: Vec<_> = responses
        .iter()
        .map(|response| (&response["id"], &response["ok"], response["errors"][0]["message"].as_str()))
        .collect();
    let (a, b, c) = (json!("a"), json!("b"), json!("c"));
    let (yes, no, null) = (json!(true), json!(false), json!(null));
    let unknown = "op: 'dance' is unknown; there are received, queue-config, parse-queue-name and build-queue-name";
    let expected = [
        (&null, &no, Some("not JSON: expected ident at line 1 column 2")),
        (&null, &no, Some("not JSON: expected value at line 1 column 1")),
        (&null, &no, Some("expected an object, got [1]")),
        (&a, &no, Some(unknown)),
        (&b, &no, Some("meta.tenant: expected text, got 5")),
        (&c, &yes, None),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn untouched_fields_come_back_byte_for_byte() {
    let headers =
        json!([["Subject", "a\r\n  b "], ["X-Tenant", "t"], ["X-Empty", ""], ["Tight", "  x"], ["subject", "ü"]]);

    let [verdict, kept] = ask(&received(&headers), ["verdict", "headers"]);

    let untouched = json!([["Subject", "a\r\n  b "], ["X-Empty", ""], ["Tight", "  x"], ["subject", "ü"]]);
    assert_eq!((verdict, kept), (json!({"action": "accept"}), untouched));
}

#[test]
fn a_header_that_no_message_can_have_is_refused_by_name() {
    let refused = [json!([["X-A", "1\r\nX-B: 2"]]), json!([["Bad Name", "1"]]), json!([["X-A", "\u{0}"]])]
        .map(|headers| ask(&received(&headers), ["ok", "errors"])[1][0]["message"].as_str().map(str::to_owned));

    let of_value = "headers: the value of 'X-A' holds NUL, CR or LF; only CR LF and a blank may fold it";
    let of_name = "headers: 'Bad Name' is no name; it is printable ASCII without a colon";
    assert_eq!(refused, [of_value, of_name, of_value].map(|text| Some(text.to_owned())));
}

#[test]
fn an_answer_tells_the_queue_its_values_their_origins_and_what_holds_its_mail_back() {
    let fields = ["queue", "config", "throttles", "retry_plan", "due", "expires"];

    let seen = ask(&received(&json!([["X-Tenant", "t"]])), fields);

    let expected = [
        json!({"name": "t@a.com", "campaign": null, "tenant": "t", "domain": "a.com", "routing_domain": null}),
        json!({
            "egress_pool": {"value": "pool-1", "origin": "queues[0]:5"},
            "max_age": {"value": "1h 30m", "seconds": 5400, "origin": "queues[0]:10"},
            "max_message_rate": {"value": "10/s", "origin": "queues[0]:11"},
        }),
        json!([
            {"scope": "tenant", "key": "t", "rate": "100/s"},
            {"scope": "queue", "key": "t@a.com", "rate": "10/s"},
        ]),
        json!({"delays_s": [1200, 2400], "expires_after_s": 3600}),
        Value::Null,
        Value::Null,
    ];
    assert_eq!(seen, expected);
}

#[test]
fn the_time_of_the_request_rules_schedules() {
    let schedule =
        json!([["X-Schedule", r#"{"first_attempt":"2026-05-01T14:00:00+01:00","expires":"2026-05-02T00:00:00Z"}"#]]);

    let seen = ask(&received(&schedule), ["due", "expires", "headers"]);

    assert_eq!(seen, [json!("2026-05-01T13:00:00Z"), json!("2026-05-02T00:00:00Z"), json!([])]);
}

#[test]
fn a_blank_schedule_is_none_and_goes_like_any_other() {
    let seen = ask(&received(&json!([["X-Schedule", " \t"], ["Subject", "s"]])), ["verdict", "due", "headers"]);

    assert_eq!(seen, [json!({"action": "accept"}), Value::Null, json!([["Subject", "s"]])]);
}

#[test]
fn a_session_that_may_not_relay_names_no_tenant() {
    let mut request = received(&json!([["X-Tenant", "t"], ["Subject", "s"]]));
    request["may_relay"] = false.into();

    let seen = ask(&request, ["ok", "headers", "meta"]);

    assert_eq!(seen, [json!(true), json!([["Subject", "s"]]), json!({})]);
}

#[test]
fn errors_and_warnings_come_in_the_order_of_the_files() {
    let queues =
        json!(["[queue.default.t]\nmax_age = 'soon'\n", "{\"queue\": {\"a.com\": {\"max_aeg\": 1}}}", "x = 1\n"]);

    let [ok, errors, warnings] =
        ask(&json!({"op": "queue-config", "queues": queues, "domain": "a.com"}), ["ok", "errors", "warnings"]);

    let places = |list: &Value| -> Vec<String> {
        let place =
            |entry: &Value| format!("{}:{}:{}", entry["file"].as_str().unwrap(), entry["line"], entry["column"]);
        list.as_array().unwrap().iter().map(place).collect()
    };
    let expected = ["queues[0]:2:1", "queues[1]:1:22", "queues[2]:1:1"].map(str::to_owned);
    assert_eq!(
        (ok, places(&errors), places(&warnings)),
        (json!(false), expected.to_vec(), vec!["queues[0]:1:16".to_owned()])
    );
}

#[test]
fn people_read_the_verdict_the_edits_the_queue_and_the_story_of_every_value() {
    let message = ["--to", "u@a.com", "--header", "X-Tenant: t", "--header", "Subject: hello"];

    let answer = person(&[&["--config", "tollgate.toml"], &message[..]].concat());

    let expected = "\
Verdict    accept
  queue-helper  accept

Header     1 removed, 0 added, 1 untouched
  - X-Tenant:  t

Queue      t@a.com
  tenant  t      policy, as header X-Tenant says
  domain  a.com  recipient u@a.com

Due        at once

Settings
  max_age             1h 30m      queues.toml:10
                      2h          queues.toml:8, overridden
  egress_pool         pool-1      queues.toml:5
  max_message_rate    10/s        queues.toml:11
  retry_interval      20m         default
  max_retry_interval  none        default
  protocol            SMTP by MX  default

Retries    expires at the age of 1h, when attempt 3 fails
  attempt  wait  age
  1              0s
  2        20m   20m
  3        40m   1h

Throttles
  tenant  t        100/s
  queue   t@a.com  10/s

Pool       pool-1
  ip-1  weight 2  127.0.0.1  as out1.example
";
    assert_eq!(answer, (Some(0), expected.to_owned(), String::new()));
}

#[test]
fn a_refusal_is_an_answer_too() {
    let answer = person(&["--queues", "queues.toml", "--to", "u@a.com", "v@b.com", "--header", "X-Tenant: nope"]);

    let expected = "\
Verdict    reject: 550 5.7.1 tenant 'nope' specified by 'X-Tenant' header is not defined in your queue config
  queue-helper  reject
  of 2 recipients the first decides here: u@a.com
  each becomes a message of its own; a refusal of one refuses all
";
    assert_eq!(answer, (Some(0), expected.to_owned(), String::new()));
}

#[test]
fn files_that_do_not_load_are_shown_as_check_shows_them() {
    let answer = person(&["--queues", "broken.toml", "--queue", "a.com"]);

    let expected = "broken.toml:2:1 error: `max_aeg` is not an option of a queue; did you mean `max_age`?\n    \
                    max_aeg = '1h'\n    ^\n";
    assert_eq!(answer, (Some(2), String::new(), expected.to_owned()));
}

#[test]
fn a_queue_is_explained_as_json_in_the_form_of_the_batch() {
    let (code, json, _) = person(&["--queues", "queues.toml", "--queue", "t@b.com", "--json"]);

    let mut answer: Value = serde_json::from_str(&json).unwrap();
    let seen = ["ok", "queue", "throttles", "warnings"].map(|field| answer[field].take());
    let expected = [
        json!(true),
        json!({"name": "t@b.com", "campaign": null, "tenant": "t", "domain": "b.com", "routing_domain": null}),
        json!([{"scope": "tenant", "key": "t", "rate": "100/s"}]),
        json!([]),
    ];
    assert_eq!((code, seen), (Some(0), expected));
}
