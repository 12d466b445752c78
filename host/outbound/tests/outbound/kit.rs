//! What the tests share: sinks, peers that follow a script to the letter, messages, and outcomes in words.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tollgate_message::{Address, Envelope};
use tollgate_outbound::{Body, Candidate, ConnectError, Connection, Delivery, OutMessage, Source, Timeouts};
use tollgate_peer::sink::{Arrived, Counter, Sink, SinkConfig};

/// A sink that runs as long as the test.
pub(crate) struct Target {
    pub(crate) addr: SocketAddr,
    pub(crate) counter: Counter,
    pub(crate) arrivals: mpsc::Receiver<Arrived>,
}

impl Target {
    pub(crate) async fn new(rules: &[&str]) -> Target {
        let (sender, arrivals) = mpsc::channel(1000);
        let rules = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        let config = SinkConfig { rules, arrivals: Some(sender), ..SinkConfig::default() };
        let sink = Sink::bind(config).unwrap();
        let (addr, counter) = (sink.local_addr(), sink.counter());
        tokio::spawn(sink.run(std::future::pending()));
        Target { addr, counter, arrivals }
    }
}

/// Runs a peer for one connection and returns where it listens.
pub(crate) async fn peer<F: Future<Output = ()> + Send>(
    talk: impl FnOnce(TcpStream) -> F + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        talk(stream).await;
    });
    addr
}

/// Reads up to `end` and says `reply`.
pub(crate) async fn hear_and_say(stream: &mut TcpStream, end: &str, reply: &str) {
    let mut heard = Vec::new();
    while !heard.ends_with(end.as_bytes()) {
        heard.push(stream.read_u8().await.unwrap());
    }
    stream.write_all(reply.as_bytes()).await.unwrap();
}

/// Greets like a server with PIPELINING.
pub(crate) async fn greet(stream: &mut TcpStream) {
    stream.write_all(b"220 mx\r\n").await.unwrap();
    hear_and_say(stream, "EHLO us.example\r\n", "250-mx\r\n250 PIPELINING\r\n").await;
}

pub(crate) fn candidate(addr: SocketAddr) -> Candidate {
    Candidate { name: addr.ip().to_string(), addr }
}

pub(crate) async fn try_open(candidates: &[Candidate], source: &Source) -> Result<Connection, ConnectError> {
    let short = Duration::from_secs(2);
    let timeouts = Timeouts { connect: short, banner: short, dot: short, ..Timeouts::default() };
    Connection::open(candidates, source, "us.example", &timeouts).await
}

pub(crate) async fn open(addr: SocketAddr) -> Connection {
    try_open(&[candidate(addr)], &Source::default()).await.unwrap()
}

pub(crate) fn message(recipients: &[&str], body: impl Into<Bytes>) -> OutMessage {
    with_body(recipients, Body::Bytes(body.into()))
}

pub(crate) fn with_body(recipients: &[&str], body: Body) -> OutMessage {
    let envelope = Envelope {
        sender: Some(Address::new("from@us.example")),
        recipients: recipients.iter().map(|recipient| Address::new(*recipient)).collect(),
        smtputf8: false,
        eight_bit: false,
    };
    OutMessage::new(&envelope, Bytes::from_static(b"Subject: test\r\n\r\n"), body)
}

/// Says a delivery in one line: each recipient with its verdict, its reply and who said it, and whether there may be more.
pub(crate) fn tell(delivery: &Delivery) -> String {
    let mut told = String::new();
    for outcome in &delivery.recipients {
        told += &format!("{} {:?}: {} ({:?}); ", outcome.recipient, outcome.verdict, outcome.reply, outcome.by);
    }
    told + if delivery.reusable { "reusable" } else { "spent" }
}
