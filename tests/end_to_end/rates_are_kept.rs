//! Rates of queues, and rates that queues share.

use jiff::{SignedDuration, Timestamp};
use tollgate_peer::sink::Arrived;

use crate::kit::{Mta, Sink, queues, send};

/// Sends a message to each of these.
fn send_each(mta: &Mta, recipients: &[String]) {
    for recipient in recipients {
        send(mta.smtp(), &[recipient], "Subject: x\r\n\r\n");
    }
}

/// Returns when each message arrived, in whole seconds after the first.
fn seconds(arrived: &[Arrived]) -> Vec<i64> {
    let mut times: Vec<Timestamp> = arrived.iter().map(|message| message.at).collect();
    times.sort_unstable();
    times.iter().map(|at| at.duration_since(times[0]).round_to_seconds()).collect()
}

trait Rounded {
    fn round_to_seconds(&self) -> i64;
}

impl Rounded for SignedDuration {
    fn round_to_seconds(&self) -> i64 {
        (self.as_millis() as f64 / 1000.0).round() as i64
    }
}

#[test]
fn a_queue_lets_its_burst_through_and_then_keeps_its_rate() {
    let sink = Sink::start(&[]);
    let mta = Mta::start(&queues(sink.address, "max_message_rate = '1/s,max_burst=2'"));

    send_each(&mta, &["a", "b", "c", "d", "e"].map(|name| format!("{name}@example.com")));

    let arrived = sink.wait_for(5);
    let records = mta.wait_for_records("Delivery", 5);
    mta.terminate();
    let attempts: Vec<_> = records
        .iter()
        .filter(|record| record["type"] == "Delivery")
        .map(|record| record["num_attempts"].clone())
        .collect();
    assert_eq!((seconds(&arrived), attempts), (vec![0, 0, 1, 2, 3], vec![serde_json::json!(1); 5]));
}

#[test]
fn the_queues_of_a_tenant_share_its_overall_rate() {
    let sink = Sink::start(&[]);
    let rate = "[tenant.slow]\noverall_max_message_rate = '1/s,max_burst=1'\n[tenant.quick]";
    let mta = Mta::start(&queues(sink.address, rate));
    let tenant = |tenant: &str, domain: &str| {
        send(mta.smtp(), &[&format!("{tenant}@{domain}")], &format!("X-Tenant: {tenant}\r\nSubject: x\r\n\r\n"));
    };

    ["a.example", "b.example", "c.example"].into_iter().for_each(|domain| tenant("slow", domain));
    ["a.example", "b.example"].into_iter().for_each(|domain| tenant("quick", domain));

    let arrived = sink.wait_for(5);
    mta.terminate();
    let (slow, quick): (Vec<_>, Vec<_>) = arrived.into_iter().partition(|message| message.to[0].starts_with("slow"));
    assert_eq!((seconds(&slow), seconds(&quick)), (vec![0, 1, 2], vec![0, 0]));
}

#[test]
fn a_destination_gets_mail_no_faster_than_its_egress_rate_says() {
    let sink = Sink::start(&[]);
    let folder = crate::kit::Folder::new(
        &format!("{}\n[egress.'*.example.com']\nmax_message_rate = '2/s,max_burst=1'\n", crate::kit::TOLLGATE),
        &queues(sink.address, ""),
    );
    let mta = Mta::start_in(folder);

    send_each(&mta, &["a", "b", "c", "d", "e"].map(|name| format!("{name}@x.example.com")));

    let arrived = sink.wait_for(5);
    mta.terminate();
    assert_eq!(seconds(&arrived[..]).last(), Some(&2));
}
