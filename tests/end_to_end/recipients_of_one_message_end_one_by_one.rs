//! `batch_handling = "BatchByDomain"`: one message for all recipients of a domain, and an end of its own for each of them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::kit::{Dialogue, Folder, Mta, Sink, TOLLGATE, line, queues, send, text};
use crate::nothing_is_lost_by_a_kill::OFTEN;

/// One recipient is taken, one put off, one refused.
const EACH_HIS_OWN: [&str; 2] =
    ["rcpt=no@ reply=550 5.1.1 no such user", "rcpt=later@ reply=450 4.2.0 not now times=1"];

fn start(sink: &Sink, settings: &str) -> Mta {
    start_with(sink, settings, "")
}

fn start_with(sink: &Sink, settings: &str, egress: &str) -> Mta {
    let hosts = "relay_hosts = [\"127.0.0.0/8\"]";
    let batched = TOLLGATE.replace(hosts, &format!("{hosts}\nbatch_handling = \"BatchByDomain\""));
    Mta::start_in(Folder::new(&format!("{batched}{egress}"), &queues(sink.address, settings)))
}

/// Returns `u000@example.com` and so on.
fn many(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("u{number:03}@example.com")).collect()
}

fn send_to(mta: &Mta, recipients: &[String]) {
    let recipients: Vec<&str> = recipients.iter().map(String::as_str).collect();
    let replies = send(mta.smtp(), &recipients, "Subject: x\r\n\r\n");
    assert_eq!(replies, vec!["250 2.0.0 OK".to_owned(); recipients.len()]);
}

/// Counts records by kind and attempt.
fn tally(records: &[Value]) -> BTreeMap<String, usize> {
    let mut tally = BTreeMap::new();
    for record in records {
        *tally.entry(format!("{} #{}", text(record, "type"), record["num_attempts"])).or_default() += 1;
    }
    tally
}

fn expect(counts: &[(&str, usize)]) -> BTreeMap<String, usize> {
    counts.iter().map(|(what, count)| ((*what).to_owned(), *count)).collect()
}

/// Returns how many recipients each message at the sink had.
fn sizes(sink: &Sink) -> Vec<usize> {
    sink.arrived().iter().map(|message| message.to.len()).collect()
}

#[test]
fn one_is_delivered_one_bounces_and_only_the_third_is_tried_again() {
    let sink = Sink::start(&EACH_HIS_OWN);
    let mta = start(&sink, "retry_interval = '2 seconds'");
    let mut session = Dialogue::open(mta.smtp());
    session.say("MAIL FROM:<s@client.example>");
    for recipient in ["ok@Example.com", "x@example.org", "later@example.com", "no@EXAMPLE.com"] {
        session.say(&format!("RCPT TO:<{recipient}>"));
    }
    session.say("DATA");

    let reply = session.say("Subject: x\r\n\r\n.");

    let records = mta.wait_for_records("Delivery", 3);
    mta.terminate();
    let mut to: Vec<Vec<String>> = sink.arrived().into_iter().map(|message| message.to).collect();
    to.sort();
    let mut story: Vec<String> = records.iter().map(line).collect();
    story.sort();
    let (of, by) = ("in default-tenant@example.com", "in default-tenant@example.com by pool-1/ip-1");
    assert_eq!(
        (reply.split(' ').count(), to, story),
        (
            // 250 2.0.0 OK ids=FIRST SECOND
            5,
            [["later@example.com"], ["ok@Example.com"], ["x@example.org"]]
                .map(|to| to.map(str::to_owned).to_vec())
                .to_vec(),
            vec![
                format!("Bounce no@EXAMPLE.com {by} #1: 550 5.1.1 no such user"),
                format!("Delivery later@example.com {by} #2: 250 2.0.0 Taken"),
                format!("Delivery ok@Example.com {by} #1: 250 2.0.0 Taken"),
                "Delivery x@example.org in default-tenant@example.org by pool-1/ip-1 #1: 250 2.0.0 Taken".to_owned(),
                format!("Reception later@example.com {of} #0: 250 OK"),
                format!("Reception no@EXAMPLE.com {of} #0: 250 OK"),
                format!("Reception ok@Example.com {of} #0: 250 OK"),
                "Reception x@example.org in default-tenant@example.org #0: 250 OK".to_owned(),
                format!("TransientFailure later@example.com {by} #1: 450 4.2.0 not now"),
            ]
        )
    );
}

#[test]
fn who_is_done_stays_done_over_a_kill() {
    let putting_off = Sink::start(&["rcpt=no@ reply=550 5.1.1 no such user", "rcpt=later@ reply=450 4.2.0 not now"]);
    let mta = start(&putting_off, OFTEN);
    send_to(&mta, &["ok", "later", "no"].map(|name| format!("{name}@example.com")));
    // By the second attempt the outcome of the first is on the disk.
    mta.wait_for_records("TransientFailure", 2);

    let folder = mta.kill9();
    let address = putting_off.address;
    let before = putting_off.recipients();
    drop(putting_off);
    let sink = Sink::start_at(address, &[]);
    let mta = Mta::start_in(folder);

    let records = mta.wait_for_records("Delivery", 2);
    mta.wait_until_empty();
    mta.terminate();
    let ends: Vec<String> = records
        .iter()
        .filter(|record| text(record, "type") != "TransientFailure")
        .map(|record| format!("{} {}", text(record, "type"), text(record, "recipient")))
        .collect();
    let expected = [
        "Reception ok@example.com",
        "Reception later@example.com",
        "Reception no@example.com",
        "Delivery ok@example.com",
        "Bounce no@example.com",
        "Delivery later@example.com",
    ];
    let once = |recipient: &str| BTreeMap::from([(recipient.to_owned(), 1)]);
    assert_eq!(
        (ends, before, sink.recipients()),
        (expected.map(str::to_owned).to_vec(), once("ok@example.com"), once("later@example.com"),)
    );
}

#[test]
fn more_than_a_hundred_go_in_several_transactions_over_one_connection() {
    let sink = Sink::start(&EACH_HIS_OWN);
    let mta = start(&sink, "retry_interval = '2 seconds'");
    let mut recipients = many(250);
    (recipients[7], recipients[130]) = ("later@example.com".to_owned(), "no@example.com".to_owned());

    send_to(&mta, &recipients);

    let records = mta.wait_for_records("Delivery", 249);
    mta.terminate();
    let arrived = sink.recipients();
    // The first, and one more if that was closed for being idle by the second attempt.
    let connections = sink.counter.counts().connections;
    assert_eq!(
        (sizes(&sink), arrived.len(), arrived.values().max(), connections <= 2, tally(&records)),
        (
            vec![99, 99, 50, 1],
            249,
            Some(&1),
            true,
            expect(&[
                ("Reception #0", 250),
                ("Delivery #1", 248),
                ("Bounce #1", 1),
                ("TransientFailure #1", 1),
                ("Delivery #2", 1),
            ]),
        )
    );
}

#[test]
fn a_destination_says_how_many_recipients_a_transaction_has_and_what_it_is_called() {
    let sink = Sink::start(&[]);
    let egress = "[egress.'*.com']\nmax_recipients_per_batch = 40\nprovider_name = 'com'\n";
    let mta = start_with(&sink, "", egress);

    send_to(&mta, &many(100));

    let records = mta.wait_for_records("Delivery", 100);
    mta.terminate();
    let delivered = records.iter().filter(|record| record["type"] == "Delivery");
    let named = delivered.filter(|record| text(record, "provider_name") == "com").count();
    assert_eq!((sizes(&sink), named), (vec![40, 40, 20], 100));
}

#[test]
fn a_next_hop_that_hangs_up_between_transactions_costs_no_attempt() {
    let sink = Sink::start(&["stage=mail accept times=1", "stage=mail reply=421 4.7.0 enough times=1"]);
    let mta = start(&sink, "");

    send_to(&mta, &many(250));

    let records = mta.wait_for_records("Delivery", 250);
    mta.terminate();
    assert_eq!(
        (sizes(&sink), sink.counter.counts().connections, tally(&records)),
        (vec![100, 100, 50], 2, expect(&[("Reception #0", 250), ("Delivery #1", 250)]))
    );
}

#[test]
fn behind_one_who_was_put_off_the_unasked_wait_with_him() {
    let rules = [
        "rcpt=later@ reply=450 4.2.0 not now times=1",
        "stage=mail accept times=1",
        "stage=mail reply=421 4.7.0 x times=1",
    ];
    let sink = Sink::start(&rules);
    let mta = start(&sink, "retry_interval = '2 seconds'");
    let mut recipients = many(110);
    recipients[0] = "later@example.com".to_owned();

    send_to(&mta, &recipients);

    let records = mta.wait_for_records("Delivery", 110);
    mta.terminate();
    let unasked = "451 4.4.2 the connection ended before this recipient";
    let unasked = records.iter().map(line).filter(|line| line.ends_with(unasked)).count();
    let expected = [("Reception #0", 110), ("Delivery #1", 99), ("TransientFailure #1", 11), ("Delivery #2", 11)];
    assert_eq!((sizes(&sink), unasked, tally(&records)), (vec![99, 11], 10, expect(&expected)));
}

/// What was lost without care: a kill in the second transaction sent the message of the first one again.
#[test]
fn a_kill_between_transactions_repeats_none_that_was_answered() {
    let stuck = Sink::start(&["rcpt=u150@example.com stage=dot delay=10m"]);
    let mta = start(&stuck, OFTEN);
    send_to(&mta, &many(200));
    mta.wait_for_records("Delivery", 100);
    // What is acknowledged now comes behind the outcome of the first transaction in the journal.
    send_to(&mta, &["x@example.org".to_owned()]);
    let first = stuck.recipients();

    let folder = mta.kill9();
    let address = stuck.address;
    drop(stuck);
    let sink = Sink::start_at(address, &[]);
    let mta = Mta::start_in(folder);

    mta.wait_until_empty();
    mta.terminate();
    let mut arrived = sink.recipients();
    arrived.remove("x@example.org");
    let of = |range: std::ops::Range<usize>| -> BTreeMap<String, usize> {
        many(200)[range].iter().map(|recipient| (recipient.clone(), 1)).collect()
    };
    let first: BTreeMap<_, _> = first.into_iter().filter(|(recipient, _)| recipient != "x@example.org").collect();
    assert_eq!((first, arrived), (of(0..100), of(100..200)));
}
