//! What plugins are asked, as the metrics count it.

use crate::kit::{Mta, Sink, queues, send};

#[test]
fn a_queue_is_asked_about_once_and_a_message_for_each() {
    let sink = Sink::start(&[]);
    let mta = Mta::start(&queues(sink.address, ""));

    for to in ["a@example.com", "b@example.com", "c@example.com", "d@other.example"] {
        send(mta.smtp(), &[to], "Subject: x\r\n\r\n");
    }

    let asked = [("message-received", "accept"), ("queue-config", "answer"), ("throttles", "answer")].map(
        |(event, outcome)| {
            let labels = format!("event=\"{event}\",plugin=\"queue-helper\",outcome=\"{outcome}\"");
            mta.metric(&format!("policy_calls_total{{{labels}}}"))
        },
    );
    mta.terminate();
    assert_eq!(asked, ["4", "2", "2"]);
}
