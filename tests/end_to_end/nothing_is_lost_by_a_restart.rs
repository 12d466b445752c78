//! SIGTERM, with mail waiting and with mail coming in.

use std::thread;

use tollgate_peer::send::{self, SendConfig};

use crate::kit::{Mta, Sink, block_on, line, queues, wait_until};
use crate::nothing_is_lost_by_a_kill::{Fate, OFTEN, fate};

#[test]
fn a_message_that_waits_goes_on_counting_its_attempts() {
    let sink = Sink::start(&["rcpt=* reply=451 4.3.0 not now times=2"]);
    let settings = "retry_interval = '2 seconds'\nmax_retry_interval = '2 seconds'";
    let mta = Mta::start(&queues(sink.address, settings));
    crate::kit::send(mta.smtp(), &["a@example.com"], "Subject: x\r\n\r\n");
    mta.wait_for_records("TransientFailure", 1);

    let (status, folder) = mta.terminate();
    let mta = Mta::start_in(folder);

    sink.wait_for(1);
    let records = mta.wait_for_records("Delivery", 1);
    let (again, _) = mta.terminate();
    let story: Vec<String> = records.iter().map(line).collect();
    let of = "a@example.com in default-tenant@example.com";
    assert_eq!(
        (status.code(), again.code(), sink.arrived().len(), story),
        (
            Some(0),
            Some(0),
            1,
            vec![
                format!("Reception {of} #0: 250 OK"),
                format!("TransientFailure {of} by pool-1/ip-1 #1: 451 4.3.0 not now"),
                format!("TransientFailure {of} by pool-1/ip-1 #2: 451 4.3.0 not now"),
                format!("Delivery {of} by pool-1/ip-1 #3: 250 2.0.0 Taken"),
            ]
        )
    );
}

#[test]
fn mail_acknowledged_during_a_drain_is_delivered_once() {
    let sink = Sink::start(&["stage=dot delay=5ms"]);
    let mta = Mta::start(&queues(sink.address, OFTEN));
    let load = SendConfig { to: mta.smtp(), connections: 10, messages: 1000, ..SendConfig::default() };
    let load = thread::spawn(move || block_on(send::run(load)).unwrap());
    wait_until("mail is under way", || sink.counter.counts().messages >= 50);

    let (status, folder) = mta.terminate();
    let mta = Mta::start_in(folder);

    let report = load.join().unwrap();
    mta.wait_until_empty();
    mta.terminate();
    assert_eq!((status.code(), fate(&report, &sink)), (Some(0), Fate { lost: vec![], duplicates: 0 }));
}
