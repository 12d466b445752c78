//! Components of tenants: named in the configuration or sent over HTTP, good and bad, next to each other's mail.

use serde_json::Value;
use tollgate_testkit::guest::GREEDY;

use crate::kit::{Dialogue, Folder, Mta, Sink, TOLLGATE, bring, get, queues, split_trace, wait_until};

/// A token whose hash openssl made.
const TOKEN: &str = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";
const HASH: &str = "sha256:0e53aae2eabd575555371f862cb885ff20472caced1f5e8fc80291b2f03dcab6";

/// Tenants of policy; `theirs` has no component.
const TENANTS: &str = "[tenant.mine]\negress_pool = 'pool-1'\n[tenant.theirs]\negress_pool = 'pool-2'";

const FAILED: &str = "451 4.3.0 message processing failed";
const FINE: &str = "250 2.0.0 OK";

/// Returns a configuration in which `mine` has these keys besides its identity.
fn configuration(mine: &str) -> String {
    let tenants = format!(
        "[tenant.theirs]\nidentities = [\"net:127.0.0.3\"]\n[tenant.mine]\nidentities = [\"net:127.0.0.2\"]\n{mine}\n[log]"
    );
    TOLLGATE.replace("[log]", &tenants)
}

fn start(mine: &str, sink: &Sink, component: &[u8]) -> Mta {
    let folder = Folder::new(&configuration(mine), &queues(sink.address, TENANTS));
    folder.write("mine.wasm", component);
    Mta::start_in(folder)
}

/// Sends a message as the tenant `mine`, or as `theirs`, and returns the reply.
fn send(mta: &Mta, tenant: &str, to: &str, wish: &str) -> String {
    let from = if tenant == "mine" { "127.0.0.2" } else { "127.0.0.3" };
    let wish = if wish.is_empty() { String::new() } else { format!("X-Try: {wish}\r\n") };
    Dialogue::open_from(from, mta.smtp()).message(to, &format!("{wish}Subject: s\r\n\r\nbody\r\n"))
}

/// Returns recipient and content of each message at the sink, without the trace, by recipient.
fn arrived(sink: &Sink, count: usize) -> Vec<(String, String)> {
    let content = |data: &[u8]| String::from_utf8(split_trace(data).1).unwrap();
    let mut arrived: Vec<_> =
        sink.wait_for(count).iter().map(|message| (message.to.join(" "), content(&message.data))).collect();
    arrived.sort();
    arrived
}

fn wait_for_generation(mta: &Mta, number: u64) {
    let line = format!("tollgate_config_generation {number}\n");
    wait_until(&format!("generation {number}"), || get(mta.http, "/metrics").1.contains(&line));
}

#[test]
fn it_judges_and_changes_that_tenants_mail_alone() {
    let sink = Sink::start(&[]);
    let mta = start("component = \"mine.wasm\"", &sink, GREEDY);

    let replies = [
        send(&mta, "mine", "a@example.com", ""),
        send(&mta, "theirs", "b@example.com", ""),
        send(&mta, "mine", "c@example.com", "set campaign: spring"),
        send(&mta, "mine", "d@example.com", "set tenant: theirs"),
        send(&mta, "mine", "e@example.com", "reject"),
        send(&mta, "theirs", "f@example.com", "reject"),
    ];

    let content: Vec<(String, String)> = arrived(&sink, 5);
    let mut records = mta.wait_for_records("Delivery", 5);
    mta.terminate();
    records.retain(|record| record["type"] == "Reception");
    let trails: Vec<String> = records
        .iter()
        .map(|record| {
            let asked = record["policy"].as_array().unwrap().iter().map(|step| step["plugin"].as_str().unwrap());
            format!("{} by {}", record["queue"].as_str().unwrap(), asked.collect::<Vec<_>>().join(" "))
        })
        .collect();
    let body = "Subject: s\r\n\r\nbody\r\n";
    let with = |before: &str, after: &str| format!("{before}Subject: s\r\n{after}\r\nbody\r\n");
    let expected = [
        ("a@example.com", with("", "X-Greedy: was here\r\n")),
        ("b@example.com", body.to_owned()),
        ("c@example.com", with("X-Try: set campaign: spring\r\n", "X-Tried: granted\r\n")),
        ("d@example.com", with("X-Try: set tenant: theirs\r\n", "X-Tried: denied\r\n")),
        ("f@example.com", with("X-Try: reject\r\n", "")),
    ];
    assert_eq!(replies, [FINE, FINE, FINE, FINE, "550 5.7.1 told to", FINE].map(str::to_owned));
    assert_eq!(content, expected.map(|(to, content)| (to.to_owned(), content)));
    assert_eq!(
        trails,
        [
            "mine@example.com by queue-helper tenant:mine",
            "theirs@example.com by queue-helper",
            "spring:mine@example.com by queue-helper tenant:mine",
            "mine@example.com by queue-helper tenant:mine",
            "theirs@example.com by queue-helper",
        ]
    );
}

#[test]
fn one_that_is_broken_holds_up_its_tenants_mail_alone_until_it_is_mended() {
    let sink = Sink::start(&[]);
    let mta = start("component = \"mine.wasm\"", &sink, b"no component");
    let before = [send(&mta, "mine", "a@example.com", ""), send(&mta, "theirs", "b@example.com", "")];

    mta.write("mine.wasm", GREEDY);
    wait_for_generation(&mta, 2);
    let mended = send(&mta, "mine", "c@example.com", "");
    mta.write("mine.wasm", "broken again");
    wait_for_generation(&mta, 3);
    let after = [send(&mta, "mine", "d@example.com", ""), send(&mta, "theirs", "e@example.com", "")];

    let greeted: Vec<(String, bool)> =
        arrived(&sink, 4).into_iter().map(|(to, content)| (to, content.contains("X-Greedy"))).collect();
    let kept = mta.stderr("keeps its last good component").len();
    mta.terminate();
    let expected = [("b", false), ("c", true), ("d", true), ("e", false)];
    assert_eq!((before, mended), ([FAILED, FINE].map(str::to_owned), FINE.to_owned()));
    assert_eq!((after, kept), ([FINE, FINE].map(str::to_owned), 1));
    assert_eq!(greeted, expected.map(|(to, greeted)| (format!("{to}@example.com"), greeted)));
}

const POLICY: &str = "/api/v1/tenants/mine/policy";

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

#[test]
fn it_is_sent_with_the_tenants_token_counts_once_it_is_found_good_and_outlives_a_restart() {
    let sink = Sink::start(&[]);
    let mta = start(&format!("component = \"upload\"\ntoken_hash = \"{HASH}\""), &sink, b"");
    let none = bring("GET", mta.http, POLICY, &bearer(TOKEN), b"").0;
    let unjudged = send(&mta, "mine", "a@example.com", "reject");

    let (refused, why) = bring("PUT", mta.http, POLICY, &bearer(TOKEN), b"no component");
    let still = send(&mta, "mine", "b@example.com", "reject");
    let (taken, report) = bring("PUT", mta.http, POLICY, &bearer(TOKEN), GREEDY);
    let judged = send(&mta, "mine", "c@example.com", "reject");
    let (_, folder) = mta.terminate();
    let mta = Mta::start_in(folder);
    let again = send(&mta, "mine", "d@example.com", "reject");
    let (shown, there) = bring("GET", mta.http, POLICY, &bearer(TOKEN), b"");
    let (removed, _) = bring("DELETE", mta.http, POLICY, &bearer(TOKEN), b"");
    let gone = [bring("GET", mta.http, POLICY, &bearer(TOKEN), b"").0, bring("DELETE", mta.http, POLICY, "", b"").0];
    let free = send(&mta, "mine", "e@example.com", "reject");

    mta.terminate();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    assert_eq!((none, refused, taken, shown, removed, gone), (404, 422, 200, 200, 200, [404, 404]));
    assert_eq!([unjudged, still, judged, again, free], [FINE, FINE, "550 5.7.1 told to", "550 5.7.1 told to", FINE]);
    let message = text(&why["errors"][0]["message"]);
    assert!(why["ok"] == false && message.contains("the component of tenant:mine"), "{why}");
    assert_eq!((&report["ok"], &report["size"]), (&Value::Bool(true), &Value::from(GREEDY.len())));
    assert_eq!((text(&report["digest"]).len(), &there["digest"]), ("blake3:".len() + 64, &report["digest"]));
}

#[test]
fn nobody_else_sends_it_and_nobody_sends_it_too_often() {
    let sink = Sink::start(&[]);
    let theirs = "[tenant.theirs]\ncomponent = \"upload\"\ntoken_hash = \"sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b\"";
    let mine = format!("component = \"upload\"\ntoken_hash = \"{HASH}\"\nquota.uploads = 2");
    let tollgate = configuration(&mine).replace("[tenant.theirs]", theirs);
    let mta = Mta::start_in(Folder::new(&tollgate, &queues(sink.address, TENANTS)));
    let put = |fields: &str, octets: &[u8]| bring("PUT", mta.http, POLICY, fields, octets).0;

    let refused = [
        put("X-Forwarded-For: 192.0.2.1\r\n", GREEDY),
        put(&bearer("wrong"), GREEDY),
        put(&bearer("secret"), GREEDY),
        bring("PUT", mta.http, "/api/v1/tenants/ghost/policy", "", GREEDY).0,
        bring("PUT", mta.http, "/api/v1/tenants/ghost/policy", &bearer(TOKEN), GREEDY).0,
    ];
    let counted = [put("", b"no component"), put(&bearer(TOKEN), GREEDY), put(&bearer(TOKEN), GREEDY)];

    let others = bring("PUT", mta.http, "/api/v1/tenants/theirs/policy", &bearer("secret"), GREEDY).0;
    mta.terminate();
    assert_eq!((refused, counted, others), ([401, 401, 403, 404, 403], [422, 200, 429], 200));
}

#[test]
fn a_tenant_that_is_over_its_quota_waits_and_nobody_else_does() {
    let sink = Sink::start(&["rcpt=* reply=450 4.2.0 later"]);
    let mta = start("quota.messages = 2\nquota.queues = 1", &sink, b"");

    let replies = [
        ("mine", "a@example.com"),
        ("mine", "b@another.example"),
        ("mine", "c@example.com"),
        ("mine", "d@example.com"),
        ("theirs", "e@another.example"),
    ]
    .map(|(tenant, to)| send(&mta, tenant, to, ""));
    let (_, folder) = mta.terminate();
    let mta = Mta::start_in(folder);
    let after_a_restart = send(&mta, "mine", "f@example.com", "");

    mta.terminate();
    let full = "452 4.2.2 of tenant 'mine' too many messages are queued, try again later";
    let wide = "452 4.2.2 of tenant 'mine' mail is queued for too many campaigns and domains, try again later";
    assert_eq!((replies, after_a_restart), ([FINE, wide, FINE, full, FINE].map(str::to_owned), full.to_owned()));
}

#[test]
fn a_tenant_that_has_used_up_its_share_of_a_core_is_put_off_and_nobody_else_is() {
    let sink = Sink::start(&[]);
    let limits = "component = \"mine.wasm\"\nlimits = { cpu_share = \"0.1%\", cpu = \"20s\", wall = \"60s\" }";
    let mta = start(limits, &sink, GREEDY);

    let spent = send(&mta, "mine", "a@example.com", "spin");
    let replies = [send(&mta, "mine", "b@example.com", ""), send(&mta, "theirs", "c@example.com", "")];

    mta.terminate();
    let over = "451 4.3.2 the tenant's policy has used up its share of CPU time, try again later";
    assert_eq!((spent, replies), (FINE.to_owned(), [over, FINE].map(str::to_owned)));
}
