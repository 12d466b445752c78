//! Dialogues with a server, whole transcripts at a time, and what hostile octets cannot make of one.

use std::sync::Arc;

use proptest::prelude::*;

use super::{Event, Session, SessionConfig};
use crate::reply::{EnhancedCode, Reply};

fn session() -> Session {
    let config = SessionConfig { hostname: "mx.example".into(), max_message_size: 200, max_recipients: 2 };
    Session::new(Arc::new(config))
}

fn refusal(code: u16, enhanced: &str, text: &str) -> Reply {
    Reply::new(code, EnhancedCode::parse(enhanced), text).unwrap()
}

/// Runs a driver that refuses local parts starting with "no" and stores everything; returns one line for each event:
/// replies as on the wire, the rest in words. Chunks of a message are joined.
fn run(session: &mut Session, chunks: &[&[u8]]) -> Vec<String> {
    let mut seen = Vec::new();
    let mut message = Vec::new();
    for chunk in chunks {
        session.feed(chunk);
        loop {
            match session.next() {
                Event::NeedInput => break,
                Event::Close => {
                    seen.push("(close)".into());
                    return seen;
                }
                Event::Reply(reply) => {
                    let wire = String::from_utf8(reply.to_wire()).unwrap();
                    seen.extend(wire.lines().map(str::to_owned));
                }
                Event::AskHello { domain } => session.answer(judge(&format!("<{domain}>"))),
                Event::AskMail { sender, .. } => session.answer(judge(&sender.to_string())),
                Event::AskRcpt { recipient } => session.answer(judge(&recipient.to_string())),
                Event::DataChunk(chunk) => message.extend(chunk),
                Event::MessageAborted => {
                    message.clear();
                    seen.push("(aborted)".into());
                }
                Event::MessageEnd { envelope, size } => {
                    let to: Vec<String> = envelope.recipients.iter().map(ToString::to_string).collect();
                    let text = String::from_utf8_lossy(&message).into_owned();
                    seen.push(format!("({size} octets {} to {}: {text:?})", envelope.sender, to.join(" ")));
                    message.clear();
                    session.finish_message(refusal(250, "2.0.0", "Stored"));
                }
            }
        }
    }
    seen
}

fn judge(path: &str) -> Result<(), Reply> {
    if path.starts_with("<no") { Err(refusal(550, "5.7.1", "No")) } else { Ok(()) }
}

/// Runs a session behind greeting and EHLO; `script` is written with LF for CRLF.
fn dialogue(script: &str) -> String {
    let mut session = session();
    run(&mut session, &[b"EHLO client.example\r\n"]);
    run(&mut session, &[script.replace('\n', "\r\n").as_bytes()]).join("\n")
}

#[test]
fn a_whole_session_in_one_segment() {
    let script = b"EHLO client.example\r\nMAIL FROM:<a@b> SIZE=20\r\nRCPT TO:<c@d>\r\nRCPT TO:<no@d>\r\nDATA\r\n\
        Subject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n";

    let seen = run(&mut session(), &[script]).join("\n");

    let expected = r#"220 mx.example ESMTP
250-mx.example
250-PIPELINING
250-SIZE 200
250-8BITMIME
250-ENHANCEDSTATUSCODES
250 SMTPUTF8
250 2.1.0 Sender OK
250 2.1.5 Recipient OK
550 5.7.1 No
354 Send the message, end with CRLF.CRLF
(20 octets <a@b> to <c@d>: "Subject: x\r\n\r\n.dot\r\n")
250 2.0.0 Stored
221 2.0.0 Closing connection
(close)"#;
    assert_eq!(seen, expected);
}

#[test]
fn helo_is_answered_in_one_line_and_tells_no_esmtp() {
    let mut session = session();

    let seen = run(&mut session, &[b"HELO client.example\r\nMAIL FROM:<>\r\n"]).join("\n");

    assert_eq!(
        (seen.as_str(), session.ehlo_domain(), session.is_esmtp()),
        ("220 mx.example ESMTP\n250 mx.example\n250 2.1.0 Sender OK", Some("client.example"), false)
    );
}

/// RFC 5321 §4.1.4: the order of commands.
#[test]
fn commands_out_of_turn_are_refused_and_the_session_lives() {
    let mut session = session();

    let script =
        b"MAIL FROM:<a@b>\r\nEHLO c\r\nRCPT TO:<c@d>\r\nDATA\r\nMAIL FROM:<a@b>\r\nMAIL FROM:<a@b>\r\nDATA\r\n\
        RCPT TO:<no@d>\r\nDATA\r\nRCPT TO:<c@d>\r\nRSET\r\nDATA\r\nNOOP\r\n";
    let seen = run(&mut session, &[script]);

    let codes: Vec<&str> = seen.iter().filter(|line| &line[3..4] == " ").map(|line| &line[..9]).collect();
    let expected = [
        "220 mx.ex",
        "503 5.5.1",
        "250 SMTPU",
        "503 5.5.1",
        "503 5.5.1",
        "250 2.1.0",
        "503 5.5.1",
        "503 5.5.1",
        "550 5.7.1",
        "503 5.5.1",
        "250 2.1.5",
        "250 2.0.0",
        "503 5.5.1",
        "250 2.0.0",
    ];
    assert_eq!(codes, expected);
}

#[test]
fn ehlo_ends_a_transaction() {
    let seen = dialogue("MAIL FROM:<a@b>\nRCPT TO:<c@d>\nHELO c\nDATA\n");

    assert!(seen.ends_with("250 mx.example\n503 5.5.1 Bad sequence of commands"), "{seen}");
}

#[test]
fn limits_are_told_before_anybody_is_asked() {
    let seen = dialogue(
        "MAIL FROM:<a@b> SIZE=201\nMAIL FROM:<ä@b>\nMAIL FROM:<a@b>\nRCPT TO:<ü@d>\nRCPT TO:<1@d>\nRCPT TO:<2@d>\nRCPT TO:<3@d>\n",
    );

    let expected = "552 5.3.4 Message too large
553 5.6.7 Address needs SMTPUTF8
250 2.1.0 Sender OK
553 5.6.7 Address needs SMTPUTF8
250 2.1.5 Recipient OK
250 2.1.5 Recipient OK
452 4.5.3 Too many recipients";
    assert_eq!(seen, expected);
}

#[test]
fn utf8_addresses_are_taken_with_smtputf8() {
    let seen = dialogue("MAIL FROM:<ä@b> SMTPUTF8\nRCPT TO:<ü@d>\n");

    assert_eq!(seen, "250 2.1.0 Sender OK\n250 2.1.5 Recipient OK");
}

#[test]
fn commands_beside_the_transaction_are_answered_blandly() {
    let seen = dialogue("NOOP x\nVRFY root\nEXPN staff\nHELP\nSTARTTLS\nAUTH PLAIN\nFOO\nMAIL FROM:<a@b> X=1\n");

    let expected = "250 2.0.0 OK
252 2.5.0 Cannot verify, send a message to find out
502 5.5.1 Command not implemented
214 2.0.0 EHLO HELO MAIL RCPT DATA RSET NOOP VRFY HELP QUIT
502 5.5.1 Command not implemented
502 5.5.1 Command not implemented
500 5.5.2 Command not recognized
555 5.5.4 Parameter not recognized";
    assert_eq!(seen, expected);
}

#[test]
fn lines_at_fault_get_one_refusal_each() {
    let mut session = session();
    run(&mut session, &[b"EHLO c\r\n"]);
    let long = [b"NOOP ".as_slice(), &[b'a'; 5000], b"\r\n"].concat();

    let seen =
        run(&mut session, &[b"NOOP\nQUIT\r\n", b"NOOP\0\r\n", &long, b"MAIL FROM:<\xff@b>\r\nNOOP\r\n"]).join("\n");

    let expected = "500 5.5.2 Lines must end with CRLF
500 5.5.2 Control characters are not allowed
500 5.5.2 Line too long
501 5.5.2 Commands must be ASCII or UTF-8
250 2.0.0 OK";
    assert_eq!(seen, expected);
}

#[test]
fn a_faulty_message_is_refused_at_its_real_end_and_the_session_lives() {
    let long = format!("{}\r\n", "a".repeat(250));
    let table = [
        ("bare LF", "a\n.\nMAIL FROM:<x@y>\r\n", "550 5.6.0 Message data must use CRLF for line endings"),
        ("bare CR", "a\r.\r\nQUIT\r\n", "550 5.6.0 Message data must use CRLF for line endings"),
        ("NUL", "a\0\r\n", "550 5.6.0 Message data must not contain NUL"),
        ("size", &long, "552 5.3.4 Message too large"),
    ];

    for (name, data, expected) in table {
        let mut session = session();
        run(&mut session, &[b"EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"]);
        let seen = run(&mut session, &[data.as_bytes(), b".\r\nNOOP\r\n"]);
        assert_eq!(seen, ["(aborted)", expected, "250 2.0.0 OK"], "{name}");
    }
}

#[test]
fn a_line_that_is_too_long_is_refused() {
    let config = SessionConfig { hostname: "mx".into(), max_message_size: 10_000, max_recipients: 1 };
    let mut session = Session::new(Arc::new(config));
    run(&mut session, &[b"EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"]);

    let seen = run(&mut session, &[&[b'a'; 4097], b"\r\n.\r\n"]);

    assert_eq!(seen, ["(aborted)", "550 5.6.0 Message data has a line that is too long"]);
}

#[test]
fn the_twentieth_bad_command_ends_the_session() {
    let seen = dialogue(&"FOO\n".repeat(30));

    let expected =
        "500 5.5.2 Command not recognized\n".repeat(19) + "421 4.7.0 Too many errors, closing connection\n(close)";
    assert_eq!(seen, expected);
}

#[test]
fn refusals_by_the_driver_are_no_bad_commands() {
    let seen = dialogue(&("MAIL FROM:<a@b>\n".to_owned() + &"RCPT TO:<no@d>\n".repeat(30)));

    assert_eq!(seen.lines().last(), Some("550 5.7.1 No"));
}

#[test]
fn a_421_by_the_driver_ends_the_session() {
    let mut session = session();
    run(&mut session, &[b"EHLO c\r\n"]);
    session.feed(b"MAIL FROM:<a@b>\r\nNOOP\r\n");
    session.next();

    session.answer(Err(refusal(421, "4.7.0", "Go away")));

    let seen = [session.next(), session.next()];
    assert_eq!(seen, [Event::Reply(refusal(421, "4.7.0", "Go away")), Event::Close]);
}

#[test]
fn a_refusal_that_is_none_accepts_nothing() {
    let mut session = session();
    run(&mut session, &[b"EHLO c\r\n"]);
    session.feed(b"MAIL FROM:<a@b>\r\n");
    session.next();

    session.answer(Err(refusal(250, "2.0.0", "Fine")));

    assert_eq!(session.next(), Event::Reply(refusal(451, "4.3.0", "Local error, try again later")));
}

#[test]
fn the_session_stands_still_while_an_answer_is_owed() {
    let mut session = session();
    run(&mut session, &[b"EHLO c\r\n"]);
    session.feed(b"MAIL FROM:<a@b>\r\nQUIT\r\n");

    let asked = matches!(session.next(), Event::AskMail { .. });

    assert_eq!((asked, session.next()), (true, Event::NeedInput));
}

proptest! {
    #[test]
    fn chunks_change_nothing(words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 1..25), cut in 1usize..20) {
        let input = words.concat();
        let chunks: Vec<&[u8]> = input.as_bytes().chunks(cut).collect();

        prop_assert_eq!(run(&mut session(), &chunks), run(&mut session(), &[input.as_bytes()]));
    }
}

/// Pieces that add up to sessions good and bad.
const WORDS: [&str; 16] = [
    "EHLO c\r\n",
    "EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n",
    "MAIL FROM:<a@b>\r\n",
    "RCPT TO:<c@d>\r\n",
    "RCPT TO:<no@d>\r\n",
    "DATA\r\n",
    "RSET\r\n",
    "text\r\n",
    ".\r\n",
    "..\r\n",
    "\r\n.\r\n",
    "\n",
    "\r",
    "\0",
    "QUIT\r\n",
    "a long line of text that helps to pass the limit of two hundred octets\r\n",
];

#[test]
fn a_refused_name_leaves_the_session_as_it_was() {
    let seen = dialogue("MAIL FROM:<a@b>\nEHLO no.example\nRCPT TO:<c@d>\nHELO other.example\nRCPT TO:<c@d>\n");

    let expected =
        "250 2.1.0 Sender OK\n550 5.7.1 No\n250 2.1.5 Recipient OK\n250 mx.example\n503 5.5.1 Bad sequence of commands";
    assert_eq!(seen, expected);
}

#[test]
fn who_is_turned_away_reads_the_refusal_as_the_greeting() {
    let config = SessionConfig { hostname: "mx.example".into(), max_message_size: 200, max_recipients: 2 };
    let away = |reply| run(&mut Session::turned_away(Arc::new(config.clone()), reply), &[b"EHLO client.example\r\n"]);

    let seen = [refusal(554, "5.7.1", "No"), refusal(220, "2.0.0", "Fine")].map(away);

    assert_eq!(seen, [["554 5.7.1 No", "(close)"], ["451 4.3.0 Local error, try again later", "(close)"]]);
}
