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
    command.env("TZ", "UTC").env_remove("NO_COLOR");
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
    person_with("", arguments)
}

/// Asks with one more file, `more.toml`, in the working folder.
fn person_with(more: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tollgate.toml"), TOLLGATE).unwrap();
    fs::write(folder.path().join("queues.toml"), QUEUES).unwrap();
    fs::write(folder.path().join("broken.toml"), "[queue.default]\nmax_aeg = '1h'\n").unwrap();
    fs::write(folder.path().join("more.toml"), more).unwrap();
    fs::write(folder.path().join("hello.wasm"), tollgate_testkit::guest::HELLO).unwrap();
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

/// Asks with the file `more.toml` alone, and returns the sections with these titles.
fn sections(more: &str, arguments: &[&str], titles: &[&str]) -> String {
    let (_, said, _) = person_with(more, &[&["--queues", "more.toml"], arguments].concat());
    let wanted = |section: &&str| titles.iter().any(|title| section.starts_with(title));
    said.trim_end().split("\n\n").filter(wanted).collect::<Vec<_>>().join("\n\n")
}

#[test]
fn people_read_the_verdict_the_edits_the_queue_and_the_story_of_every_value() {
    let message = ["--to", "u@a.com", "--header", "X-Tenant: t", "--header", "Subject: hello"];

    let answer = person(&[&["--config", "tollgate.toml", "--now", "2026-05-01T12:00:00Z"], &message[..]].concat());

    let expected = "\
Message    <> to u@a.com, by SMTP, 2026-05-01 12:00:00Z

Verdict    accept
  queue-helper  accept  tollgate.toml:6

Header     1 removed, 0 added, 1 untouched
  - X-Tenant:  t

Queue      t@a.com
  tenant  t      header X-Tenant
  domain  a.com  recipient u@a.com

Due        at once

Settings
  retry_interval      20m         default
  max_retry_interval  none        default
  max_age             1h 30m      queues.toml:10  [queue.'a.com']
  egress_pool         pool-1      queues.toml:5   [tenant.t]
  max_message_rate    10/s        queues.toml:11  [queue.'a.com']
  protocol            SMTP by MX  default
  provider_name       none        default
  reap_interval       10m         default
  refresh_strategy    Epoch       default
  refresh_interval    1m          default

Layers     each overrides those above it
  1  [queue.default]
     max_age           2h      queues.toml:8   overridden by 2
  2  [queue.'a.com']
     max_age           1h 30m  queues.toml:10
     max_message_rate  10/s    queues.toml:11
  3  [tenant.t]
     egress_pool       pool-1  queues.toml:5

Retries    3 attempts if all fail; it expires 2026-05-01 13:00:00Z
  attempt  wait  age      time (UTC)
        1        at once  2026-05-01 12:00:00Z
        2  20m   +20m     2026-05-01 12:20:00Z
        3  40m   +1h      2026-05-01 13:00:00Z
  attempt 4 would be at the age of 2h 20m, past max_age 1h 30m (queues.toml:10)
  each wait is up to 30s shorter or longer, by chance

Throttles  a message passes when all of them let it
  scope   bucket   rate
  tenant  t        100/s  at most 100 at once, then one every 10ms
  queue   t@a.com  10/s   at most 10 at once, then one every 100ms

Route      by the mail exchangers of a.com

Pool       pool-1  tollgate.toml:13
  source  weight  share  from address  EHLO name
  ip-1         2  100 %  127.0.0.1     out1.example
";
    assert_eq!(answer, (Some(0), expected.to_owned(), String::new()));
}

#[test]
fn every_layer_of_a_queue_is_told_in_order_with_what_overrides_it() {
    let queues = "[queue.default]\nmax_age = '1h'\n[queue.'*.a.com']\nmax_age = '2h'\n[tenant.t]\nmax_age = '3h'\n\
                  [tenant.t.campaigns.c]\nmax_age = '4h'\n[queue.'*.a.com'.t]\nmax_age = '5h'\nretry_interval = '1m'\n\
                  [queue.'*.a.com'.t.c]\nmax_age = '6h'\n";

    let seen = sections(queues, &["--queue", "c:t@x.a.com"], &["Layers"]);

    let expected = "\
Layers     each overrides those above it
  1  [queue.default]
     max_age         1h  more.toml:2   overridden by 2
  2  [queue.'*.a.com']
     max_age         2h  more.toml:4   overridden by 3
  3  [tenant.t]
     max_age         3h  more.toml:6   overridden by 4
  4  [tenant.t.campaigns.c]
     max_age         4h  more.toml:8   overridden by 5
  5  [queue.'*.a.com'.t]
     max_age         5h  more.toml:10  overridden by 6
     retry_interval  1m  more.toml:11
  6  [queue.'*.a.com'.t.c]
     max_age         6h  more.toml:13";
    assert_eq!(seen, expected);
}

#[test]
fn layers_that_one_line_holds_are_told_apart_and_not_named() {
    let queues = r#"{"queue": {"default": {"max_age": "1h"}, "a.com": {"max_age": "2h", "retry_interval": "1m"}}}"#;

    let seen = sections(queues, &["--queue", "a.com"], &["Layers"]);

    let expected = "\
Layers     each overrides those above it
  1  plugin queue-helper
     max_age         1h  more.toml:1  overridden by 2
  2  plugin queue-helper
     max_age         2h  more.toml:1
  3  [queue.'a.com']
     retry_interval  1m  more.toml:1";
    assert_eq!(seen, expected);
}

#[test]
fn scheduled_mail_is_told_with_its_windows_in_the_time_of_who_asks() {
    let schedule = r#"X-Schedule: {"first_attempt":"2026-05-02T00:00:00Z","dow":"Mon,Fri","tz":"Europe/Berlin","start":"09:00:00","end":"10:00:00","expires":"2026-05-08T07:30:00Z"}"#;
    let mut command = explain();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("queues.toml"), QUEUES).unwrap();
    command.current_dir(folder.path()).env("TZ", "Europe/Berlin").args([
        "--queues",
        "queues.toml",
        "--header",
        schedule,
    ]);
    command.args(["--to", "u@b.com", "--now", "2026-05-01T12:00:00.123Z"]);

    let said = String::from_utf8(command.output().unwrap().stdout).unwrap();

    let seen: Vec<&str> =
        said.split("\n\n").filter(|section| section.starts_with("Due") || section.starts_with("Retries")).collect();
    let due = "\
Due        2026-05-04 07:00:00Z, Mon 2026-05-04 09:00:00 +02:00, in 2days 19h
  not before  2026-05-02 00:00:00Z
  only        Mon, Fri, 09:00:00 to 10:00:00, Europe/Berlin
  expires     2026-05-08 07:30:00Z; max_age has no say";
    let retries = "\
Retries    3 attempts if all fail; it expires 2026-05-08 07:00:00Z
  attempt  wait           age             time (UTC)            Europe/Berlin
        1  2days 19h      +2days 19h      2026-05-04 07:00:00Z  Mon 2026-05-04 09:00:00 +02:00
        2  20m            +2days 19h 20m  2026-05-04 07:20:00Z  Mon 2026-05-04 09:20:00 +02:00
        3  3days 23h 40m  +6days 19h      2026-05-08 07:00:00Z  Fri 2026-05-08 09:00:00 +02:00  as its window opens
  attempt 4 would be 2026-05-08 08:20:00Z, and its schedule ends 2026-05-08 07:30:00Z
  each wait is up to 30s shorter or longer, by chance";
    assert_eq!(seen, [due, retries]);
}

#[test]
fn of_a_long_plan_the_beginning_and_the_end_are_told() {
    let queues = "[queue.default]\nmax_age = '1h'\nretry_interval = '1m'\nmax_retry_interval = '2m'\n";
    let now = "2026-05-01T12:00:00Z";

    let seen = sections(queues, &["--queue", "a.com", "--now", now], &["Retries"]);

    let expected = "\
Retries    31 attempts if all fail; it expires 2026-05-01 12:59:00Z
  attempt  wait     age      time (UTC)
        1           at once  2026-05-01 12:00:00Z
        2  1m       +1m      2026-05-01 12:01:00Z
        3  2m       +3m      2026-05-01 12:03:00Z
        4  2m       +5m      2026-05-01 12:05:00Z
        5  2m       +7m      2026-05-01 12:07:00Z
        6  2m       +9m      2026-05-01 12:09:00Z
        7  2m       +11m     2026-05-01 12:11:00Z
        8  2m       +13m     2026-05-01 12:13:00Z
        9  2m       +15m     2026-05-01 12:15:00Z
       10  2m       +17m     2026-05-01 12:17:00Z
        …  20 more
       31  2m       +59m     2026-05-01 12:59:00Z
  attempt 32 would be at the age of 1h 1m, past max_age 1h (more.toml:2)
  each wait is up to 1s shorter or longer, by chance";
    assert_eq!(seen, expected);
}

#[test]
fn the_route_says_where_mail_goes() {
    let queues = "[queue.'a.com']\nprotocol.smtp.mx_list = ['127.0.0.1:2526', {name = 'mx', addr = '10.0.0.1'}]\n";

    let seen = ["a.com", "b.com![10.0.0.1]:2525", "b.com!c.com"]
        .map(|queue| sections(queues, &["--queue", queue], &["Route"]));

    let expected = [
        "Route      by mx_list, in this order; no mail exchanger is looked up\n  1  127.0.0.1:2526\n  2  10.0.0.1",
        "Route      straight to [10.0.0.1]:2525; no mail exchanger is looked up\n  routing_domain stands in for b.com",
        "Route      by the mail exchangers of c.com\n  routing_domain stands in for b.com",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_refusal_is_an_answer_too() {
    let now = ["--now", "2026-05-01T12:00:00Z"];
    let question = ["--queues", "queues.toml", "--to", "u@a.com", "v@b.com", "--header", "X-Tenant: nope"];

    let answer = person(&[&now[..], &question].concat());

    let expected = "\
Message    <> to u@a.com, by SMTP, 2026-05-01 12:00:00Z
  the first of 2 recipients; each becomes a message of its own, and
  a refusal of one refuses all

Verdict    reject: 550 5.7.1 tenant 'nope' specified by 'X-Tenant' header is not defined in
           your queue config
  queue-helper  reject

Decided by queues.toml:1
    tenant_header = 'X-Tenant'
  there is no [tenant.nope]; defined are: t
";
    assert_eq!(answer, (Some(0), expected.to_owned(), String::new()));
}

#[test]
fn the_line_that_refuses_a_message_is_told() {
    let queues = "scheduling_header = 'X-Schedule'\ntenant_header = 'X-Tenant'\ndefault_tenant = 'gone'\n\
                  [tenant.mytenant]\nrequire_authz = ['scott']\n";
    let questions: [&[&str]; 6] = [
        &["--header", "X-Tenant: mytenan"],
        &["--header", "Subject: s"],
        &["--header", "X-Tenant: mytenant"],
        &["--header", "X-Tenant: mytenant", "--authz-id", "joe"],
        &["--header", "X-Schedule: {\"dow\":1}"],
        &["--meta", "tenant=nope"],
    ];

    let seen = questions.map(|question| sections(queues, &[&["--to", "u@a.com"], question].concat(), &["Decided by"]));

    let expected = [
        "Decided by more.toml:2\n    tenant_header = 'X-Tenant'\n  \
         there is no [tenant.mytenan]; did you mean `mytenant`?",
        "Decided by more.toml:3\n    default_tenant = 'gone'\n  there is no [tenant.gone]; defined are: mytenant",
        "Decided by more.toml:5 [tenant.mytenant]\n    require_authz = ['scott']\n  \
         the message comes without an identity; --authz-id NAME gives it one",
        "Decided by more.toml:5 [tenant.mytenant]\n    require_authz = ['scott']\n  the list does not have this identity",
        "Decided by more.toml:1\n    scheduling_header = 'X-Schedule'\n  the header says {\"dow\":1}",
        "Decided by\n  there is no [tenant.nope]; defined are: mytenant\n  \
         the metadata `tenant` names it, as it came or as a plugin asked before has set it",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_plugin_that_refuses_a_message_is_told_with_its_component() {
    let more = TOLLGATE.replace("[source.ip-1]", "[[plugin]]\nname = 'hello'\ncomponent = 'hello.wasm'\n[source.ip-1]");

    let (_, said, _) =
        person_with(&more, &["--config", "more.toml", "--to", "u@a.com", "--now", "2026-05-01T12:00:00Z"]);

    let expected = "\
Message    <> to u@a.com, by SMTP, 2026-05-01 12:00:00Z

Verdict    reject: 550 5.6.0 please give your mail a subject
  hello  reject  more.toml:10

Decided by more.toml:12 [[plugin]]
    component = 'hello.wasm'
  plugin 'hello' says so; which line made it do so it does not tell
";
    assert_eq!(said, expected);
}

#[test]
fn mail_for_a_queue_that_cannot_be_is_deferred_and_the_line_at_fault_told() {
    let queues = "[queue.'a.com']\nprotocol.maildir_path = '/x'\n";

    let seen = sections(queues, &["--to", "u@a.com"], &["Verdict", "Decided by", "Retries", "Route", "Pool"]);

    let expected = "\
Verdict    defer: 451 4.3.5 queue configuration failed
  queue-helper  accept

Decided by more.toml:2 [queue.'a.com']
    protocol.maildir_path = '/x'
  the delivery method {\"maildir_path\":\"/x\"} is not built in";
    assert_eq!(seen, expected);
}

#[test]
fn what_a_message_says_does_not_steer_the_terminal() {
    let header = "X-Tenant: \u{1b}[31m\u{202e}t";

    let seen = sections(QUEUES, &["--to", "u@a.com", "--header", header], &["Verdict"]);

    let expected = "\
Verdict    reject: 550 5.7.1 tenant ' [31m\\u{202e}t' specified by 'X-Tenant' header is not
           defined in your queue config
  queue-helper  reject";
    assert_eq!(seen, expected);
}

#[test]
fn colour_is_for_terminals_and_for_those_who_ask_for_it() {
    let question = ["--queues", "queues.toml", "--queue", "a.com"];
    let coloured = |colour: &[&str]| person(&[&question, colour].concat()).1.contains('\u{1b}');

    let seen = [&[][..], &["--color", "auto"], &["--color", "never"], &["--color", "always"]].map(coloured);

    assert_eq!(seen, [false, false, false, true]);
}

#[test]
fn the_example_of_the_guide_fits_a_terminal() {
    let guide = include_str!("../../../plugins/queue-helper/queues.toml");
    let headers = ["--header", "X-Tenant: mytenant", "--header", "X-Campaign: welcome-campaign"];

    let (_, said, _) =
        person_with(guide, &[&["--queues", "more.toml", "--to", "ann@gmail.com"], &headers[..]].concat());

    let widest = said.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(90), "{widest:?}\n{said}");
}

#[test]
fn who_asks_in_the_wrong_way_is_told_the_right_one() {
    let questions: [&[&str]; 5] = [
        &["--config", "tollgate.toml", "--to", "ann"],
        &["--config", "tollgate.toml", "--queue", "c:t@"],
        &["--queues", "queus.toml", "--queue", "a.com"],
        &["--queues", "queues.toml", "--to", "u@a.com", "--header", "X-Tenant"],
        &["--config", "tollgate.toml"],
    ];

    let seen = questions.map(|question| {
        let (code, said, told) = person(question);
        (code, said, told.lines().next().unwrap_or_default().to_owned(), told.contains("--config FILE --queue NAME"))
    });

    let expected = [
        ("tollgate: --to: 'ann' is no address; write one such as ann@example.com", false),
        ("tollgate: --queue: 'c:t@' has no domain; a queue is named CAMPAIGN:TENANT@DOMAIN, or just DOMAIN", false),
        ("tollgate: queus.toml: No such file or directory (os error 2); did you mean `queues.toml`?", false),
        (
            "error: invalid value 'X-Tenant' for '--header <NAME: VALUE>': expected a name, a colon and a value, such as \
             'X-Tenant: mytenant'",
            false,
        ),
        ("error: the following required arguments were not provided:", true),
    ];
    let told = |(line, usage): (&str, bool)| (Some(2), String::new(), line.to_owned(), usage);
    assert_eq!(seen, expected.map(told));
}

#[test]
fn one_message_as_json_is_answered_as_in_the_batch() {
    let question = ["--from", "s@b.org", "--to", "u@A.com", "v@b.com", "--header", "X-Tenant: t", "--json"];
    let now = ["--queues", "queues.toml", "--now", "2026-05-01T12:00:00Z"];

    let (_, json, _) = person(&[&now[..], &question].concat());

    let mut batch = batch(&[received(&json!([["X-Tenant", "t"]])).to_string().as_bytes()]);
    batch[0].as_object_mut().unwrap().remove("id");
    let alike = batch[0].to_string().replace("queues[0]", "queues.toml");
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap().to_string(), alike);
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
