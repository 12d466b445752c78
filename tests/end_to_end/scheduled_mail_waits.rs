//! Mail whose header says when it may go.

use jiff::{SignedDuration, Timestamp};

use crate::kit::{Mta, Sink, line, queues, send, split_trace};

/// Returns a message that may go in three seconds, and when that is.
fn for_later() -> (String, Timestamp) {
    let first = Timestamp::now() + SignedDuration::from_secs(3);
    (format!("X-Schedule: {{\"first_attempt\": \"{first:.3}\"}}\r\nSubject: later\r\n\r\n"), first)
}

#[test]
fn a_first_attempt_is_not_made_before_its_time() {
    let sink = Sink::start(&[]);
    let mta = Mta::start(&queues(sink.address, ""));
    let (message, first) = for_later();

    send(mta.smtp(), &["a@example.com"], &message);
    send(mta.smtp(), &["b@example.com"], "Subject: now\r\n\r\n");

    let arrived = sink.wait_for(2);
    let records = mta.wait_for_records("Delivery", 2);
    mta.terminate();
    let seen: Vec<_> = arrived
        .iter()
        .map(|message| (message.to.join(" "), split_trace(&message.data).1, message.at >= first))
        .collect();
    assert_eq!(
        (seen, records.last().map(line)),
        (
            vec![
                ("b@example.com".to_owned(), b"Subject: now\r\n\r\n".to_vec(), false),
                ("a@example.com".to_owned(), b"Subject: later\r\n\r\n".to_vec(), true),
            ],
            Some("Delivery a@example.com in default-tenant@example.com by pool-1/ip-1 #1: 250 2.0.0 Taken".to_owned())
        )
    );
}

#[test]
fn a_restart_makes_no_scheduled_message_early() {
    let sink = Sink::start(&[]);
    let mta = Mta::start(&queues(sink.address, ""));
    let (message, first) = for_later();
    send(mta.smtp(), &["a@example.com"], &message);

    let mta = Mta::start_in(mta.kill9());

    let arrived = sink.wait_for(1);
    mta.terminate();
    assert_eq!((arrived[0].at >= first, sink.arrived().len()), (true, 1));
}
