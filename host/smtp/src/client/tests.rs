//! Dialogues with a client: for each scripted reply the step it led to, whole transcripts at a time.

use super::{Client, OutEnvelope, Phase, RecipientReply, Step};
use crate::reply::{EnhancedCode, Reply, ReplyReader, TempReply};

const PLAIN: &str = "250 mx";
const PIPELINING: &str = "250-mx\n250-PIPELINING\n250-SIZE 1000\n250 8BITMIME";

fn reply(text: &str) -> Reply {
    let mut reader = ReplyReader::new();
    reader.feed(format!("{text}\n").as_bytes());
    reader.next().unwrap().unwrap()
}

/// A client that has heard the answer to EHLO.
fn ready(ehlo: &str) -> Client {
    let mut client = Client::new("out.example".into());
    client.on_reply(reply("220 mx"));
    client.on_reply(reply(ehlo));
    client
}

fn envelope(recipients: &[&str]) -> OutEnvelope {
    OutEnvelope {
        sender: Some("a@b".into()),
        recipients: recipients.iter().map(|&r| r.to_owned()).collect(),
        size: 10,
        eight_bit: false,
        smtputf8: false,
    }
}

/// Says a step in one line.
fn show(step: Step) -> String {
    match step {
        Step::Send(octets) => String::from_utf8(octets).unwrap().trim_end().replace("\r\n", " | "),
        Step::Finished(recipients) => format!("Finished: {}", show_all(&recipients)),
        Step::Broken { recipients, .. } => format!("Broken: {}", show_all(&recipients)),
        step => format!("{step:?}"),
    }
}

fn show_all(recipients: &[RecipientReply]) -> String {
    let one = |r: &RecipientReply| format!("{} {} {:?}", r.recipient, r.reply, r.said_by);
    recipients.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Hands the replies to a client, whose last step was `first`; returns that step and those that followed.
fn run(client: &mut Client, first: Step, replies: &[&str]) -> Vec<String> {
    let mut seen = vec![show(first)];
    seen.extend(replies.iter().map(|text| show(client.on_reply(reply(text)))));
    seen
}

fn deliver(client: &mut Client, recipients: &[&str], replies: &[&str]) -> Vec<String> {
    let first = client.deliver(&envelope(recipients));
    run(client, first, replies)
}

#[test]
fn commands_go_out_singly_without_pipelining() {
    let mut client = ready(PLAIN);

    let mut seen = deliver(&mut client, &["1@d", "2@d"], &["250 ok", "250 ok", "550 5.1.1 no", "354 go", "250 kept"]);
    seen.extend({
        let quit = client.quit();
        run(&mut client, quit, &["221 bye"])
    });

    let expected = [
        "MAIL FROM:<a@b>",
        "RCPT TO:<1@d>",
        "RCPT TO:<2@d>",
        "DATA",
        "SendMessage",
        "Finished: 1@d 250 kept Peer, 2@d 550 5.1.1 no Peer",
        "QUIT",
        "Closed",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn commands_go_out_together_with_pipelining() {
    let seen = deliver(&mut ready(PIPELINING), &["1@d", "2@d"], &["250 ok", "450 later", "250 ok", "354 go", "550 no"]);

    let expected = [
        "MAIL FROM:<a@b> SIZE=10 | RCPT TO:<1@d> | RCPT TO:<2@d> | DATA",
        "Wait",
        "Wait",
        "Wait",
        "SendMessage",
        "Finished: 1@d 450 later Peer, 2@d 550 no Peer",
    ];
    assert_eq!(seen, expected);
}

/// RFC 2920 §3.1: a server may say 354 though nobody was accepted; then it gets an empty message.
#[test]
fn a_message_for_nobody_is_a_lone_dot_and_the_next_begins_with_rset() {
    let mut client = ready(PIPELINING);

    let mut seen = deliver(&mut client, &["1@d"], &["250 ok", "550 no", "354 go", "554 nobody"]);
    seen.extend(deliver(&mut client, &["2@d"], &["250 reset", "250 ok", "250 ok", "354 go", "250 kept"]));

    let expected = [
        "MAIL FROM:<a@b> SIZE=10 | RCPT TO:<1@d> | DATA",
        "Wait",
        "Wait",
        ".",
        "Finished: 1@d 550 no Peer",
        "RSET | MAIL FROM:<a@b> SIZE=10 | RCPT TO:<2@d> | DATA",
        "Wait",
        "Wait",
        "Wait",
        "SendMessage",
        "Finished: 2@d 250 kept Peer",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_server_that_takes_an_empty_message_for_nobody_has_taken_nothing() {
    let seen = deliver(&mut ready(PIPELINING), &["1@d"], &["550 no", "250 ok", "354 go", "250 kept"]);

    assert_eq!(seen.last().unwrap(), "Finished: 1@d 550 no Peer");
}

#[test]
fn a_delivery_left_half_done_is_cleared_by_rset_first() {
    let mut client = ready(PLAIN);

    let mut seen = deliver(&mut client, &["1@d"], &["250 ok", "550 no"]);
    seen.extend(deliver(&mut client, &["2@d"], &["250 reset", "451 later"]));
    seen.extend(deliver(&mut client, &["3@d"], &[]));

    let expected = [
        "MAIL FROM:<a@b>",
        "RCPT TO:<1@d>",
        "Finished: 1@d 550 no Peer",
        "RSET",
        "MAIL FROM:<a@b>",
        "Finished: 2@d 451 later Peer",
        "MAIL FROM:<a@b>",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_refused_sender_or_data_refuses_everybody_not_refused_before() {
    let table = [
        (
            "MAIL, pipelined",
            PIPELINING,
            ["550 no", "503 a", "503 b", "503 c"].as_slice(),
            "1@d 550 no Peer, 2@d 550 no Peer",
        ),
        ("MAIL, singly", PLAIN, ["550 no"].as_slice(), "1@d 550 no Peer, 2@d 550 no Peer"),
        (
            "DATA",
            PIPELINING,
            ["250 a", "550 no", "250 b", "451 later"].as_slice(),
            "1@d 550 no Peer, 2@d 451 later Peer",
        ),
    ];

    for (name, ehlo, replies, expected) in table {
        let seen = deliver(&mut ready(ehlo), &["1@d", "2@d"], replies);
        assert_eq!(seen.last().unwrap(), &format!("Finished: {expected}"), "{name}");
    }
}

#[test]
fn a_421_breaks_the_connection_with_an_outcome_for_everybody() {
    let table = [
        ("at MAIL", ["421 bye"].as_slice(), "Broken: 1@d 421 bye Peer, 2@d 421 bye Peer"),
        ("at RCPT", ["250 a", "550 no", "421 bye"].as_slice(), "Broken: 1@d 550 no Peer, 2@d 421 bye Peer"),
        (
            "at the dot",
            ["250 a", "250 b", "550 no", "354 go", "421 bye"].as_slice(),
            "Broken: 1@d 421 bye Peer, 2@d 550 no Peer",
        ),
    ];

    for (name, replies, expected) in table {
        let mut client = ready(PIPELINING);
        let seen = deliver(&mut client, &["1@d", "2@d"], replies);
        assert_eq!((seen.last().unwrap().as_str(), client.phase()), (expected, Phase::Closed), "{name}");
    }
}

#[test]
fn replies_that_make_no_sense_break_the_connection() {
    let local = "Broken: 1@d 451 4.4.2 Connection to the next server broke Us";
    let table = [
        ("354 to MAIL", ["354 go"].as_slice()),
        ("250 to DATA", ["250 a", "250 b", "250 c"].as_slice()),
        ("354 to the dot", ["250 a", "250 b", "354 go", "354 go"].as_slice()),
    ];

    for (name, replies) in table {
        let seen = deliver(&mut ready(PIPELINING), &["1@d"], replies);
        assert_eq!(seen.last().unwrap(), local, "{name}");
    }
}

#[test]
fn a_server_that_speaks_unasked_is_left() {
    let mut client = ready(PLAIN);

    let seen = show(client.on_reply(reply("250 hello?")));

    assert_eq!((seen.as_str(), client.phase()), ("Broken: ", Phase::Closed));
}

#[test]
fn the_greeting_falls_back_to_helo_and_ends_where_it_is_refused() {
    let table = [
        ("EHLO", ["220 mx", "250 mx"].as_slice(), vec!["Wait", "EHLO out.example", "Ready"]),
        (
            "HELO",
            ["220 mx", "502 no", "250 mx"].as_slice(),
            vec!["Wait", "EHLO out.example", "HELO out.example", "Ready"],
        ),
        (
            "neither",
            ["220 mx", "502 no", "550 no"].as_slice(),
            vec!["Wait", "EHLO out.example", "HELO out.example", "Broken: "],
        ),
        ("not now", ["220 mx", "451 later"].as_slice(), vec!["Wait", "EHLO out.example", "Broken: "]),
        ("no greeting", ["554 no"].as_slice(), vec!["Wait", "Broken: "]),
    ];

    for (name, replies, expected) in table {
        let mut client = Client::new("out.\r\nexample".into());
        assert_eq!(run(&mut client, Step::Wait, replies), expected, "{name}");
    }
}

#[test]
fn capabilities_are_read_in_any_case() {
    let client =
        ready("250-mx PIPELINING\n250-size\n250-8bitMIME\n250-SMTPUTF8 x\n250-EnhancedStatusCodes\n250 STARTTLS");

    let expected = super::Capabilities {
        pipelining: false,
        size: Some(0),
        eight_bit_mime: true,
        smtputf8: true,
        enhanced_status_codes: true,
        starttls: true,
    };
    assert_eq!(*client.capabilities(), expected);
}

#[test]
fn parameters_are_sent_where_they_are_offered() {
    let table = [
        ("nothing offered", PLAIN, false, "MAIL FROM:<a@b>"),
        ("8BITMIME", "250-mx\n250 8BITMIME", false, "MAIL FROM:<a@b> BODY=8BITMIME"),
        ("SMTPUTF8", "250-mx\n250 SMTPUTF8", true, "MAIL FROM:<a@b> SMTPUTF8"),
        ("SIZE without limit", "250-mx\n250 SIZE 0", false, "MAIL FROM:<a@b> SIZE=10"),
    ];

    for (name, ehlo, smtputf8, expected) in table {
        let envelope = OutEnvelope { eight_bit: true, smtputf8, ..envelope(&["1@d"]) };
        assert_eq!(show(ready(ehlo).deliver(&envelope)), expected, "{name}");
    }
}

#[test]
fn what_the_server_cannot_take_is_refused_without_asking() {
    let utf8 = "550 5.6.7 Next server does not take UTF-8 addresses Us";
    let plain = envelope(&["1@d"]);
    let table = [
        ("UTF-8 headers", OutEnvelope { smtputf8: true, ..plain.clone() }, format!("Finished: 1@d {utf8}")),
        ("UTF-8 sender", OutEnvelope { sender: Some("ä@b".into()), ..plain.clone() }, format!("Finished: 1@d {utf8}")),
        ("UTF-8 recipient", envelope(&["ü@d"]), format!("Finished: ü@d {utf8}")),
        ("size", OutEnvelope { size: 1001, ..plain.clone() }, "Finished: 1@d 552 5.3.4 Message too large Us".into()),
        ("nobody", envelope(&[]), "Finished: ".into()),
        (
            "sender with a command",
            OutEnvelope { sender: Some("a@b>\r\nRCPT TO:<x@y".into()), ..plain },
            "Finished: 1@d 501 5.1.7 Malformed sender address Us".into(),
        ),
    ];

    for (name, envelope, expected) in table {
        assert_eq!(show(ready(PIPELINING).deliver(&envelope)), expected, "{name}");
    }
}

#[test]
fn an_address_that_would_add_a_command_never_reaches_the_wire() {
    let hostile = ["x@y>\r\nRCPT TO:<z@y", "x y@d", "x@d> NOTIFY=NEVER", "x@d\n", "x\0@d", "<x@d>", "@a:x@d"];
    let recipients = [hostile.as_slice(), &["ok@d", "postmaster"]].concat();

    let step = ready(PIPELINING).deliver(&envelope(&recipients));

    assert_eq!(show(step), "MAIL FROM:<a@b> SIZE=10 | RCPT TO:<ok@d> | RCPT TO:<Postmaster> | DATA");
}

#[test]
fn a_lost_connection_leaves_an_outcome_for_everybody() {
    let mut client = ready(PIPELINING);
    deliver(&mut client, &["1@d", "bad", "2@d"], &["250 a", "550 no", "250 b", "354 go"]);

    let seen = client.abandon(&TempReply::new(451, EnhancedCode::new(4, 4, 2), "lost").unwrap());

    let expected = "1@d 550 no Peer, bad 501 5.1.3 Malformed recipient address Us, 2@d 451 4.4.2 lost Us";
    assert_eq!((show_all(&seen).as_str(), client.phase()), (expected, Phase::Closed));
}

#[test]
fn a_delivery_out_of_turn_is_put_off_and_disturbs_nothing() {
    let mut client = ready(PLAIN);
    client.deliver(&envelope(&["1@d"]));

    let seen = (show(client.deliver(&envelope(&["2@d"]))), client.phase());

    assert_eq!(seen, ("Finished: 2@d 451 4.3.0 Local error, try again later Us".into(), Phase::MailFrom));
}

#[test]
fn the_phase_follows_what_is_awaited() {
    let mut client = Client::new("out.example".into());
    let mut seen = vec![client.phase()];
    for text in ["220 mx", PIPELINING] {
        client.on_reply(reply(text));
        seen.push(client.phase());
    }
    client.deliver(&envelope(&["1@d"]));
    seen.push(client.phase());

    for text in ["250 a", "250 b", "354 go", "250 kept"] {
        client.on_reply(reply(text));
        seen.push(client.phase());
    }

    use Phase::{Banner, Data, DataDot, Ehlo, MailFrom, RcptTo, Ready};
    assert_eq!(seen, [Banner, Ehlo, Ready, MailFrom, RcptTo, Data, DataDot, Ready]);
}
