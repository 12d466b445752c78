//! One transaction, many recipients.

use crate::kit::{Mta, Sink, line, queues, send};

#[test]
fn fifty_recipients_of_a_transaction_get_one_message_each() {
    let sink = Sink::start(&[]);
    let mta = Mta::start(&queues(sink.address, ""));
    let recipients: Vec<String> = (10..60).map(|number| format!("r{number}@d{}.example", number % 5)).collect();
    let to: Vec<&str> = recipients.iter().map(String::as_str).collect();

    let replies = send(mta.smtp(), &to, "Subject: x\r\n\r\n");

    let arrived = sink.wait_for(50);
    let records = mta.wait_for_records("Delivery", 50);
    mta.terminate();
    let expected: Vec<_> = recipients.iter().map(|recipient| (recipient.clone(), 1)).collect();
    let deliveries = records.iter().map(line).filter(|line| line.starts_with("Delivery ")).count();
    let alone = arrived.iter().all(|message| message.to.len() == 1);
    assert_eq!(
        (replies, sink.recipients().into_iter().collect::<Vec<_>>(), alone, deliveries),
        (vec!["250 2.0.0 OK".to_owned(); 50], expected, true, 50)
    );
}
