//! HTTP requests over a socket.

use std::sync::atomic::Ordering;
use std::time::Duration;

use argon2::password_hash::{PasswordHasher as _, SaltString};
use argon2::{Argon2, Params};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tollgate_inbound::http::{HttpConfig, HttpServer, TokenHash};
use tollgate_inbound::{Caller, Identity, Transaction};

use crate::kit::{Client, Door, Program, http, open_http, say, soon};

/// Sends one request and returns status and body. `head`: fields with their line ends, Host included.
async fn request(door: &Door, line: &str, head: &str, body: &str) -> (u16, String) {
    let length = body.len();
    let octets = format!("{line} HTTP/1.1\r\n{head}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    let said = say(door.address, octets).await;
    let (head, body) = said.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), body.to_owned())
}

async fn inject(door: &Door, body: &str) -> (u16, Value) {
    let (status, body) = request(door, "POST /api/inject/v1", "Host: localhost\r\n", body).await;
    (status, serde_json::from_str(&body).unwrap())
}

fn injection(recipients: &[&str], content: &str) -> Value {
    let recipients: Vec<Value> = recipients.iter().map(|email| json!({ "email": email })).collect();
    json!({ "envelope_sender": "a@b", "recipients": recipients, "content": content })
}

/// A configuration with the user `scott`, whose password is `tiger`, and the token `0123abcd` of `injector`.
fn with_scott() -> HttpConfig {
    let salt = SaltString::from_b64("c2FsdHNhbHQ").unwrap();
    let cheap = Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, Params::new(8, 1, 1, None).unwrap());
    let hash = cheap.hash_password(b"tiger", &salt).unwrap().to_string();
    let mut config = http();
    config.users.insert("scott".into(), hash);
    config.tokens.insert("injector".into(), TokenHash::of("0123abcd"));
    config
}

fn basic(user_and_password: &str) -> String {
    format!("Authorization: Basic {}\r\n", STANDARD.encode(user_and_password))
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

/// Says who a caller is; one whose address is its own is at home.
fn who(caller: &Caller) -> String {
    let name = caller.identity.as_ref().map_or("somebody".to_owned(), ToString::to_string);
    if caller.address.is_some() { format!("{name} at home") } else { name }
}

#[tokio::test]
async fn each_recipient_gets_a_transaction_and_a_verdict_of_its_own() {
    let program = Program::new();
    let door = open_http(http(), &program);

    let answer = inject(&door, &injection(&["c@d", "no@d", "e@f"], "Subject: x\n\nä\n").to_string()).await;

    let expected = json!({
        "success_count": 2, "fail_count": 1,
        "failed_recipients": ["no@d"], "errors": ["no@d: 550 5.7.1 Policy says no"],
    });
    let mut seen = program.seen();
    seen.sort();
    let transaction = |to| format!(r#"HTTP a@b to {to} "Subject: x\r\n\r\nä\r\n""#);
    assert_eq!((answer, seen), ((200, expected), ["c@d", "e@f", "no@d"].map(transaction).to_vec()));
}

#[tokio::test]
async fn a_request_at_fault_is_refused_whole() {
    let program = Program::new();
    let door = open_http(http(), &program);
    let good = injection(&["c@d"], "a: b\n\n");
    let with = |field: &str, value: Value| {
        let mut request = good.clone();
        request[field] = value;
        request.to_string()
    };
    let to = |emails: &[&str]| injection(emails, "a: b\n\n").to_string();
    let text = |content: &str| injection(&["c@d"], content).to_string();
    let table = [
        ("no JSON", "{".to_owned(), 400, "EOF while parsing an object"),
        ("not UTF-8 escapes", r#"{"envelope_sender":"\ud800"}"#.to_owned(), 400, ""),
        ("deep", with("substitutions", json!(null)).replace("null", &"[".repeat(5000)), 400, "nested too deeply"),
        ("a list", "[]".to_owned(), 422, "expected a JSON object"),
        ("nothing", "{}".to_owned(), 422, "envelope_sender"),
        ("unknown field", with("bogus", json!(1)), 422, "unknown field `bogus`"),
        ("unsupported field", with("substitutions", json!({})), 422, "not supported here: substitutions"),
        ("deferred", with("deferred_spool", json!(true)), 422, "not supported here: deferred_spool"),
        ("structured content", with("content", json!({"subject": "x"})), 422, "only a text is taken"),
        ("no recipients", to(&[]), 422, "recipients"),
        ("bad sender", with("envelope_sender", json!("a")), 422, "envelope_sender"),
        ("CRLF in sender", with("envelope_sender", json!("a@b\r\nRCPT")), 422, "envelope_sender"),
        ("one bad recipient", to(&["c@d", "e"]), 422, "recipients[1].email"),
        ("CR in recipient", to(&["c@d\r"]), 422, "recipients[0].email"),
        ("LF in recipient", to(&["c@d>\nDATA"]), 422, "recipients[0].email"),
        ("NUL in recipient", to(&["c\0@d"]), 422, "recipients[0].email"),
        ("LF in a name", with("recipients", json!([{"email": "c@d", "name": "x\ny"}])), 422, "recipients[0].name"),
        ("lone CR in header", text("a: b\rBcc: c@d\n\n"), 422, "content"),
        ("NUL in header", text("a: b\0\n\n"), 422, "content"),
        ("loop", text(&"Received: x\n".repeat(101)), 422, "554 5.4.6"),
        ("header too large", text(&"a: b\n".repeat(60_000)), 422, "552 5.3.4"),
    ];

    for (name, body, status, word) in table {
        let (seen, answer) = inject(&door, &body).await;

        let error = answer["error"].as_str().unwrap();
        assert_eq!((seen, error.contains(word), program.seen().len()), (status, true, 0), "{name}: {error}");
    }
}

/// The client writes all of it before it listens, as most do.
#[tokio::test]
async fn a_body_over_the_limit_is_read_to_its_end_and_refused() {
    let mut config = http();
    config.max_body = 4 << 20;
    let door = open_http(config, &Program::new());

    let answer = inject(&door, &injection(&["c@d"], &"x".repeat(7 << 20)).to_string()).await;

    assert_eq!(answer, (413, json!({ "error": "the body is longer than 4194304 octets" })));
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let mut config = http();
    config.body_timeout = Duration::from_millis(50);
    let door = open_http(config, &Program::new());

    let said = say(door.address, "POST /api/inject/v1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{").await;

    assert_eq!(said.lines().next(), Some("HTTP/1.1 408 Request Timeout"));
}

#[tokio::test]
async fn a_large_message_goes_to_the_store_for_each_recipient() {
    let program = Program::new();
    let door = open_http(http(), &program);
    let content = format!("a: b\n\n{}", "text\n".repeat(100_000));

    let answer = inject(&door, &injection(&["c@d", "e@f"], &content).to_string()).await;

    let written = door.bodies.written.load(Ordering::SeqCst);
    let heads: Vec<usize> =
        program.transactions.lock().unwrap().iter().map(|transaction| transaction.content.head.len()).collect();
    assert_eq!((answer.1["success_count"].as_u64(), written, heads), (Some(2), 2 * 600_008, vec![256 << 10; 2]));
}

#[tokio::test]
async fn each_path_answers_as_it_should() {
    let program = Program::new();
    let door = open_http(http(), &program);
    for (line, status, body) in [
        ("GET /api/check-liveness/v1", 200, r#"{"status":"ok"}"#),
        ("GET /metrics", 200, "messages 1\n# EOF\n"),
        ("GET /", 404, r#"{"error":"there is nothing at this path"}"#),
        ("GET /api/inject/v1/../../metrics", 404, r#"{"error":"there is nothing at this path"}"#),
        ("GET /api/inject/v1", 405, r#"{"error":"this path does not take this method"}"#),
    ] {
        let answer = request(&door, line, "Host: localhost\r\n", "").await;

        assert_eq!(answer, (status, body.to_owned()), "{line}");
    }
}

#[tokio::test]
async fn nothing_new_is_taken_when_the_program_is_not_ready() {
    let program = Program::new();
    program.ending.store(true, Ordering::SeqCst);
    let door = open_http(http(), &program);

    let injected = inject(&door, &injection(&["c@d"], "a: b\n\n").to_string()).await;
    let alive = request(&door, "GET /api/check-liveness/v1", "Host: x\r\n", "").await;

    let text = json!({ "error": "451 4.3.2 Shutting down" });
    assert_eq!((injected, alive), ((503, text.clone()), (503, text.to_string())));
}

/// Who may, and as whom. All from 127.0.0.1; the first column says whether that is a trusted host.
#[tokio::test]
async fn the_gate_trusts_addresses_only_while_nobody_can_borrow_them() {
    let local = "Host: 127.0.0.1:8025\r\n";
    let scott = basic("scott:tiger");
    let table = [
        (true, local.to_owned(), 200, Some("somebody at home")),
        (true, "Host: localhost\r\n".to_owned(), 200, Some("somebody at home")),
        (true, "Host: LOCALHOST.:8025\r\n".to_owned(), 200, Some("somebody at home")),
        (true, "Host: [::1]:8025\r\n".to_owned(), 200, Some("somebody at home")),
        (true, "Host: MX.example\r\n".to_owned(), 200, Some("somebody at home")),
        (true, "Host: evil.example\r\n".to_owned(), 401, None),
        (true, "Host: localhost.evil.example\r\n".to_owned(), 401, None),
        (true, "Host: evil@localhost\r\n".to_owned(), 401, None),
        (true, String::new(), 401, None),
        (true, format!("{local}Host: evil.example\r\n"), 401, None),
        (true, format!("{local}Forwarded: for=1.2.3.4\r\n"), 401, None),
        (true, format!("{local}X-Forwarded-For: 127.0.0.1\r\n"), 401, None),
        (true, format!("{local}x-forwarded-proto: https\r\n"), 401, None),
        (true, format!("{local}Via: 1.1 proxy\r\n"), 401, None),
        (true, format!("{local}Origin: http://evil.example\r\n"), 401, None),
        (true, format!("{local}Origin: http://127.0.0.1:9999\r\n"), 401, None),
        (true, format!("{local}Origin: null\r\n"), 401, None),
        (true, format!("{local}Origin: http://127.0.0.1:8025\r\n"), 200, Some("somebody at home")),
        (true, format!("{local}{scott}"), 200, Some("user:scott at home")),
        (true, format!("{local}{}", basic("scott:lion")), 401, None),
        (true, format!("{local}X-Forwarded-For: 1.2.3.4\r\n{scott}"), 200, Some("user:scott")),
        (true, format!("{local}X-Forwarded-For: 1.2.3.4\r\n{}", bearer("0123abcd")), 200, Some("token:injector")),
        (true, format!("{local}{}", bearer("0123abce")), 401, None),
        (false, local.to_owned(), 401, None),
        (false, format!("{local}{scott}"), 200, Some("user:scott at home")),
        (false, format!("{local}{}", bearer("0123abcd")), 200, Some("token:injector at home")),
        (
            false,
            format!("{local}{}", bearer("0123abcd").replace("Bearer ", "bearer  ")),
            200,
            Some("token:injector at home"),
        ),
        (false, format!("{local}{}", bearer("0123ABCD")), 401, None),
        (false, format!("{local}{}", basic("injector:0123abcd")), 401, None),
        (false, format!("{local}{scott}{}", bearer("0123abcd")), 401, None),
        (false, format!("{local}{}", basic("scott:lion")), 401, None),
        (false, format!("{local}{}", basic("nobody:tiger")), 401, None),
        (false, format!("{local}{}", basic("scott")), 401, None),
        (false, format!("{local}{scott}{scott}"), 401, None),
        (false, format!("{local}Authorization: Bearer \r\n"), 401, None),
        (false, format!("{local}Authorization: Basic !\r\n"), 401, None),
    ];
    let program = Program::new();
    let trusting = open_http(with_scott(), &program);
    let mut config = with_scott();
    config.trusted_hosts.clear();
    let wary = open_http(config, &program);

    for (trusted, head, status, identity) in table {
        let door = if trusted { &trusting } else { &wary };
        let body = injection(&["c@d"], "a: b\n\n").to_string();
        let (injected, _) = request(door, "POST /api/inject/v1", &head, &body).await;
        let (read, _) = request(door, "GET /metrics", &head, "").await;

        let seen = program.transactions.lock().unwrap().pop().map(|transaction| {
            let Transaction { caller, session, .. } = transaction;
            assert_eq!(session.authz_id.as_deref(), caller.identity.as_ref().map(Identity::name));
            who(&caller)
        });
        assert_eq!((injected, read, seen.as_deref()), (status, status, identity), "trusted: {trusted}, {head:?}");
    }
}

#[tokio::test]
async fn a_refused_stranger_is_told_how_to_come_back() {
    let mut config = http();
    config.trusted_hosts.clear();
    let door = open_http(config, &Program::new());

    let said = say(door.address, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;

    let challenges: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("www-authenticate: ")).collect();
    assert_eq!(challenges, [r#"Basic realm="tollgate", charset="UTF-8""#, r#"Bearer realm="tollgate""#], "{said}");
}

#[tokio::test]
async fn an_injection_that_has_begun_is_finished_at_the_end() {
    let program = Program::slow();
    let door = open_http(http(), &program);
    let body = injection(&["c@d"], "a: b\n\n").to_string();
    let mut client = Client::connect(door.address).await;
    let length = body.len();
    client
        .send(format!("POST /api/inject/v1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}"))
        .await;
    soon(program.asked.notified()).await;

    door.trigger.fire();
    program.verdicts.add_permits(1);

    let said = client.rest().await;
    soon(door.served).await.unwrap();
    assert_eq!((&said[..15], program.seen().len()), ("HTTP/1.1 200 OK", 1));
}

#[tokio::test]
async fn an_injection_outlives_its_client() {
    let program = Program::slow();
    let door = open_http(http(), &program);
    let body = injection(&["c@d"], "a: b\n\n").to_string();
    let mut client = Client::connect(door.address).await;
    let length = body.len();
    client
        .send(format!("POST /api/inject/v1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}"))
        .await;
    soon(program.asked.notified()).await;

    drop(client);
    door.trigger.fire();
    program.verdicts.add_permits(1);

    soon(door.served).await.unwrap();
    assert_eq!(program.seen().len(), 1);
}

#[tokio::test]
async fn a_password_hash_that_is_none_is_named() {
    let mut config = http();
    config.users.insert("scott".into(), "tiger".into());

    let error = HttpServer::bind(config).unwrap_err().to_string();

    assert_eq!(error, "the password hash of user scott is not an argon2id PHC string");
}
