//! A plugin that handles records: it hears of everything that the log has, and what it fails at is dropped and counted.

use tollgate_testkit::guest::GATEKEEPER;

use crate::kit::{Folder, Mta, Sink, TOLLGATE, get, queues, send, wait_until, with_plugin};

#[test]
fn each_record_is_heard_once_and_a_batch_that_fails_is_counted() {
    let sink = Sink::start(&["rcpt=no@ reply=550 5.1.1 no"]);
    let folder = Folder::new(&with_plugin(TOLLGATE, "gate", ""), &queues(sink.address, ""));
    folder.write("gate.wasm", GATEKEEPER);
    let mta = Mta::start_in(folder);

    send(mta.smtp(), &["a@example.com", "no@example.com"], "Subject: x\r\n\r\n");
    wait_until("four records are heard of", || mta.stderr("heard of a").len() >= 4);
    send(mta.smtp(), &["panic-record@example.com"], "Subject: x\r\n\r\n");
    wait_until("a batch is dropped", || {
        get(mta.http, "/metrics").1.contains("tollgate_policy_records_dropped_total{reason=\"trap\"}")
    });

    let mut heard: Vec<String> = mta
        .stderr("heard of a")
        .iter()
        .filter_map(|line| line.split_once("heard of a ")?.1.split(' ').next().map(str::to_owned))
        .collect();
    heard.sort();
    let records = mta.wait_for_records("Delivery", 2);
    mta.terminate();
    assert_eq!(
        (heard, records.len()),
        (["Delivery", "Reception", "Reception", "surprise"].map(str::to_owned).to_vec(), 6)
    );
}
