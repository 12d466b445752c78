//! Replies on the wire: what a text cannot do, and what the reader makes of servers good and bad.

use proptest::prelude::*;

use super::{EnhancedCode, PermReply, Reply, ReplyError, ReplyReader, TempReply};

fn wire(code: u16, enhanced: Option<&str>, text: &str) -> String {
    let enhanced = enhanced.map(|e| EnhancedCode::parse(e).unwrap());
    String::from_utf8(Reply::new(code, enhanced, text).unwrap().to_wire()).unwrap()
}

/// Reads everything in one feed: the replies as log lines, and the error that ended it, if one did.
fn read(input: &[u8]) -> Vec<String> {
    read_chunks(&[input])
}

fn read_chunks(chunks: &[&[u8]]) -> Vec<String> {
    let mut reader = ReplyReader::new();
    let mut seen = Vec::new();
    for chunk in chunks {
        reader.feed(chunk);
        while let Some(reply) = reader.next().transpose() {
            match reply {
                Ok(reply) => seen.push(format!("{reply:?}")),
                Err(error) => return seen.into_iter().chain([error.to_string()]).collect(),
            }
        }
    }
    seen
}

#[test]
fn a_reply_is_written_with_its_codes_on_every_line() {
    let table = [
        ("one line", wire(250, Some("2.1.0"), "Fine"), "250 2.1.0 Fine\r\n"),
        ("no enhanced code", wire(220, None, "host ready"), "220 host ready\r\n"),
        ("two lines", wire(550, Some("5.7.1"), "No\nNever"), "550-5.7.1 No\r\n550 5.7.1 Never\r\n"),
        ("no text", wire(250, None, ""), "250 \r\n"),
        ("CRLF in a text", wire(550, Some("5.0.0"), "a\r\n250 b"), "550-5.0.0 a\r\n550 5.0.0 250 b\r\n"),
        ("CR and NUL in a text", wire(550, Some("5.0.0"), "a\rb\0c\td"), "550 5.0.0 a?b?c?d\r\n"),
        ("not ASCII", wire(550, Some("5.0.0"), "für"), "550 5.0.0 f?r\r\n"),
    ];

    for (name, seen, expected) in table {
        assert_eq!(seen, expected, "{name}");
    }
}

#[test]
fn a_long_line_is_folded_at_a_blank() {
    let text = format!("{} {}", "a".repeat(400), "b".repeat(200));

    let seen = wire(550, Some("5.7.1"), &text);

    assert_eq!(seen, format!("550-5.7.1 {}\r\n550 5.7.1 {}\r\n", "a".repeat(400), "b".repeat(200)));
}

#[test]
fn refusals_cannot_be_made_of_other_codes() {
    let code = EnhancedCode::new;
    let table = [
        ("250 as permanent", PermReply::new(250, None, "x").is_some(), false),
        ("450 as permanent", PermReply::new(450, None, "x").is_some(), false),
        ("550 with class 4", PermReply::new(550, code(4, 0, 0), "x").is_some(), false),
        ("550 with class 5", PermReply::new(550, code(5, 1, 1), "x").is_some(), true),
        ("550 as temporary", TempReply::new(550, None, "x").is_some(), false),
        ("451 as temporary", TempReply::new(451, None, "x").is_some(), true),
        ("600", Reply::new(600, None, "x").is_some(), false),
        ("354 with class 2", Reply::new(354, code(2, 0, 0), "x").is_some(), false),
    ];

    for (name, seen, expected) in table {
        assert_eq!(seen, expected, "{name}");
    }
}

#[test]
fn a_refusal_without_enhanced_code_gets_the_undefined_one() {
    let refusal: Reply = TempReply::new(451, None, "Later").unwrap().into();

    assert_eq!(refusal.to_string(), "451 4.0.0 Later");
}

#[test]
fn replies_are_read_with_their_lines_and_codes() {
    let reply = |code, enhanced: Option<(u8, u16, u16)>, text: &str| {
        let enhanced = enhanced.map(|(c, s, d)| EnhancedCode::new(c, s, d).unwrap());
        format!("{:?}", Reply::new(code, enhanced, text).unwrap())
    };
    let table: &[(&str, &[u8], Vec<String>)] = &[
        ("one line", b"250 ok\r\n", vec![reply(250, None, "ok")]),
        ("code alone", b"250\r\n", vec![reply(250, None, "")]),
        ("enhanced code", b"550 5.1.1 who?\r\n", vec![reply(550, Some((5, 1, 1)), "who?")]),
        ("enhanced code alone", b"250 2.0.0\r\n", vec![reply(250, Some((2, 0, 0)), "")]),
        ("enhanced code of another class", b"550 4.1.1 x\r\n", vec![reply(550, None, "4.1.1 x")]),
        ("a version is no enhanced code", b"220 5.4.3.1 x\r\n", vec![reply(220, None, "5.4.3.1 x")]),
        ("lines", b"550-5.7.1 a\r\n550 5.7.1 b\r\n", vec![reply(550, Some((5, 7, 1)), "a\nb")]),
        ("two replies", b"250 a\r\n354 b\r\n", vec![reply(250, None, "a"), reply(354, None, "b")]),
        ("LF alone", b"250 a\n", vec![reply(250, None, "a")]),
        ("control characters", b"550 a\x1b[2J\rb\r\n", vec![reply(550, None, "a [2J b")]),
        ("broken UTF-8", b"550 \xff\r\n", vec![reply(550, None, "\u{fffd}")]),
    ];

    for (name, input, expected) in table {
        assert_eq!(read(input), *expected, "{name}");
    }
}

#[test]
fn what_is_no_reply_is_an_error() {
    let long = [b"250 ".as_slice(), &[b'a'; 4096]].concat();
    let many = "250-x\r\n".repeat(101);
    let table: &[(&str, &[u8], ReplyError)] = &[
        ("text", b"hello\r\n", ReplyError::Malformed),
        ("empty line", b"\r\n", ReplyError::Malformed),
        ("two digits", b"25\r\n", ReplyError::Malformed),
        ("four digits", b"2500 x\r\n", ReplyError::Malformed),
        ("sign", b"+25 x\r\n", ReplyError::Malformed),
        ("code too low", b"150 x\r\n", ReplyError::Malformed),
        ("code too high", b"650 x\r\n", ReplyError::Malformed),
        ("another code", b"250-x\r\n550 y\r\n", ReplyError::CodeChanged { first: 250, then: 550 }),
        ("line without end", &long, ReplyError::LineTooLong),
        ("too many lines", many.as_bytes(), ReplyError::TooManyLines),
    ];

    for (name, input, expected) in table {
        assert_eq!(read(input), [expected.to_string()], "{name}");
    }
}

proptest! {
    #[test]
    fn no_text_adds_a_line_without_code_or_a_long_line(text in "(?s).{0,900}") {
        let wire = wire(550, Some("5.7.1"), &text);

        for line in wire.strip_suffix("\r\n").unwrap().split("\r\n") {
            prop_assert!(line.starts_with("550 5.7.1 ") || line.starts_with("550-5.7.1 "));
            prop_assert!(line.len() <= 510 && !line.contains(char::is_control));
        }
    }

    #[test]
    fn a_clean_reply_is_read_as_written(text in "[a-z ]{0,80}(\n[a-z ]{1,80}){0,5}", code in 400u16..600) {
        let reply = Reply::new(code, EnhancedCode::new((code / 100) as u8, 7, 1), text).unwrap();

        prop_assert_eq!(read(&reply.to_wire()), [format!("{reply:?}")]);
    }

    #[test]
    fn chunks_change_nothing(input in prop::collection::vec(prop::sample::select(b"25 -\r\n.xa".to_vec()), 0..60), cut in 1usize..7) {
        let chunks: Vec<&[u8]> = input.chunks(cut).collect();

        prop_assert_eq!(read_chunks(&chunks), read(&input));
    }
}
