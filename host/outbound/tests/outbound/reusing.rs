//! Many messages over one connection, and how it ends.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;

use crate::kit::{Target, greet, hear_and_say, message, open, peer, tell};

#[tokio::test]
async fn many_messages_go_over_one_connection() {
    let mut target = Target::new(&["rcpt=no@ reply=550 5.1.1 no", "rcpt=data@ stage=data reply=451 later"]).await;
    let mut connection = open(target.addr).await;
    for recipient in ["1@d.example", "no@d.example", "2@d.example", "data@d.example", "3@d.example"] {
        connection.deliver(&mut message(&[recipient], "x\r\n")).await.unwrap();
    }
    connection.quit().await;

    let mut seen = Vec::new();
    while let Ok(arrived) = target.arrivals.try_recv() {
        seen.extend(arrived.to);
    }

    assert_eq!(
        (seen, target.counter.counts().connections),
        (vec!["1@d.example".into(), "2@d.example".into(), "3@d.example".into()], 1)
    );
}

/// How a peer leaves a connection that is not in use.
#[derive(Clone, Copy)]
enum Leaving {
    /// At once, with these words.
    Now(&'static str),
    /// When the next message begins, with these words.
    Then(&'static str),
    /// With a reset.
    Reset,
}

/// Delivers a message, lets the peer leave, and returns what a second message hears.
async fn second_message(leaving: Leaving) -> String {
    let (left, has_left) = oneshot::channel();
    let addr = peer(move |mut stream| async move {
        greet(&mut stream).await;
        hear_and_say(&mut stream, "DATA\r\n", "250 a\r\n250 b\r\n354 go\r\n").await;
        hear_and_say(&mut stream, "\r\n.\r\n", "250 kept\r\n").await;
        match leaving {
            Leaving::Now(words) => stream.write_all(words.as_bytes()).await.unwrap(),
            Leaving::Then(words) => {
                left.send(()).unwrap();
                return hear_and_say(&mut stream, "DATA\r\n", words).await;
            }
            Leaving::Reset => stream.set_zero_linger().unwrap(),
        }
        drop(stream);
        left.send(()).unwrap();
    })
    .await;
    let mut connection = open(addr).await;
    connection.deliver(&mut message(&["1@d.example"], "x\r\n")).await.unwrap();
    has_left.await.unwrap();
    match connection.deliver(&mut message(&["2@d.example"], "x\r\n")).await {
        Ok(delivery) => tell(&delivery),
        Err(_) => "stale".to_owned(),
    }
}

#[tokio::test]
async fn a_peer_that_left_a_kept_connection_costs_no_attempt() {
    for (name, leaving) in [
        ("closes", Leaving::Now("")),
        ("says so and closes", Leaving::Now("421 4.4.2 idle too long\r\n")),
        ("closes when it is asked", Leaving::Then("")),
        ("refuses when it is asked", Leaving::Then("421 4.7.0 enough\r\n")),
        ("resets", Leaving::Reset),
    ] {
        assert_eq!(second_message(leaving).await, "stale", "{name}");
    }
}

#[tokio::test]
async fn a_peer_that_leaves_after_its_first_answer_costs_an_attempt() {
    let told = second_message(Leaving::Then("250 a\r\n421 4.7.0 enough\r\n")).await;

    assert_eq!(told, "2@d.example Transient: 421 4.7.0 enough (Peer); spent");
}

#[tokio::test]
async fn a_new_connection_is_never_stale() {
    let target = Target::new(&["stage=mail close"]).await;

    let delivery = open(target.addr).await.deliver(&mut message(&["a@d.example"], "x\r\n")).await;

    assert!(delivery.is_ok_and(|delivery| !delivery.reusable));
}

#[tokio::test]
async fn a_stale_message_can_be_sent_over_another_connection() {
    let mut target = Target::new(&["stage=mail rcpt=* accept times=1", "stage=mail close times=1"]).await;
    let mut connection = open(target.addr).await;
    connection.deliver(&mut message(&["1@d.example"], "x\r\n")).await.unwrap();
    let mut second = message(&["2@d.example"], "second\r\n");
    connection.deliver(&mut second).await.unwrap_err();

    open(target.addr).await.deliver(&mut second).await.unwrap();

    target.arrivals.recv().await.unwrap();
    assert_eq!(target.arrivals.recv().await.unwrap().data, "Subject: test\r\n\r\nsecond\r\n");
}

#[tokio::test]
async fn a_peer_that_leaves_while_nothing_is_sent_is_noticed() {
    let addr = peer(|mut stream| async move {
        greet(&mut stream).await;
        stream.write_all(b"421 4.4.2 idle\r\n").await.unwrap();
    })
    .await;
    let mut connection = open(addr).await;

    let stale = connection.left_by_peer().await;

    assert_eq!(stale.to_string(), "the peer closed the connection between messages: unexpected reply: 421 4.4.2 idle");
}

#[tokio::test]
async fn leaving_is_said() {
    let (heard, hears) = oneshot::channel();
    let addr = peer(|mut stream| async move {
        greet(&mut stream).await;
        hear_and_say(&mut stream, "QUIT\r\n", "221 bye\r\n").await;
        heard.send(stream.read(&mut [0]).await.unwrap()).unwrap();
    })
    .await;

    open(addr).await.quit().await;

    assert_eq!(hears.await, Ok(0), "the connection is closed behind it");
}
