//! The events that a plugin has to survive: what senders, queues and next hops come to on a bad day.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use tollgate_message::{Address, Draft, Envelope, MessageId, Origin, Received, Session, Timestamp};

use super::Named;
use crate::event::Event;

/// When all of it happens: 2026-01-01T00:00:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// The part of a large message that is here.
const HERE: usize = 256 << 10;

/// Fields that policies tend to read.
const ORDINARY: &str = "From: Ann <ann@sender.example>\r\nTo: Bob <bob@receiver.example>\r\nSubject: Hello\r\n\
    Date: Thu, 01 Jan 2026 00:00:00 +0000\r\nMessage-ID: <1@sender.example>\r\nX-Tenant: tenant\r\nX-Campaign: campaign\r\n";

/// Returns everything.
pub(super) fn all() -> Vec<Named> {
    [plain(), absent_headers(), bodies(), encodings(), envelopes(), queues(), others()].concat()
}

/// Returns ordinary events, one of each kind and some of messages.
pub(super) fn plain() -> Vec<Named> {
    let mut events = vec![
        message("an ordinary message", format!("{ORDINARY}\r\nHello.\r\n")),
        message("a message without fields", "\r\nHello.\r\n"),
    ];
    events.extend(first(queues()).chain(first(others())));
    events
}

/// Returns the first of each kind.
fn first(events: Vec<Named>) -> impl Iterator<Item = Named> {
    let mut seen = Vec::new();
    events.into_iter().filter(move |(_, event)| {
        let is_new = !seen.contains(&event.kind());
        seen.push(event.kind());
        is_new
    })
}

pub(super) fn absent_headers() -> Vec<Named> {
    let names = ["Subject", "From", "To", "Date", "Message-ID", "X-Tenant", "X-Campaign", "X-Schedule"];
    let without = |name: &str| {
        let kept = ORDINARY.split_inclusive("\r\n").filter(|line| !line.starts_with(name)).collect::<String>();
        message(&format!("no {name}"), format!("{kept}\r\nHello.\r\n"))
    };
    let with = |what: &str, value: &str| {
        let fields = names.map(|name| format!("{name}:{value}\r\n")).concat();
        message(what, format!("{fields}\r\nHello.\r\n"))
    };
    let mut events: Vec<Named> = names.map(without).into();
    events.extend([
        message("no header and no body", "\r\n"),
        message("no header", "\r\nHello.\r\n"),
        with("empty fields", ""),
        with("blank fields", " \t "),
        with("fields of one letter", " x"),
        message("every field twice", format!("{ORDINARY}{ORDINARY}\r\nHello.\r\n")),
        message("a thousand fields", format!("{}\r\n", "X-Tenant: t\r\nX-Other: o\r\n".repeat(500))),
    ]);
    events
}

pub(super) fn bodies() -> Vec<Named> {
    let body = |what: &str, body: Vec<u8>| message(what, [ORDINARY.as_bytes(), b"\r\n", &body].concat());
    let part = [ORDINARY.as_bytes(), b"\r\n", &b"0123456789abcde\r\n".repeat(HERE / 17)].concat();
    vec![
        body("no body", Vec::new()),
        body("an empty line", b"\r\n".to_vec()),
        body("no line end at the end", b"Hello".to_vec()),
        body("one long line", b"x".repeat(HERE)),
        body("200 KiB of lines", b"Hello, world.\r\n".repeat(200 << 10 >> 4)),
        body("every octet but NUL", (1..=255).collect()),
        body("a deep tree of parts", b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n".repeat(1000)),
        ("50 MiB, of which 256 KiB are here".to_owned(), received(part, |received| received.size = 50 << 20)),
        (
            "4 GiB and more, of which 256 KiB are here".to_owned(),
            received(b"\r\n".repeat(HERE / 2), |received| {
                received.size = (4 << 30) + 1;
            }),
        ),
    ]
}

pub(super) fn encodings() -> Vec<Named> {
    let names = ["Subject", "From", "To", "X-Tenant", "X-Campaign"];
    let value = |what: &str, value: &[u8]| {
        let fields = names.map(|name| [name.as_bytes(), b": ", value, b"\r\n"].concat()).concat();
        message(what, [&fields, &b"\r\nHello.\r\n"[..]].concat())
    };
    vec![
        value("UTF-8", "Grüße aus Köln 🎉".as_bytes()),
        value("Latin-1", b"Gr\xfc\xdfe"),
        value("octets that are no text", b"\xff\xfe\xc3\x28\x80"),
        value("control characters", b"a\x01b\x07c\x1b[31m\x7f"),
        value("a NUL", b"a\0b"),
        value("an encoded word", b"=?utf-8?q?Gr=C3=BC=C3=9Fe?="),
        value("an encoded word with a line end", b"=?utf-8?q?a=0D=0AX-Injected:_yes?="),
        value("an encoded word of no charset", b"=?x-none?b?////?="),
        value("half an encoded word", b"=?utf-8?b?R3I"),
        value("half of a character", b"=?utf-8?q?=C3?= =?utf-8?q?=BC?="),
        value("a folded field", b"a\r\n b\r\n\tc\r\n d"),
        value("a field folded a thousand times", &b"a\r\n ".repeat(1000)),
        value("a long field", &b"x".repeat(60_000)),
        value("directions and joiners", "\u{202e}gnp.exe\u{200d}\u{feff}".as_bytes()),
        value("quotes and templates", b"\"'`\\ {{x}} ${y} %s %n <script> ../../etc/passwd"),
        message("a line that is no field", "no colon here\r\nSubject: x\r\n\r\nHello.\r\n"),
        message("a header that does not end", "Subject: x"),
    ]
}

pub(super) fn envelopes() -> Vec<Named> {
    let content = format!("{ORDINARY}\r\nHello.\r\n");
    let with = |what: &str, change: &dyn Fn(&mut Received)| (what.to_owned(), received(content.clone(), change));
    let sender = |what: &str, sender: &'static str| {
        with(what, &move |received| received.envelope.sender = Some(Address::new(sender)))
    };
    let to = |what: &str, to: &'static [&'static str]| {
        with(what, &move |received| received.envelope.recipients = to.iter().map(|to| Address::new(*to)).collect())
    };
    vec![
        with("the null sender", &|received| received.envelope.sender = None),
        sender("a quoted sender", "\"a b@c\\\"\"@sender.example"),
        sender("a sender in another script", "grüße@bücher.example"),
        sender("a sender at an address literal", "a@[IPv6:2001:db8::1]"),
        sender("a long sender", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@sender.example"),
        to("bare Postmaster", &["Postmaster"]),
        to("a domain in capitals with a dot", &["Bob@EXAMPLE.COM."]),
        to("a recipient in another script", &["用户@例子.example"]),
        to("separators in a local part", &["\"a:b!c%d@e\"@d.example", "a%b@d.example"]),
        to("several domains", &["a@one.example", "b@two.example", "c@three.example"]),
        with("a thousand recipients", &|received| {
            received.envelope.recipients = (0..1000).map(|n| Address::new(format!("u{n}@d{n}.example"))).collect();
        }),
        with("from anybody", &|received| session(received, |session| session.may_relay = false)),
        with("from a user", &|received| session(received, |session| session.authz_id = Some("scott".to_owned()))),
        with("over HTTP", &|received| session(received, |session| session.origin = Origin::Http)),
        with("long ago", &|received| received.at = Timestamp::from_millis(0)),
        with("far in the future", &|received| received.at = Timestamp::from_millis(253_402_300_799_000)),
    ]
}

pub(super) fn queues() -> Vec<Named> {
    let names = [
        "campaign:tenant@receiver.example!relay.example",
        "campaign:tenant@receiver.example",
        "tenant@receiver.example",
        "receiver.example",
        "campaign:@receiver.example",
        "tenant@receiver.example!relay.example",
        "xn--bcher-kva.example",
        "[192.0.2.1]",
        "a%40b%3Ac@d.example",
        "localhost",
        "x:y@z",
    ];
    let queue = |so_far: Value| {
        move |name: &str| {
            let (json, name) =
                (json!({ "event": "queue-config", "queue": name, "so_far": so_far }), format!("the queue {name}"));
            event(&name, &json)
        }
    };
    let set =
        json!({ "max_age": "1day", "egress_pool": "pool", "max_message_rate": "100/s", "protocol": { "smtp": {} } });
    let long = format!("{}@receiver.example", "t".repeat(250));
    let mut events: Vec<Named> = names.into_iter().chain([long.as_str()]).map(queue(json!({}))).collect();
    events.extend(names[..2].iter().copied().map(queue(set)));
    for (tenant, campaign) in
        [(Some("tenant"), Some("campaign")), (Some("tenant"), None), (None, Some("campaign")), (None, None)]
    {
        let name = format!("rates of {tenant:?} and {campaign:?}");
        events.push(event(&name, &json!({ "event": "throttles", "tenant": tenant, "campaign": campaign })));
    }
    events
}

pub(super) fn others() -> Vec<Named> {
    let session = |name: &str, more: Value| {
        let mut all = json!({ "event": "smtp-session" });
        all.as_object_mut().zip(more.as_object().cloned()).into_iter().for_each(|(all, more)| all.extend(more));
        event(name, &all)
    };
    let record =
        json!({ "type": "Delivery", "id": "x", "queue": "t@d.example", "recipient": "a@d.example" }).to_string();
    vec![
        session("connect", json!({ "step": "connect" })),
        session(
            "connect over IPv6",
            json!({ "step": "connect", "peer": "[2001:db8::1]:5", "local": "[2001:db8::2]:25" }),
        ),
        session("ehlo", json!({ "step": "ehlo", "domain": "client.example" })),
        session("ehlo with an address", json!({ "step": "ehlo", "domain": "[192.0.2.1]" })),
        session("ehlo with nonsense", json!({ "step": "ehlo", "domain": "-._\u{fffd}!" })),
        session("auth", json!({ "step": "auth", "authc": "scott", "password": "tiger" })),
        session("auth as another", json!({ "step": "auth", "authz": "tim", "authc": "scott", "password": "" })),
        session("mail from nobody", json!({ "step": "mail" })),
        session("mail", json!({ "step": "mail", "sender": "a@sender.example", "ehlo_domain": "client.example" })),
        session(
            "rcpt",
            json!({ "step": "rcpt", "sender": "a@sender.example", "recipient": "b@d.example", "may_relay": true }),
        ),
        session("rcpt to Postmaster", json!({ "step": "rcpt", "recipient": "Postmaster", "authz_id": "scott" })),
        event("a pool", &json!({ "event": "egress", "pool": "pool" })),
        event("a pool that nobody knows", &json!({ "event": "egress", "pool": "\u{202e}" })),
        event("a source", &json!({ "event": "egress", "source": "source" })),
        event(
            "a path",
            &json!({ "event": "egress", "domain": "d.example", "source": "source", "site": "mx.d.example" }),
        ),
        event(
            "mail that was put off",
            &json!({
                "event": "requeue", "sender": "a@s.example", "recipients": ["b@d.example"], "replies": ["450 4.2.1 busy"],
                "meta": { "tenant": "tenant", "campaign": "campaign" },
            }),
        ),
        event(
            "mail of nobody that was put off often",
            &json!({
                "event": "requeue", "recipients": ["b@d.example", "c@d.example"], "replies": ["421", "452 4.2.2 full"],
                "attempts": 4_000_000_000_u32,
            }),
        ),
        event("a record", &json!({ "event": "record", "records": [record] })),
        event("a hundred records", &json!({ "event": "record", "records": vec![record.clone(); 100] })),
        event(
            "a record with more in it",
            &json!({ "event": "record", "records": ["{\"type\":\"New\",\"more\":{\"a\":[1,2]}}"] }),
        ),
    ]
}

fn event(name: &str, json: &Value) -> Named {
    let event = Event::read(json.as_object().expect("an object"), NOW);
    (name.to_owned(), event.expect("an event that can happen"))
}

fn message(name: &str, content: impl Into<Vec<u8>>) -> Named {
    (name.to_owned(), received(content, |_| ()))
}

/// Returns the event of a message with this content, otherwise as `change` has it.
fn received(content: impl Into<Vec<u8>>, change: impl FnOnce(&mut Received)) -> Event {
    let content = Bytes::from(content.into());
    let session = Session {
        origin: Origin::Smtp,
        authz_id: None,
        may_relay: true,
        peer: "192.0.2.1:40000".parse().ok(),
        local: "198.51.100.1:25".parse().ok(),
        ehlo_domain: Some("client.example".to_owned()),
        hostname: "mta.example".to_owned(),
    };
    let mut received = Received {
        id: MessageId::new(NOW),
        at: NOW,
        envelope: Envelope {
            sender: Some(Address::new("ann@sender.example")),
            recipients: vec![Address::new("bob@receiver.example")],
            smtputf8: false,
            eight_bit: false,
        },
        session: Arc::new(session),
        size: content.len() as u64,
        content,
    };
    change(&mut received);
    Event::Message(Box::new(Draft::new(received)))
}

fn session(received: &mut Received, change: impl FnOnce(&mut Session)) {
    let mut session = (*received.session).clone();
    change(&mut session);
    received.session = Arc::new(session);
}
