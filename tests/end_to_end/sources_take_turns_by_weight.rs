//! A pool of two sources with weights 2 and 1.

use std::collections::BTreeMap;

use crate::kit::{Mta, Sink, queues, send, senders};

#[test]
fn thirty_messages_leave_by_twenty_and_ten() {
    let sink = Sink::start(&[]);
    let weighted = queues(sink.address, "").replace("'pool-1'", "'weighted'");
    let mta = Mta::start(&weighted);

    for number in 0..30 {
        send(mta.smtp(), &[&format!("r{number}@example.com")], "Subject: x\r\n\r\n");
    }

    let arrived = sink.wait_for(30);
    mta.terminate();
    let mut counts = BTreeMap::new();
    for sender in senders(&arrived) {
        *counts.entry(sender).or_insert(0) += 1;
    }
    let expected = [("127.0.0.12 out2.example", 20), ("127.0.0.13 out3.example", 10)];
    assert_eq!(counts, expected.map(|(sender, count)| (sender.to_owned(), count)).into());
}
