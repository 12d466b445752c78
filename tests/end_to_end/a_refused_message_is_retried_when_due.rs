//! A temporary refusal: tried again at its due time, delivered once.

use jiff::Timestamp;

use crate::kit::{Mta, Sink, line, queues, send, text};

#[test]
fn a_retry_comes_not_before_its_due_time_and_counts_on() {
    let sink = Sink::start(&["rcpt=* reply=451 4.3.0 not now times=1"]);
    let mta = Mta::start(&queues(sink.address, "retry_interval = '2 seconds'"));

    let replies = send(mta.smtp(), &["a@example.com"], "Subject: x\r\n\r\n");

    let arrived = sink.wait_for(1);
    let records = mta.wait_for_records("Delivery", 1);
    mta.terminate();
    let due: Timestamp = text(&records[1], "next_due").parse().unwrap();
    let received: Timestamp = text(&records[0], "event_time").parse().unwrap();
    let early = (due.duration_since(received).as_millis() < 2000, arrived[0].at < due);
    let story: Vec<String> = records.iter().map(line).collect();
    assert_eq!(
        (replies, early, sink.arrived().len(), story),
        (
            vec!["250 2.0.0 OK".to_owned()],
            (false, false),
            1,
            vec![
                "Reception a@example.com in default-tenant@example.com #0: 250 OK".to_owned(),
                "TransientFailure a@example.com in default-tenant@example.com by pool-1/ip-1 #1: 451 4.3.0 not now"
                    .to_owned(),
                "Delivery a@example.com in default-tenant@example.com by pool-1/ip-1 #2: 250 2.0.0 Taken".to_owned(),
            ]
        )
    );
}
