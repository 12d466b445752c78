//! The batch protocol, and the same answers for one question.

use serde_json::{Value, json};

use crate::kit::{ask, batch, person, received};

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
            "egress_pool": {"value": "pool-1", "origin": "queues[0]:5:1"},
            "max_age": {"value": "1h 30m", "seconds": 5400, "origin": "queues[0]:10:1"},
            "max_message_rate": {"value": "10/s", "origin": "queues[0]:11:1"},
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
