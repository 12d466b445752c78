//! The text of a message as JSON carries it, made into octets that SMTP can carry.
//!
//! LF and CRLF both end a line, since nobody writes CRLF into JSON by choice; what could make one reader see more lines
//! than another (a lone CR, a NUL) is refused. The limits are those of SMTP's DATA, so both doors take the same messages.
//!
//! Rules: RFC 5321 §2.3.8, RFC 5322 §2.1 and §2.3.

use tollgate_smtp::data::DEFAULT_MAX_LINE_LENGTH;

/// Returns the message with CRLF line ends, the last line included.
///
/// # Errors
/// What is wrong, for the client to read.
pub(super) fn normalize(text: &str) -> Result<Vec<u8>, &'static str> {
    if text.is_empty() {
        return Err("a message is not empty");
    }
    let mut octets = Vec::with_capacity(text.len() + text.len() / 32 + 2);
    for line in text.split_inclusive('\n') {
        let line = line.strip_suffix('\n').unwrap_or(line);
        let line = line.strip_suffix('\r').unwrap_or(line);
        check(line)?;
        octets.extend_from_slice(line.as_bytes());
        octets.extend_from_slice(b"\r\n");
    }
    Ok(octets)
}

fn check(line: &str) -> Result<(), &'static str> {
    if line.len() > DEFAULT_MAX_LINE_LENGTH {
        return Err("a line is longer than 4096 octets");
    }
    if line.contains(['\r', '\0']) {
        return Err("a message holds no NUL, and no CR that does not end a line");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_become_crlf_and_what_could_split_a_line_is_refused() {
        let lone = Err("a message holds no NUL, and no CR that does not end a line");
        for (text, octets) in [
            ("a: b\n\nc\n", Ok("a: b\r\n\r\nc\r\n")),
            ("a: b\r\n\r\nc", Ok("a: b\r\n\r\nc\r\n")),
            ("\n", Ok("\r\n")),
            ("", Err("a message is not empty")),
            ("a: b\rBcc: c\n\n", lone),
            ("a: b\r\r\n\n", lone),
            ("a: b\0\n\n", lone),
        ] {
            let seen = normalize(text).map(|octets| String::from_utf8(octets).unwrap());

            assert_eq!(seen, octets.map(str::to_owned), "{text:?}");
        }
    }

    #[test]
    fn lines_as_long_as_smtp_takes_are_taken() {
        let lines = [4096, 4097].map(|length| normalize(&"a".repeat(length)).is_ok());

        assert_eq!(lines, [true, false]);
    }
}
