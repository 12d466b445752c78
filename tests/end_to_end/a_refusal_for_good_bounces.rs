//! A 5yz of the next hop ends a message at its first attempt.

use crate::kit::{Mta, Sink, line, queues, send};

#[test]
fn the_record_has_the_reply_and_nothing_is_left() {
    let sink = Sink::start(&["rcpt=gone@ reply=550 5.1.1 no such user", "rcpt=late@ stage=dot reply=554 5.6.0 no"]);
    let mta = Mta::start(&queues(sink.address, ""));

    send(mta.smtp(), &["gone@example.com"], "Subject: x\r\n\r\n");
    mta.wait_for_records("Bounce", 1);
    send(mta.smtp(), &["late@example.com"], "Subject: x\r\n\r\n");

    let records = mta.wait_for_records("Bounce", 2);
    mta.wait_until_empty();
    let (_, folder) = mta.terminate();
    let mta = Mta::start_in(folder);
    let left = mta.queued();
    let story: Vec<String> = records.iter().map(line).collect();
    assert_eq!(
        (left, sink.arrived().len(), story),
        (
            0,
            0,
            [
                "Reception gone@example.com in default-tenant@example.com #0: 250 OK",
                "Bounce gone@example.com in default-tenant@example.com by pool-1/ip-1 #1: 550 5.1.1 no such user",
                "Reception late@example.com in default-tenant@example.com #0: 250 OK",
                "Bounce late@example.com in default-tenant@example.com by pool-1/ip-1 #1: 554 5.6.0 no",
            ]
            .map(str::to_owned)
            .to_vec()
        )
    );
}
