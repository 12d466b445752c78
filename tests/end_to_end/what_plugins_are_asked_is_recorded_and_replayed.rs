//! `[capture]`: what a server's plugins are asked goes into files from which `plugin replay` asks again.

use std::fs;

use serde_json::{Value, json};
use tollgate_testkit::guest::QUEUE_HELPER;

use crate::kit::{Folder, Mta, Sink, TOLLGATE, queues, send, wait_for};

#[test]
fn recorded_events_are_redacted_and_show_where_another_version_differs() {
    let sink = Sink::start(&[]);
    let capture = "[capture]\npath = 'events'\nheaders = ['X-Tenant']\n";
    let folder =
        Folder::new(&format!("{TOLLGATE}\n{capture}"), &queues(sink.address, "[tenant.one]\nmax_age = '1 day'"));
    let mta = Mta::start_in(folder);

    let message = "Subject: secret\r\nX-Tenant: one\r\n\r\nalso secret\r\n";
    send(mta.smtp(), &["ann@example.com"], message);
    mta.wait_until_empty();
    let (_, folder) = mta.terminate();

    let text = wait_for("three events in the file", || {
        let text = fs::read_to_string(folder.path().join("events/queue-helper.jsonl")).unwrap_or_default();
        (text.lines().count() >= 3).then_some(text)
    });
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["message-received", "queue-config", "throttles"]);
    assert_eq!(["secret", "ann@", "sender@"].map(|word| text.contains(word)), [false; 3], "{text}");
    folder.write("helper.wasm", QUEUE_HELPER);
    folder.write("other.toml", folder.read("queues.toml").replace("1 day", "2 days"));
    let replay = |against: &str| {
        let files = ["--config", "queues.toml", "--against", "helper.wasm", "--against-config", against, "--json"];
        let (code, out, _) =
            folder.command(&[&["plugin", "replay", "--events", "events", "helper.wasm"][..], &files].concat());
        (code, serde_json::from_str::<Value>(&out).unwrap())
    };
    let (same, differing) = (replay("queues.toml"), replay("other.toml"));
    let difference = json!([{ "at": "settings.max_age", "this": "1day", "other": "2days" }]);
    assert_eq!((same.0, &same.1["events"]), (0, &json!(3)), "{}", same.1);
    assert_eq!((differing.0, &differing.1["differing"][0]["differences"]), (1, &difference), "{}", differing.1);
}
