//! Mail whose header says when it may go.

use jiff::{SignedDuration, Timestamp, Zoned, tz::TimeZone};

use crate::kit::{Mta, Sink, line, queues, send, split_trace};

/// Returns a message that may go in three seconds, and when that is.
fn for_later() -> (String, Timestamp) {
    let first = Timestamp::now() + SignedDuration::from_secs(3);
    (format!("X-Schedule: {{\"first_attempt\": \"{first:.3}\"}}\r\nSubject: later\r\n\r\n"), first)
}

#[test]
fn a_first_attempt_is_not_made_before_its_time() {
    let sink = Sink::start(&[]);
    let mta = Mta::start(&queues(sink.address, ""));
    let (message, first) = for_later();

    send(mta.smtp(), &["a@example.com"], &message);
    send(mta.smtp(), &["b@example.com"], "Subject: now\r\n\r\n");

    let arrived = sink.wait_for(2);
    let records = mta.wait_for_records("Delivery", 2);
    mta.terminate();
    let delayed = records.iter().filter(|record| record["type"] == "Delayed").map(line).collect::<Vec<_>>().concat();
    let seen: Vec<_> = arrived
        .iter()
        .map(|message| (message.to.join(" "), split_trace(&message.data).1, message.at >= first))
        .collect();
    assert_eq!(
        (seen, records.last().map(line), delayed.split(" Next due").next()),
        (
            vec![
                ("b@example.com".to_owned(), b"Subject: now\r\n\r\n".to_vec(), false),
                ("a@example.com".to_owned(), b"Subject: later\r\n\r\n".to_vec(), true),
            ],
            Some("Delivery a@example.com in default-tenant@example.com by pool-1/ip-1 #1: 250 2.0.0 Taken".to_owned()),
            Some("Delayed a@example.com in default-tenant@example.com #0: 400 Context: Received, ScheduledForLater.")
        )
    );
}

#[test]
fn a_restart_makes_no_scheduled_message_early() {
    let sink = Sink::start(&[]);
    let mta = Mta::start(&queues(sink.address, ""));
    let (message, first) = for_later();
    send(mta.smtp(), &["a@example.com"], &message);

    let mta = Mta::start_in(mta.kill9());

    let arrived = sink.wait_for(1);
    mta.terminate();
    assert_eq!((arrived[0].at >= first, sink.arrived().len()), (true, 1));
}

/// Returns the present in a zone in which it is about noon, so that no window around it meets midnight.
fn at_noon() -> Zoned {
    let now = Timestamp::now();
    let hours = 12 - i32::from(now.to_zoned(TimeZone::UTC).hour());
    // The sign of these names is that of the west.
    let name = if hours == 0 { "Etc/GMT".to_owned() } else { format!("Etc/GMT{:+}", -hours) };
    now.in_tz(&name).unwrap()
}

#[test]
fn mail_waits_for_its_window_to_open() {
    let sink = Sink::start(&[]);
    let mta = Mta::start(&queues(sink.address, ""));
    let opens = at_noon().saturating_add(SignedDuration::from_secs(4)).round(jiff::Unit::Second).unwrap();
    let (start, end) = (opens.strftime("%H:%M:%S"), opens.saturating_add(SignedDuration::from_hours(1)));
    let window = format!(
        r#"{{"dow":"Mon,Tue,Wed,Thu,Fri,Sat,Sun","tz":"{}","start":"{start}","end":"{}"}}"#,
        opens.time_zone().iana_name().unwrap(),
        end.strftime("%H:%M:%S")
    );

    send(mta.smtp(), &["a@example.com"], &format!("X-Schedule: {window}\r\n\r\n"));
    send(mta.smtp(), &["b@example.com"], "Subject: now\r\n\r\n");

    let arrived = sink.wait_for(2);
    mta.terminate();
    let seen: Vec<_> = arrived.iter().map(|message| (message.to.join(" "), message.at >= opens.timestamp())).collect();
    assert_eq!(seen, [("b@example.com".to_owned(), false), ("a@example.com".to_owned(), true)]);
}
