//! Tables of command lines, good, forgiven and refused.

use proptest::prelude::*;

use super::{Body, Command, MailParams, parse};
use crate::address::{ForwardPath, ReversePath, Utf8};

fn mail(path: &str, size: Option<u64>, body: Body, smtputf8: bool) -> Command {
    Command::Mail {
        path: ReversePath::parse(path, Utf8::Allowed).unwrap(),
        params: MailParams { size, body, smtputf8 },
    }
}

fn rcpt(path: &str) -> Command {
    Command::Rcpt { path: ForwardPath::parse(path, Utf8::Allowed).unwrap() }
}

#[test]
fn commands_are_known_in_any_case_and_with_forgivable_blanks() {
    let table: &[(&str, &str, Command)] = &[
        ("EHLO", "EHLO client.example", Command::Ehlo("client.example".into())),
        ("literal", "ehlo [192.0.2.1]", Command::Ehlo("[192.0.2.1]".into())),
        ("odd name", "HELO my_pc", Command::Helo("my_pc".into())),
        ("null sender", "MAIL FROM:<>", mail("<>", None, Body::SevenBit, false)),
        ("blank behind colon", "mail from: <u@d>", mail("<u@d>", None, Body::SevenBit, false)),
        (
            "parameters",
            "MAIL FROM:<u@d> SIZE=5 BODY=8BITMIME SMTPUTF8",
            mail("<u@d>", Some(5), Body::EightBitMime, true),
        ),
        ("small letters", "MAIL FROM:<u@d> size=5  body=7bit", mail("<u@d>", Some(5), Body::SevenBit, false)),
        (
            "huge size",
            "MAIL FROM:<u@d> SIZE=99999999999999999999",
            mail("<u@d>", Some(u64::MAX), Body::SevenBit, false),
        ),
        (
            "quoted blank and bracket",
            "MAIL FROM:<\"a >\"@d> SIZE=1",
            mail("<\"a >\"@d>", Some(1), Body::SevenBit, false),
        ),
        ("recipient", "RCPT TO:<u@d>", rcpt("<u@d>")),
        ("postmaster", "RCPT TO:<postmaster>", rcpt("<Postmaster>")),
        ("route", "RCPT TO:<@a,@b:u@d>", rcpt("<u@d>")),
        ("DATA", "DATA", Command::Data),
        ("blanks at the end", "RSET  ", Command::Rset),
        ("NOOP with text", "NOOP hello", Command::Noop),
        ("VRFY", "VRFY someone", Command::Vrfy),
        ("EXPN", "EXPN list", Command::Expn),
        ("HELP", "HELP", Command::Help),
        ("QUIT", "quit", Command::Quit),
        ("STARTTLS", "STARTTLS", Command::StartTls),
        ("AUTH", "AUTH PLAIN", Command::Auth),
    ];

    for (name, line, expected) in table {
        assert_eq!(parse(line.as_bytes()), Ok(expected.clone()), "{name}");
    }
}

#[test]
fn lines_at_fault_are_refused_with_the_code_that_says_where() {
    let long = [b"EHLO ".as_slice(), &[b'a'; 256]].concat();
    let table: &[(&str, &[u8], (u16, &str))] = &[
        ("empty", b"", (500, "5.5.2")),
        ("unknown", b"FOO bar", (500, "5.5.2")),
        ("blank first", b" NOOP", (500, "5.5.2")),
        ("not UTF-8", b"MAIL FROM:<\xff@d>", (501, "5.5.2")),
        ("EHLO without name", b"EHLO", (501, "")),
        ("EHLO with two", b"EHLO a b", (501, "")),
        ("EHLO too long", &long, (501, "")),
        ("DATA with text", b"DATA now", (501, "5.5.4")),
        ("QUIT with text", b"QUIT now", (501, "5.5.4")),
        ("MAIL alone", b"MAIL", (501, "5.5.4")),
        ("MAIL TO", b"MAIL TO:<u@d>", (501, "5.5.4")),
        ("no brackets", b"MAIL FROM:u@d", (501, "5.1.7")),
        ("no sender", b"MAIL FROM:", (501, "5.1.7")),
        ("bad sender", b"MAIL FROM:<u@@d>", (501, "5.1.7")),
        ("glued parameter", b"MAIL FROM:<u@d>SIZE=1", (501, "5.5.4")),
        ("SIZE without number", b"MAIL FROM:<u@d> SIZE", (501, "5.5.4")),
        ("SIZE negative", b"MAIL FROM:<u@d> SIZE=-1", (501, "5.5.4")),
        ("SIZE of 21 digits", b"MAIL FROM:<u@d> SIZE=100000000000000000000", (501, "5.5.4")),
        ("SIZE twice", b"MAIL FROM:<u@d> SIZE=1 size=2", (501, "5.5.4")),
        ("BODY unknown", b"MAIL FROM:<u@d> BODY=BINARYMIME", (501, "5.5.4")),
        ("SMTPUTF8 with value", b"MAIL FROM:<u@d> SMTPUTF8=1", (501, "5.5.4")),
        ("AUTH not offered", b"MAIL FROM:<u@d> AUTH=<>", (555, "5.5.4")),
        ("no recipient", b"RCPT TO:<>", (501, "5.1.3")),
        ("bad recipient", b"RCPT TO:<u>", (501, "5.1.3")),
        ("RCPT parameter", b"RCPT TO:<u@d> NOTIFY=NEVER", (555, "5.5.4")),
    ];

    for (name, line, expected) in table {
        let reply = parse(line).unwrap_err();
        let enhanced = reply.enhanced().map(|e| e.to_string()).unwrap_or_default();
        assert_eq!((reply.code(), enhanced.as_str()), *expected, "{name}");
    }
}

proptest! {
    #[test]
    fn any_line_is_a_command_or_a_permanent_refusal(line in "(?i)(mail from:|rcpt to:|ehlo )?[ -~é]{0,40}") {
        if let Err(reply) = parse(line.as_bytes()) {
            prop_assert!(reply.is_permanent());
        }
    }
}
