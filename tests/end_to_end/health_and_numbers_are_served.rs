//! What a monitoring system asks for.

use crate::kit::{Mta, Sink, get, queues, send};

#[test]
fn liveness_and_metrics_tell_the_state() {
    let sink = Sink::start(&["rcpt=later@ reply=451 4.3.0 not now"]);
    let mta = Mta::start(&queues(sink.address, ""));

    send(mta.smtp(), &["now@example.com", "later@example.com"], "Subject: x\r\n\r\n");
    mta.wait_for_records("TransientFailure", 1);
    mta.wait_for_records("Delivery", 1);

    let liveness = get(mta.http, "/api/check-liveness/v1");
    let (status, metrics) = get(mta.http, "/metrics");
    mta.terminate();
    let wanted = |line: &&str| line.starts_with("tollgate_records_total") || line.starts_with("tollgate_queue");
    let mut numbers: Vec<&str> = metrics.lines().filter(wanted).collect();
    numbers.sort_unstable();
    assert_eq!(
        (liveness, status, numbers, metrics.ends_with("# EOF\n")),
        (
            (200, "{\"status\":\"ok\"}".to_owned()),
            200,
            vec![
                "tollgate_queue_messages 1",
                "tollgate_queue_messages_due 0",
                "tollgate_queue_messages_in_flight 0",
                "tollgate_records_total{kind=\"Delivery\"} 1",
                "tollgate_records_total{kind=\"Reception\"} 2",
                "tollgate_records_total{kind=\"TransientFailure\"} 1",
            ],
            true
        )
    );
}
