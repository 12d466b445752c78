//! A plugin that handles requeues: mail that was put off waits longer, or in another queue, also over a restart.

use jiff::Timestamp;
use serde_json::Value;
use tollgate_testkit::guest::GATEKEEPER;

use crate::kit::{Folder, Mta, Sink, TOLLGATE, get, line, queues, send, text, with_plugin};

fn folder(sink: &Sink, more: &str) -> Folder {
    let tollgate = with_plugin(TOLLGATE, "gate", "instances = \"warm\"");
    let folder = Folder::new(&tollgate, &queues(sink.address, more));
    folder.write("gate.wasm", GATEKEEPER);
    folder
}

/// Returns for how many seconds the message of a record waits.
fn wait(record: &Value) -> i64 {
    let [due, at] = ["next_due", "event_time"].map(|field| text(record, field).parse::<Timestamp>().unwrap());
    due.duration_since(at).as_secs()
}

#[test]
fn it_moves_with_its_attempts_and_stays_moved_after_a_restart() {
    let sink = Sink::start(&["rcpt=* reply=451 4.3.0 not now times=1"]);
    let mta = Mta::start_in(folder(&sink, "retry_interval = '2 seconds'"));
    send(mta.smtp(), &["elsewhere@example.com"], "Subject: x\r\n\r\n");
    mta.wait_for_records("TransientFailure", 1);

    let mta = Mta::start_in(mta.kill9());

    sink.wait_for(1);
    let records = mta.wait_for_records("Delivery", 1);
    mta.terminate();
    let story: Vec<String> = records.iter().map(line).collect();
    let to = "elsewhere@example.com in";
    let (campaign, arrived) = (records[2]["meta"]["campaign"].as_str(), sink.arrived().len());
    assert_eq!(
        (story, campaign, arrived),
        (
            vec![
                format!("Reception {to} default-tenant@example.com #0: 250 OK"),
                format!("TransientFailure {to} default-tenant@example.com by pool-1/ip-1 #1: 451 4.3.0 not now"),
                format!("Delivery {to} after-1-451:default-tenant@example.com by pool-1/ip-1 #2: 250 2.0.0 Taken"),
            ],
            Some("after-1-451"),
            1
        )
    );
}

#[test]
fn it_waits_longer_and_a_plugin_that_fails_or_asks_for_too_much_changes_nothing() {
    let sink = Sink::start(&["rcpt=* reply=451 4.3.0 not now"]);
    let mta = Mta::start_in(folder(&sink, "retry_interval = '100 seconds'"));

    for local in ["later", "too-late", "stolen", "panic", "anybody"] {
        send(mta.smtp(), &[&format!("{local}@example.com")], "Subject: x\r\n\r\n");
    }

    let records = mta.wait_for_records("TransientFailure", 5);
    let metrics = get(mta.http, "/metrics").1;
    let counted: Vec<&str> = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("tollgate_policy_calls_total{event=\"requeue\",plugin=\"gate\",outcome="))
        .filter(|line| ["\"requeue\"", "\"unavailable\"", "\"trap\""].iter().any(|outcome| line.starts_with(outcome)))
        .collect();
    let mut failed: Vec<_> = records.iter().filter(|record| record["type"] == "TransientFailure").collect();
    failed.sort_by_key(|record| text(record, "recipient").to_owned());
    let told: Vec<_> = failed
        .into_iter()
        .map(|record| (text(record, "recipient"), text(record, "queue"), (900..1300).contains(&wait(record))))
        .collect();
    let waits = |local, longer| (local, "default-tenant@example.com", longer);
    let expected = [
        waits("anybody@example.com", false),
        waits("later@example.com", true),
        waits("panic@example.com", false),
        waits("stolen@example.com", false),
        waits("too-late@example.com", false),
    ];
    let mut counted: Vec<String> = counted.into_iter().map(str::to_owned).collect();
    counted.sort();
    assert_eq!(
        (told, counted),
        (expected.to_vec(), ["\"requeue\"} 1", "\"trap\"} 1", "\"unavailable\"} 2"].map(str::to_owned).to_vec())
    );
    mta.terminate();
}
