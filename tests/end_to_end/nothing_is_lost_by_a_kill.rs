//! SIGKILL under load: whatever was acknowledged arrives.

use std::{collections::BTreeSet, thread};

use tollgate_peer::send::{self, SendConfig, SendReport};

use crate::kit::{Mta, Sink, block_on, free_address, queues, wait_until};

/// Queues whose mail is tried again every second.
pub(crate) const OFTEN: &str = "retry_interval = '1 second'\nmax_retry_interval = '1 second'";

/// What became of a load.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Fate {
    /// Numbers of messages that were acknowledged and did not arrive.
    pub(crate) lost: Vec<u64>,
    /// Arrivals beyond the first of a message.
    pub(crate) duplicates: usize,
}

/// Compares what was acknowledged with what has arrived.
pub(crate) fn fate(report: &SendReport, sink: &Sink) -> Fate {
    let messages = report.sent + report.refused + report.failed;
    let recipients = sink.recipients();
    let arrived = |number: &u64| recipients.contains_key(&format!("u{number}@example.com"));
    let refused: BTreeSet<u64> = report.not_acknowledged.iter().copied().collect();
    let lost = (0..messages).filter(|number| !refused.contains(number) && !arrived(number)).collect();
    let duplicates = recipients.values().map(|times| times - 1).sum();
    let arrived = recipients.len();
    eprintln!("{} acknowledged, {arrived} arrived, {duplicates} of them again; {:?}", report.sent, report.codes);
    Fate { lost, duplicates }
}

#[test]
fn mail_that_was_never_tried_arrives_once_after_a_kill() {
    let next_hop = free_address();
    let mta = Mta::start(&queues(next_hop, OFTEN));
    let load = SendConfig { to: mta.smtp(), connections: 10, messages: 1000, ..SendConfig::default() };
    let load = thread::spawn(move || block_on(send::run(load)).unwrap());
    mta.wait_for_records("Reception", 100);

    let mta = Mta::start_in(mta.kill9());
    let sink = Sink::start_at(next_hop, &[]);

    let report = load.join().unwrap();
    mta.wait_until_empty();
    mta.terminate();
    assert_eq!(fate(&report, &sink), Fate { lost: vec![], duplicates: 0 });
}

#[test]
fn mail_that_was_put_off_arrives_once_after_a_kill() {
    let refusing = Sink::start(&["stage=mail reply=451 4.3.0 not now"]);
    let mta = Mta::start(&queues(refusing.address, OFTEN));
    let load = SendConfig { to: mta.smtp(), connections: 10, messages: 200, ..SendConfig::default() };
    let report = block_on(send::run(load)).unwrap();

    let folder = mta.kill9();
    let address = refusing.address;
    drop(refusing);
    let sink = Sink::start_at(address, &[]);
    let mta = Mta::start_in(folder);

    mta.wait_until_empty();
    mta.terminate();
    assert_eq!((report.sent, fate(&report, &sink)), (200, Fate { lost: vec![], duplicates: 0 }));
}

#[test]
fn mail_under_way_arrives_at_least_once_over_several_kills() {
    let sink = Sink::start(&["stage=dot delay=5ms"]);
    let mut mta = Mta::start(&queues(sink.address, OFTEN));
    let load = SendConfig { to: mta.smtp(), connections: 10, messages: 2000, ..SendConfig::default() };
    let load = thread::spawn(move || block_on(send::run(load)).unwrap());

    for kill in 1..=3 {
        wait_until("mail is under way", || sink.counter.counts().messages >= kill * 150);
        mta = Mta::start_in(mta.kill9());
    }

    let report = load.join().unwrap();
    mta.wait_until_empty();
    mta.terminate();
    assert_eq!(fate(&report, &sink).lost, Vec::<u64>::new());
}
