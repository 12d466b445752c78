use serde_json::json;
use tollgate_message::Schedule;

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);

fn read(json: &Value) -> Result<Event, String> {
    Event::read(json.as_object().unwrap(), NOW)
}

#[test]
fn what_a_server_writes_is_read_as_what_it_was() {
    let given = json!({
        "recipients": ["u@d.example"], "sender": "a@s.example", "headers": [["X-Tenant", "one"], ["Subject", "a\r\n b"]],
        "meta": { "tenant": "one", "x": "y" }, "authz_id": "scott", "may_relay": false, "origin": "http", "body": "a\nb",
        "peer": "192.0.2.7:25", "now": "2026-02-01T00:00:00Z", "size": 5000,
    });
    let Event::Message(mut draft) = read(&given).unwrap() else { panic!("a message") };
    draft.edits.schedule = Schedule::parse("{\"first_attempt\":\"2030-01-01T00:00:00Z\"}", NOW).ok();

    let Event::Message(again) = read(&of_message(&draft, &Redaction::none())).unwrap() else { panic!("a message") };

    let told = |draft: &Draft| {
        let values = draft.edits.header.iter().map(|(name, _)| (name.to_owned(), draft.first_header(name)));
        let received = &draft.received;
        let body = received.content[draft.edits.header.original_len() + 2..].to_vec();
        (
            (values.collect::<Vec<_>>(), draft.edits.meta.clone(), draft.edits.schedule.clone()),
            (received.at, received.size, received.envelope.clone(), (*received.session).clone(), body),
        )
    };
    let mut expected = told(&draft);
    "localhost".clone_into(&mut expected.1.3.hostname);
    assert_eq!(told(&again), expected);
}

#[test]
fn what_is_people_s_own_is_not_written() {
    let given = json!({
        "recipients": ["ann@d.example", "ann@e.example"], "sender": "bob@s.example",
        "headers": [["Subject", "secret"], ["X-Tenant", "one"], ["X-Again", "secret"], ["Content-Type", "text/plain"]],
        "meta": { "tenant": "one", "note": "secret" }, "body": "secret", "peer": "192.0.2.7:25",
    });
    let Event::Message(draft) = read(&given).unwrap() else { panic!("a message") };
    let redaction = Redaction::keeping(vec!["x-tenant".to_owned()], [7; 32]);

    let told = of_message(&draft, &redaction);

    let text = told.to_string();
    assert_eq!(["secret", "ann@", "bob@", "192.0.2.7"].map(|word| text.contains(word)), [false; 4], "{text}");
    let value = |n: usize| &told["headers"][n][1];
    assert_eq!((value(0), value(1), value(3)), (value(2), &json!("one"), &json!("text/plain")));
    assert_eq!((&told["meta"]["tenant"], &told["peer"]), (&json!("one"), &json!("192.0.2.0:0")));
    assert!(read(&told).is_ok(), "{told}");
}

#[test]
fn what_cannot_happen_is_refused_with_the_field_at_fault() {
    let told = [
        json!({ "event": "queue-confg" }),
        json!({ "recipients": [] }),
        json!({ "recipients": ["a@b"], "headers": [["a b", "c"]] }),
        json!({ "recipients": ["a@b"], "header": [] }),
        json!({ "recipients": ["a@b"], "body": "\0" }),
        json!({ "recipients": ["a@b"], "peer": "localhost" }),
        json!({ "event": "queue-config" }),
        json!({ "event": "queue-config", "queue": "d", "so_far": { "max_age": "soon" } }),
        json!({ "event": "smtp-session", "step": "helo" }),
        json!({ "event": "smtp-session", "step": "rcpt" }),
        json!({ "event": "egress", "pool": "a", "source": "b" }),
        json!({ "event": "requeue", "recipients": ["a@b"], "replies": [] }),
        json!({ "event": "requeue", "recipients": ["a@b"], "replies": ["busy"] }),
        json!({ "event": "record", "records": "x" }),
    ]
    .map(|json| read(&json).unwrap_err());

    let expected = [
        "event: 'queue-confg' is none; did you mean `queue-config`?",
        "recipients: there is none, and every message has one",
        "headers: 'a b' is no name; it is printable ASCII without a colon",
        "`header` is no field here; did you mean `headers`?",
        "body: it holds NUL, which no message does",
        "peer: 'localhost' is not an address with a port",
        "queue: the queue's name is missing, such as campaign:tenant@domain",
        "so_far.max_age: ",
        "step: 'helo' is none; there are connect, ehlo, auth, mail, rcpt",
        "recipient: this step has one",
        "egress is about a `pool`, a `source`, or the path of a `source`, `domain` and `site`",
        "recipients, replies: there is at least one, and each recipient has its reply",
        "replies: 'busy' is no reply such as '450 4.2.1 busy'",
        "records: expected a list, got \"x\"",
    ];
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told}");
    }
}
