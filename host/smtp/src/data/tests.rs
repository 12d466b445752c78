//! Where data ends and where it must not: tables, the smuggling corpus, and properties over hostile octets.

use proptest::prelude::*;

use super::{DataEnd, DataFault, DataLimits, DataReader, DataWriter, StuffError, stuff_into};

const LIMITS: DataLimits = DataLimits { max_size: 100, max_line_length: 40 };

/// What a reader made of some input: the message if it is clean, the end if it came, and how much was left over.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    message: Option<Vec<u8>>,
    end: Option<DataEnd>,
    left: Vec<u8>,
}

fn read_chunks(limits: DataLimits, chunks: &[&[u8]]) -> Seen {
    let mut reader = DataReader::new(limits);
    let (mut out, mut end, mut left) = (Vec::new(), None, Vec::new());
    for mut chunk in chunks.iter().copied() {
        if end.is_none() {
            end = reader.read(&mut chunk, &mut out);
        }
        left.extend_from_slice(chunk);
    }
    Seen { message: reader.fault().is_none().then_some(out), end, left }
}

fn read(input: &[u8]) -> Seen {
    read_chunks(LIMITS, &[input])
}

fn clean(message: &str, left: &str) -> Seen {
    let end = Some(DataEnd { size: message.len() as u64, fault: None });
    Seen { message: Some(message.into()), end, left: left.into() }
}

fn faulty(size: u64, fault: DataFault, left: &str) -> Seen {
    Seen { message: None, end: Some(DataEnd { size, fault: Some(fault) }), left: left.into() }
}

#[test]
fn data_ends_at_its_dot_without_stuffing_and_leaves_what_is_behind() {
    let table = [
        ("one line", "a\r\n.\r\n", clean("a\r\n", "")),
        ("empty message", ".\r\nQUIT\r\n", clean("", "QUIT\r\n")),
        ("commands behind", "a\r\n.\r\nNOOP\r\nQUIT\r\n", clean("a\r\n", "NOOP\r\nQUIT\r\n")),
        ("stuffed dot", "..\r\n.\r\n", clean(".\r\n", "")),
        ("stuffed text", "..a\r\n...b\r\n.\r\n", clean(".a\r\n..b\r\n", "")),
        ("unstuffed text", ".a\r\n.\r\n", clean("a\r\n", "")),
        ("dots inside", "a.\r\nb..c\r\n.\r\n", clean("a.\r\nb..c\r\n", "")),
        ("empty lines", "\r\n\r\n.\r\n", clean("\r\n\r\n", "")),
    ];

    for (name, input, expected) in table {
        assert_eq!(read(input.as_bytes()), expected, "{name}");
    }
}

#[test]
fn a_fault_is_told_at_the_real_end() {
    let line_40 = "a".repeat(40);
    let table = [
        ("bare LF", "a\nb\r\n.\r\nQUIT\r\n".to_owned(), faulty(1, DataFault::BareLf, "QUIT\r\n")),
        ("bare CR", "a\rb\r\n.\r\n".to_owned(), faulty(1, DataFault::BareCr, "")),
        ("two CRs", "a\r\r\n.\r\n".to_owned(), faulty(1, DataFault::BareCr, "")),
        ("NUL", "ab\0\r\n.\r\n".to_owned(), faulty(2, DataFault::Nul, "")),
        ("first of two", "a\0\n\r\n.\r\n".to_owned(), faulty(1, DataFault::Nul, "")),
        ("long line", format!("{line_40}a\r\n.\r\n"), faulty(40, DataFault::LineTooLong, "")),
        ("size in text", format!("{line_40}\r\n{line_40}\r\n{line_40}\r\n.\r\n"), faulty(100, DataFault::TooLarge, "")),
        (
            "size in CRLF",
            format!("{line_40}\r\n{line_40}\r\naaaaaaaaaaaaaaa\r\n.\r\n"),
            faulty(99, DataFault::TooLarge, ""),
        ),
    ];

    for (name, input, expected) in table {
        assert_eq!(read(input.as_bytes()), expected, "{name}");
    }
}

#[test]
fn limits_may_be_reached() {
    let message = format!("{0}\r\n{0}\r\n{1}\r\n", "a".repeat(40), "b".repeat(14));

    let seen = read(format!("{message}.\r\n").as_bytes());

    assert_eq!(seen, clean(&message, ""));
}

/// VU#302671: every way to write "end of line, dot, end of line" of which one program says that it ends the message and
/// another says that it does not.
#[test]
fn no_false_end_of_data_lets_a_second_message_in() {
    let line_ends = ["\r\n", "\n", "\r", "\r\r\n", "\n\r", "\r\n\n", "\r\0\n", "\0\r\n", "\r\n\0", "\n\n", "\r\r", ""];
    let dots = [".", "..", " .", ". ", "\0.", ".\0"];
    let limits = DataLimits { max_size: 1000, max_line_length: 1000 };
    for before in line_ends {
        for dot in dots {
            for after in line_ends {
                let name = format!("{before:?} {dot:?} {after:?}");
                let data = format!("a{before}{dot}{after}MAIL FROM:<x@y>\r\nRCPT TO:<z@y>\r\nDATA\r\n");
                if before.ends_with("\r\n") && dot == "." && after.starts_with("\r\n") {
                    continue;
                }

                let seen = [read_chunks(limits, &[data.as_bytes()]), read_chunks(limits, &[data.as_bytes(), b".\r\n"])];

                assert_eq!(seen[0].end, None, "{name}");
                let faulty = data.replace("\r\n", "").contains(['\r', '\n', '\0']);
                assert_eq!(seen[1].end.map(|end| end.fault.is_some()), Some(faulty), "{name}");
            }
        }
    }
}

#[test]
fn a_body_is_sent_with_dots_stuffed_and_its_end() {
    let send = |body: &[u8]| {
        let mut out = Vec::new();
        stuff_into(body, &mut out).map(|()| String::from_utf8(out).unwrap())
    };
    let table: &[(&str, &[u8], Result<&str, StuffError>)] = &[
        ("a line", b"a\r\n", Ok("a\r\n.\r\n")),
        ("no CRLF at the end", b"a", Ok("a\r\n.\r\n")),
        ("empty", b"", Ok(".\r\n")),
        ("dots", b".\r\n..a\r\nb.\r\n", Ok("..\r\n...a\r\nb.\r\n.\r\n")),
        ("bare LF", b"a\n.\r\n", Err(StuffError::BareLf)),
        ("bare LF at the start", b"\n", Err(StuffError::BareLf)),
        ("bare CR", b"a\rb", Err(StuffError::BareCr)),
        ("two CRs", b"a\r\r\n", Err(StuffError::BareCr)),
        ("CR at the end", b"a\r", Err(StuffError::BareCr)),
    ];

    for (name, body, expected) in table {
        assert_eq!(send(body), expected.map(str::to_owned), "{name}");
    }
}

#[test]
fn a_writer_that_failed_never_ends_the_message() {
    let mut writer = DataWriter::new();
    let mut out = Vec::new();

    let seen = (writer.write(b"a\nb", &mut out), writer.write(b"\r\n", &mut out), writer.finish(&mut out));

    assert_eq!(seen, (Err(StuffError::BareLf), Err(StuffError::BareLf), Err(StuffError::BareLf)));
}

/// Octets that matter to the grammar, and little else.
fn hostile(max: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(b"\r\r\r\n\n\n...ab\0".to_vec()), 0..max)
}

/// A message of lines that all end with CRLF.
fn message() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec("[.a ]{0,5}", 0..20)
        .prop_map(|lines| lines.iter().flat_map(|l| [l.as_bytes(), b"\r\n"].concat()).collect())
}

proptest! {
    #[test]
    fn chunks_change_nothing_for_the_reader(input in hostile(60), cut in 1usize..7, max_size in 0u64..20, max_line_length in 0usize..10) {
        let limits = DataLimits { max_size, max_line_length };
        let chunks: Vec<&[u8]> = input.chunks(cut).collect();

        prop_assert_eq!(read_chunks(limits, &chunks), read_chunks(limits, &[&input]));
    }

    #[test]
    fn chunks_change_nothing_for_the_writer(body in hostile(40), cut in 1usize..7) {
        let (mut whole, mut pieces, mut writer) = (Vec::new(), Vec::new(), DataWriter::new());

        let expected = stuff_into(&body, &mut whole);
        let seen = body.chunks(cut).try_for_each(|c| writer.write(c, &mut pieces)).and_then(|()| writer.finish(&mut pieces));

        prop_assert_eq!((seen, seen.is_ok().then_some(pieces)), (expected, expected.is_ok().then_some(whole)));
    }

    #[test]
    fn a_message_arrives_as_it_was_sent(message in message(), behind in hostile(10)) {
        let mut wire = Vec::new();
        stuff_into(&message, &mut wire).unwrap();
        wire.extend_from_slice(&behind);

        let seen = read_chunks(DataLimits { max_size: 1000, max_line_length: 1000 }, &[&wire]);

        let end = Some(DataEnd { size: message.len() as u64, fault: None });
        prop_assert_eq!(seen, Seen { message: Some(message), end, left: behind });
    }

    #[test]
    fn data_ends_exactly_behind_the_first_crlf_dot_crlf(input in hostile(80)) {
        let framed = [b"\r\n".as_slice(), &input].concat();
        let end = framed.windows(5).position(|w| w == b"\r\n.\r\n").map(|at| at + 3);

        let seen = read(&input);

        prop_assert_eq!(seen.end.map(|_| input.len() - seen.left.len()), end);
    }

    #[test]
    fn what_is_handed_out_holds_no_bare_cr_or_lf(input in hostile(80)) {
        if let Seen { message: Some(message), end: Some(_), .. } = read(&input) {
            let text = String::from_utf8(message).unwrap().replace("\r\n", "");
            prop_assert!(!text.contains(['\r', '\n', '\0']));
        }
    }
}
