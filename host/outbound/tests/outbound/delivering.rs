//! One message: what arrives, and what each recipient hears.

use std::io::{Cursor, Read, Seek, SeekFrom, Write};

use tokio::io::AsyncWriteExt;
use tollgate_outbound::Body;

use crate::kit::{Target, greet, hear_and_say, message, open, peer, tell, with_body};

/// A rule that changes nothing, so that the sink offers what it always does.
const PIPELINING: &str = "stage=ehlo accept";

/// Returns lines with dots, empty lines and octets outside ASCII, `size` octets or a little more.
fn awkward(size: usize) -> Vec<u8> {
    let mut body = Vec::new();
    for number in 0.. {
        if body.len() >= size {
            break;
        }
        write!(body, "..{number}\r\n.\r\n\r\n").unwrap();
        body.extend(vec![b'\xe4'; number % 900]);
        body.extend(b"\r\n");
    }
    body
}

#[tokio::test]
async fn messages_of_any_size_arrive_octet_for_octet() {
    let mut target = Target::new(&[]).await;
    let mut connection = open(target.addr).await;
    for size in [0, 1, 1000, 65_517, 65_536, 200_000, 3_000_000] {
        let body = awkward(size);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"before").unwrap();
        file.write_all(&body).unwrap();
        file.write_all(b"behind").unwrap();
        file.seek(SeekFrom::Start(6)).unwrap();
        let len = body.len() as u64;
        let bodies = [Body::Reader { reader: Box::new(file), len }, Body::Bytes(body.clone().into())];

        for source in bodies {
            connection.deliver(&mut with_body(&["a@b.example"], source)).await.unwrap();

            let arrived = target.arrivals.recv().await.unwrap();
            let expected = [b"Subject: test\r\n\r\n", body.as_slice()].concat();
            assert!(arrived.data == expected, "{size}: {} of {} octets", arrived.data.len(), expected.len());
        }
    }
}

#[tokio::test]
async fn every_refusal_is_classified() {
    let to = "a@b.example";
    for (rule, expected) in [
        ("accept", "Delivered: 250 2.0.0 Taken (Peer); reusable"),
        ("stage=mail reply=451 4.3.0 later", "Transient: 451 4.3.0 later (Peer); reusable"),
        ("stage=mail reply=550 5.7.1 no", "Permanent: 550 5.7.1 no (Peer); reusable"),
        ("stage=rcpt reply=450 4.2.1 later", "Transient: 450 4.2.1 later (Peer); reusable"),
        ("stage=rcpt reply=550 5.1.1 no", "Permanent: 550 5.1.1 no (Peer); reusable"),
        ("stage=rcpt reply=552 5.5.3 too many", "Transient: 552 5.5.3 too many (Peer); reusable"),
        ("stage=data reply=451 later", "Transient: 451 later (Peer); reusable"),
        ("stage=data reply=554 no", "Permanent: 554 no (Peer); reusable"),
        ("stage=dot reply=451 later", "Transient: 451 later (Peer); reusable"),
        ("stage=dot reply=552 5.3.4 too big", "Permanent: 552 5.3.4 too big (Peer); reusable"),
        ("stage=rcpt reply=421 4.3.2 bye", "Transient: 421 4.3.2 bye (Peer); spent"),
        ("stage=dot reply=421 4.3.2 bye", "Transient: 421 4.3.2 bye (Peer); spent"),
    ] {
        let target = Target::new(&[rule]).await;

        let delivery = open(target.addr).await.deliver(&mut message(&[to], "x\r\n")).await.unwrap();

        assert_eq!(tell(&delivery), format!("{to} {expected}"), "{rule}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_names_its_phase_and_puts_everybody_off() {
    for (extensions, stage, awaited) in [
        (PIPELINING, "mail", "MAIL FROM"),
        (PIPELINING, "rcpt", "RCPT TO"),
        ("stage=ehlo reply=500 no", "rcpt", "RCPT TO"),
        ("stage=ehlo reply=500 no", "data", "DATA"),
        (PIPELINING, "dot", "the final dot"),
    ] {
        let target = Target::new(&[extensions, &format!("stage={stage} close")]).await;

        let delivery = open(target.addr).await.deliver(&mut message(&["a@b.example"], "x\r\n")).await.unwrap();

        let text = format!("451 4.4.2 connection closed by peer awaiting the reply to {awaited}");
        assert_eq!(tell(&delivery), format!("a@b.example Transient: {text} (Us); spent"), "{stage}");
    }
}

#[tokio::test]
async fn each_recipient_has_its_own_outcome() {
    for extensions in [PIPELINING, "stage=ehlo reply=502 5.5.1 no"] {
        let mut target =
            Target::new(&[extensions, "rcpt=no@ reply=550 5.1.1 no", "rcpt=later@ reply=452 4.5.3 later"]).await;
        let recipients = ["a@b.example", "no@b.example", "later@b.example", "bad address", "z@b.example"];

        let delivery = open(target.addr).await.deliver(&mut message(&recipients, "x\r\n")).await.unwrap();

        let expected = "a@b.example Delivered: 250 2.0.0 Taken (Peer); no@b.example Permanent: 550 5.1.1 no (Peer); \
             later@b.example Transient: 452 4.5.3 later (Peer); \
             bad address Permanent: 501 5.1.3 Malformed recipient address (Us); \
             z@b.example Delivered: 250 2.0.0 Taken (Peer); reusable";
        assert_eq!(tell(&delivery), expected, "{extensions}");
        assert_eq!(target.arrivals.recv().await.unwrap().to, ["a@b.example", "z@b.example"], "{extensions}");
    }
}

#[tokio::test]
async fn a_peer_that_never_answers_the_dot_is_given_up() {
    let target = Target::new(&["stage=dot delay=60m"]).await;
    let mut connection = open(target.addr).await;
    tokio::time::pause();

    let delivery = connection.deliver(&mut message(&["a@b.example"], "x\r\n")).await.unwrap();

    let expected = "451 4.4.2 timed out after 2s awaiting the reply to the final dot";
    assert_eq!(tell(&delivery), format!("a@b.example Transient: {expected} (Us); spent"));
}

#[tokio::test]
async fn an_answer_before_the_end_of_a_message_is_heard() {
    for (answer, expected) in [
        ("552 5.3.4 too big", "Permanent: 552 5.3.4 too big (Peer)"),
        ("421 4.3.2 bye", "Transient: 421 4.3.2 bye (Peer)"),
        (
            "250 already?",
            "Transient: 451 4.4.2 unexpected reply: 250 already? awaiting the reply to the final dot (Us)",
        ),
    ] {
        // It stops reading, but keeps the connection open.
        let addr = peer(move |mut stream| async move {
            greet(&mut stream).await;
            hear_and_say(&mut stream, "DATA\r\n", "250 a\r\n250 b\r\n354 go\r\n").await;
            hear_and_say(&mut stream, "\r\n\r\n", &format!("{answer}\r\n")).await;
            std::future::pending::<()>().await;
        })
        .await;

        let delivery = open(addr).await.deliver(&mut message(&["a@b.example"], awkward(30_000_000))).await.unwrap();

        assert_eq!(tell(&delivery), format!("a@b.example {expected}; spent"));
    }
}

#[tokio::test]
async fn a_message_that_cannot_be_sent_whole_is_not_ended() {
    let reader = |octets: &'static [u8], len| Body::Reader { reader: Box::new(Cursor::new(octets)), len };
    for (body, expected) in [
        (
            reader(b"short\r\n", 8),
            "Transient: 451 4.3.0 message cannot be read from the spool: failed to fill whole buffer",
        ),
        (reader(b"a\nb\r\n", 5), "Permanent: 550 5.6.0 LF without CR in message to send"),
        (reader(b"a\r", 2), "Permanent: 550 5.6.0 CR without LF in message to send"),
    ] {
        let target = Target::new(&[]).await;

        let delivery = open(target.addr).await.deliver(&mut with_body(&["a@b.example"], body)).await.unwrap();

        let seen = (tell(&delivery), target.counter.counts().messages);
        assert_eq!(seen, (format!("a@b.example {expected} (Us); spent"), 0));
    }
}

#[tokio::test]
async fn a_peer_that_talks_while_it_is_told_thousands_of_recipients_is_heard() {
    let mut target = Target::new(&[]).await;
    let recipients: Vec<String> = (0..5000).map(|number| format!("recipient-{number}@b.example")).collect();
    let recipients: Vec<&str> = recipients.iter().map(String::as_str).collect();

    open(target.addr).await.deliver(&mut message(&recipients, "x\r\n")).await.unwrap();

    assert_eq!(target.arrivals.recv().await.unwrap().to, recipients);
}

#[tokio::test]
async fn a_null_sender_is_passed_on() {
    let mut target = Target::new(&[]).await;
    let envelope = tollgate_message::Envelope {
        sender: None,
        recipients: vec![tollgate_message::Address::new("Postmaster")],
        smtputf8: false,
        eight_bit: false,
    };
    let mut message = tollgate_outbound::OutMessage::new(&envelope, "\r\n".into(), Body::Bytes("x\r\n".into()));

    open(target.addr).await.deliver(&mut message).await.unwrap();

    let arrived = target.arrivals.recv().await.unwrap();
    assert_eq!((arrived.from.as_str(), arrived.to), ("", vec!["Postmaster".to_owned()]));
}

#[tokio::test]
async fn a_lie_about_pipelining_ends_as_a_broken_connection() {
    let addr = peer(|mut stream| async move {
        greet(&mut stream).await;
        hear_and_say(&mut stream, "DATA\r\n", "250 a\r\n").await;
        stream.shutdown().await.unwrap();
    })
    .await;

    let delivery = open(addr).await.deliver(&mut message(&["a@b.example"], "x\r\n")).await.unwrap();

    let expected = "451 4.4.2 connection closed by peer awaiting the reply to RCPT TO";
    assert_eq!(tell(&delivery), format!("a@b.example Transient: {expected} (Us); spent"));
}

#[test]
fn a_body_knows_its_length_however_it_is_kept() {
    let reader = std::io::repeat(0).take(7);

    let lengths = [Body::Bytes("abc".into()).len(), Body::Reader { reader: Box::new(reader), len: 7 }.len()];

    assert_eq!(lengths, [3, 7]);
}
