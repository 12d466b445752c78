//! Mail that is put off for ever ends at its age, and leaves nothing behind.

use crate::kit::{Mta, Sink, line, queues, send};

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
