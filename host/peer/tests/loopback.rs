//! The load source against the sink, over loopback.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tokio::sync::mpsc;
use tollgate_peer::send::{self, SendConfig};
use tollgate_peer::sink::{Arrived, Counter, Counts, Sink, SinkConfig};

async fn sink(rules: &[&str], arrivals: Option<mpsc::Sender<Arrived>>) -> (SocketAddr, Counter) {
    let rules = rules.iter().map(|rule| rule.parse().unwrap()).collect();
    let sink = Sink::bind(SinkConfig { rules, arrivals, ..SinkConfig::default() }).unwrap();
    let (addr, counter) = (sink.local_addr(), sink.counter());
    tokio::spawn(sink.run(std::future::pending()));
    (addr, counter)
}

#[tokio::test]
async fn every_message_of_a_run_arrives_once() {
    let (to, counter) = sink(&[], None).await;
    let config =
        SendConfig { to, connections: 3, messages: 100, messages_per_connection: Some(10), ..SendConfig::default() };

    let report = send::run(config).await.unwrap();

    let Counts { connections, messages, recipients, refusals, duplicates, octets: _ } = counter.counts();
    assert_eq!((report.sent, report.refused, report.failed, &report.codes), (100, 0, 0, &BTreeMap::from([(250, 100)])));
    assert_eq!((messages, recipients, refusals, duplicates), (100, 100, 0, 0));
    assert!((10..=13).contains(&connections), "{connections}");
}

#[tokio::test]
async fn a_report_tells_what_was_not_acknowledged() {
    let rules = ["rcpt=u3@ reply=550 5.1.1 no", "rcpt=u5@ stage=dot reply=451 later", "rcpt=u7@ stage=data close"];
    let (to, counter) = sink(&rules, None).await;

    let report = send::run(SendConfig { to, messages: 10, ..SendConfig::default() }).await.unwrap();

    let codes = BTreeMap::from([(250, 7), (451, 1), (550, 1)]);
    let seen = (report.sent, report.refused, report.failed, report.codes, report.not_acknowledged);
    assert_eq!(seen, (7, 2, 1, codes, vec![3, 5, 7]));
    assert_eq!((counter.counts().messages, counter.counts().refusals), (7, 2));
}

#[tokio::test]
async fn a_server_that_is_not_there_fails_every_message() {
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    tokio::time::pause();

    let report = send::run(SendConfig { to: gone, messages: 5, ..SendConfig::default() }).await.unwrap();

    assert_eq!((report.sent, report.failed, report.not_acknowledged), (0, 5, vec![0, 1, 2, 3, 4]));
}

#[tokio::test]
async fn one_message_is_sent_as_it_is_and_reported_whole() {
    let (sender, mut arrivals) = mpsc::channel(1);
    let (to, _) = sink(&["rcpt=no@ reply=550 5.1.1 no"], Some(sender)).await;
    let recipients = ["a@b.example".to_owned(), "no@b.example".to_owned()];

    let replies = send::one(to, "me.example", "", &recipients, b"A: b\r\n\r\n.dot\r\n").await.unwrap();

    let replies: Vec<String> = replies.iter().map(|(recipient, reply)| format!("{recipient}: {reply}")).collect();
    assert_eq!(replies, ["a@b.example: 250 2.0.0 Taken", "no@b.example: 550 5.1.1 no"]);
    let Arrived { from, to, helo, data, .. } = arrivals.recv().await.unwrap();
    let seen = (from.as_str(), to, helo.as_str(), &data[..]);
    assert_eq!(seen, ("", vec!["a@b.example".to_owned()], "me.example", &b"A: b\r\n\r\n.dot\r\n"[..]));
}

#[tokio::test]
async fn a_sink_says_what_its_rules_say_and_goes_on() {
    let rules = ["stage=banner reply=421 4.3.2 later times=1", "stage=data reply=451 4.3.0 wait times=1"];
    let (to, _) = sink(&rules, None).await;
    let mut seen = Vec::new();

    for _ in 0..3 {
        let replies = send::one(to, "me.example", "a@b.example", &["c@d.example".to_owned()], b"x\r\n").await;
        seen.push(replies.map_or_else(|error| error.to_string(), |replies| replies[0].1.to_string()));
    }

    let expected = ["the server refused the connection: 421 4.3.2 later", "451 4.3.0 wait", "250 2.0.0 Taken"];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_sink_stops_when_it_is_told() {
    let sink = Sink::bind(SinkConfig::default()).unwrap();
    let to = sink.local_addr();

    let counts = sink.run(std::future::ready(())).await;

    let after = send::one(to, "me.example", "", &["c@d.example".to_owned()], b"x\r\n").await;
    assert!(counts == Counts::default() && after.is_err());
}
