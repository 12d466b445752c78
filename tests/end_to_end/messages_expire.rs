//! Mail that is put off for ever ends at its age, and leaves nothing behind.

use serde_json::Value;

use crate::kit::{Folder, Mta, Sink, TOLLGATE, line, queues, send, text, wait_for};

#[test]
fn an_expired_message_is_recorded_and_gone_after_a_restart() {
    let sink = Sink::start(&["rcpt=* reply=451 4.2.1 never mind"]);
    let settings = "retry_interval = '1 second'\nmax_age = '2 seconds'";
    let mta = Mta::start(&queues(sink.address, settings));

    send(mta.smtp(), &["a@example.com"], "Subject: x\r\n\r\n");

    let records = mta.wait_for_records("Expiration", 1);
    let (_, folder) = mta.terminate();
    let address = sink.address;
    drop(sink);
    let sink = Sink::start_at(address, &[]);
    let mta = Mta::start_in(folder);
    let left = mta.queued();
    mta.terminate();
    // How many attempts fit into the age depends on the machine, and so do the numbers in what is said.
    let mut story: Vec<String> = records.iter().map(|record| line(record).replace(char::is_numeric, "")).collect();
    story.dedup();
    let of = "a@example.com in default-tenant@example.com";
    assert_eq!(
        (left, sink.arrived().len(), story),
        (
            0,
            0,
            vec![
                format!("Reception {of} #:  OK"),
                format!("TransientFailure {of} by pool-/ip- #:  .. never mind"),
                format!(
                    "Expiration {of} by pool-/ip- #:  .. \
                     Next delivery time would be s after creation, which exceeds max_age=s"
                ),
            ]
        )
    );
}

#[test]
fn mail_that_waits_for_the_rate_of_its_destination_expires_there() {
    let sink = Sink::start(&[]);
    let egress = "[egress.'slow.example']\nmax_message_rate = \"1/s,max_burst=1\"\n";
    let mta = Mta::start_in(Folder::new(&format!("{TOLLGATE}{egress}"), &queues(sink.address, "max_age = '3s'")));

    for user in 'a'..='h' {
        send(mta.smtp(), &[&format!("{user}@slow.example")], "Subject: x\r\n\r\n");
    }

    let of = |records: &[Value], kind: &str| -> Vec<Value> {
        records.iter().filter(|record| record["type"] == kind).cloned().collect()
    };
    let (sent, ended) = wait_for("all are recorded", || {
        let records = mta.records();
        let (sent, ended) = (of(&records, "Delivery"), of(&records, "Expiration"));
        (sent.len() + ended.len() == 8).then_some((sent, ended))
    });
    mta.terminate();
    let age = |record: &Value| record["timestamp"].as_f64().unwrap() - record["created"].as_f64().unwrap();
    let late = sent.iter().filter(|record| age(record) > 3.0).count();
    let said = text(&ended[0]["response"], "content").replace(char::is_numeric, "");
    assert_eq!((sent.is_empty(), late, said.as_str()), (false, 0, "Next delivery time s > s"));
}
