//! The reader of command lines: octets in any chunks in, lines without their CRLF out.
//!
//! Only CRLF ends a line. Anything that another program might take for a line end, or that has no place in a command
//! (a bare CR or LF, a control character, too many octets), is one error, reported when the CRLF that really ends the
//! line arrives; nothing behind it is ever run as a command of its own. A line at fault is dropped while it is read, so
//! memory stays bounded by [`MAX_COMMAND_LINE`].
//!
//! Rules: RFC 5321 §2.3.8 (line ends), §4.1.1 and §4.1.2 (no control characters), §4.5.3.1.4 (length).

/// Longest command line, in octets, CRLF counted.
///
/// RFC 5321 §4.5.3.1.4 asks for 512 and extensions add to it (RFC 1870 §3, RFC 6531 §3.1); the rest is room for long
/// parameters of extensions not offered here, so that a client hears what is unknown rather than that its line is long.
pub const MAX_COMMAND_LINE: usize = 2048;

/// Says why a line is not taken. The peer is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// The line is longer than [`MAX_COMMAND_LINE`].
    #[error("line longer than {MAX_COMMAND_LINE} octets")]
    TooLong,
    /// An LF without a CR before it.
    #[error("LF without CR in line")]
    BareLf,
    /// A CR without an LF behind it.
    #[error("CR without LF in line")]
    BareCr,
    /// NUL, TAB, DEL or another control character.
    #[error("control character in line")]
    ControlCharacter,
}

/// Reads command lines.
#[derive(Debug, Default)]
pub struct CommandReader {
    line: Vec<u8>,
    after_cr: bool,
    fault: Option<LineError>,
}

impl CommandReader {
    /// Returns a reader at the start of a line.
    pub fn new() -> CommandReader {
        CommandReader::default()
    }

    /// Takes octets off the front of `input`, up to the end of a line; returns that line, or nothing if `input` was used
    /// up before. The first fault of a line is the one reported.
    pub fn read(&mut self, input: &mut &[u8]) -> Option<Result<Vec<u8>, LineError>> {
        while let Some((&byte, rest)) = input.split_first() {
            *input = rest;
            if self.take(byte) {
                return Some(self.finish());
            }
        }
        None
    }

    /// Takes one octet; returns whether it ended the line.
    fn take(&mut self, byte: u8) -> bool {
        let after_cr = std::mem::take(&mut self.after_cr);
        if after_cr && byte == b'\n' {
            return true;
        }
        if after_cr {
            self.fail(LineError::BareCr);
        }
        match byte {
            b'\r' => self.after_cr = true,
            b'\n' => self.fail(LineError::BareLf),
            _ if byte.is_ascii_control() => self.fail(LineError::ControlCharacter),
            _ if self.fault.is_some() => {}
            _ if self.line.len() + 2 == MAX_COMMAND_LINE => self.fail(LineError::TooLong),
            _ => self.line.push(byte),
        }
        false
    }

    fn fail(&mut self, fault: LineError) {
        self.fault.get_or_insert(fault);
        self.line.clear();
    }

    fn finish(&mut self) -> Result<Vec<u8>, LineError> {
        let line = std::mem::take(&mut self.line);
        match self.fault.take() {
            Some(fault) => Err(fault),
            None => Ok(line),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{CommandReader, LineError, MAX_COMMAND_LINE};

    type Seen = Vec<Result<String, LineError>>;

    fn read_chunks(chunks: &[&[u8]]) -> Seen {
        let mut reader = CommandReader::new();
        let mut seen = Vec::new();
        for mut chunk in chunks.iter().copied() {
            while let Some(line) = reader.read(&mut chunk) {
                seen.push(line.map(|line| String::from_utf8_lossy(&line).into_owned()));
            }
        }
        seen
    }

    #[test]
    fn only_crlf_ends_a_line_and_a_fault_is_told_once() {
        use LineError::{BareCr, BareLf, ControlCharacter};
        let ok = |text: &str| Ok(text.to_owned());
        let table: &[(&str, &[u8], Seen)] = &[
            ("two lines", b"NOOP\r\nQUIT\r\n", vec![ok("NOOP"), ok("QUIT")]),
            ("empty line", b"\r\n", vec![ok("")]),
            ("no end yet", b"NOOP", vec![]),
            ("bare LF", b"NOOP\nQUIT\r\n", vec![Err(BareLf)]),
            ("bare CR", b"NOOP\rQUIT\r\n", vec![Err(BareCr)]),
            ("CR before CRLF", b"NOOP\r\r\nQUIT\r\n", vec![Err(BareCr), ok("QUIT")]),
            ("LF before CRLF", b"NOOP\n\r\nQUIT\r\n", vec![Err(BareLf), ok("QUIT")]),
            ("LF behind CRLF", b"NOOP\r\n\nQUIT\r\n", vec![ok("NOOP"), Err(BareLf)]),
            ("many faults", b"a\0b\nc\rd\0\r\n", vec![Err(ControlCharacter)]),
            ("TAB", b"MAIL\tFROM:<>\r\n", vec![Err(ControlCharacter)]),
            ("DEL", b"NOOP \x7f\r\n", vec![Err(ControlCharacter)]),
        ];

        for (name, input, expected) in table {
            assert_eq!(read_chunks(&[input]), *expected, "{name}");
        }
    }

    #[test]
    fn the_longest_line_is_read_and_one_octet_more_is_one_error() {
        let longest = "a".repeat(MAX_COMMAND_LINE - 2);
        let input = format!("{longest}\r\n{longest}a\r\n{longest}{longest}{longest}\r\nNOOP\r\n");

        let seen = read_chunks(&[input.as_bytes()]);

        let expected = vec![Ok(longest), Err(LineError::TooLong), Err(LineError::TooLong), Ok("NOOP".to_owned())];
        assert_eq!(seen, expected);
    }

    #[test]
    fn an_endless_line_takes_no_memory() {
        let mut reader = CommandReader::new();

        for _ in 0..1000 {
            reader.read(&mut &[b'a'; 1000][..]);
        }

        assert!(reader.line.capacity() <= 2 * MAX_COMMAND_LINE);
    }

    proptest! {
        #[test]
        fn chunks_change_nothing(input in prop::collection::vec(prop::sample::select(b"ab\r\n\0".to_vec()), 0..60), cut in 1usize..7) {
            let chunks: Vec<&[u8]> = input.chunks(cut).collect();

            prop_assert_eq!(read_chunks(&chunks), read_chunks(&[&input]));
        }
    }
}
