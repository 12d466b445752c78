//! The reader of a server's replies: octets in any chunks in, whole replies out.
//!
//! A reply is complete when a line without a hyphen behind its code has come. Lines end at LF, with or without CR: a
//! server that forgets the CR would otherwise get no mail, and a reply is never passed on as protocol. What a server
//! wrote is shown to people, so control characters in it become blanks and broken UTF-8 becomes U+FFFD.
//!
//! Memory is bounded by [`MAX_REPLY_LINE`] and [`MAX_REPLY_LINES`] plus what was fed since the last call. After an error
//! the reader knows no longer where a reply starts; it repeats the error and the connection is of no more use.
//!
//! Rules: RFC 5321 §4.2, §4.2.1; RFC 2034 §4.

use bytes::{Bytes, BytesMut};

use super::{EnhancedCode, Reply};

/// Longest line read, in octets, its LF not counted. RFC 5321 §4.5.3.1.5 allows 512; servers do write more.
pub const MAX_REPLY_LINE: usize = 4096;

/// Most lines in one reply, read or sent.
pub const MAX_REPLY_LINES: usize = 100;

/// Says why what a server sent is not a reply. The server is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// A line does not start with a code of 200 to 599 and a blank, a hyphen or nothing behind it.
    #[error("malformed reply line")]
    Malformed,
    /// The lines of one reply have different codes.
    #[error("reply changes its code from {first} to {then}")]
    CodeChanged {
        /// Code of the first line.
        first: u16,
        /// Code of the line that differs.
        then: u16,
    },
    /// A line is longer than [`MAX_REPLY_LINE`].
    #[error("reply line longer than {MAX_REPLY_LINE} octets")]
    LineTooLong,
    /// A reply has more than [`MAX_REPLY_LINES`] lines.
    #[error("reply of more than {MAX_REPLY_LINES} lines")]
    TooManyLines,
}

/// Reads replies from octets.
#[derive(Debug, Default)]
pub struct ReplyReader {
    input: BytesMut,
    /// How much of `input` was searched for an LF in vain.
    searched: usize,
    code: u16,
    lines: Vec<String>,
    error: Option<ReplyError>,
}

impl ReplyReader {
    /// Returns a reader that has seen nothing.
    pub fn new() -> ReplyReader {
        ReplyReader::default()
    }

    /// Appends what arrived.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.error.is_none() {
            self.input.extend_from_slice(bytes);
        }
    }

    /// Returns the next whole reply, or nothing until more is fed.
    ///
    /// # Errors
    /// Any [`ReplyError`], and the same again on every later call: the server is at fault, close the connection.
    #[expect(clippy::should_implement_trait, reason = "not an iterator: nothing now does not mean nothing later")]
    pub fn next(&mut self) -> Result<Option<Reply>, ReplyError> {
        match self.error {
            Some(error) => Err(error),
            None => self.read_reply().inspect_err(|error| self.error = Some(*error)),
        }
    }

    /// Returns whether nothing is left over, not even part of a reply.
    pub fn is_empty(&self) -> bool {
        self.input.is_empty() && self.lines.is_empty()
    }

    fn read_reply(&mut self) -> Result<Option<Reply>, ReplyError> {
        while let Some(line) = self.take_line()? {
            if let Some(reply) = self.add_line(&line)? {
                return Ok(Some(reply));
            }
        }
        Ok(None)
    }

    /// Takes the next line without its line end.
    fn take_line(&mut self) -> Result<Option<Bytes>, ReplyError> {
        let found = memchr::memchr(b'\n', &self.input[self.searched..]).map(|offset| self.searched + offset);
        if found.unwrap_or(self.input.len()) > MAX_REPLY_LINE {
            return Err(ReplyError::LineTooLong);
        }
        let Some(end) = found else {
            self.searched = self.input.len();
            return Ok(None);
        };
        self.searched = 0;
        let mut line = self.input.split_to(end + 1).freeze();
        line.truncate(if line[..end].ends_with(b"\r") { end - 1 } else { end });
        Ok(Some(line))
    }

    fn add_line(&mut self, line: &[u8]) -> Result<Option<Reply>, ReplyError> {
        let (code, last, text) = parse_line(line).ok_or(ReplyError::Malformed)?;
        if self.lines.is_empty() {
            self.code = code;
        } else if self.code != code {
            return Err(ReplyError::CodeChanged { first: self.code, then: code });
        }
        if self.lines.len() == MAX_REPLY_LINES {
            return Err(ReplyError::TooManyLines);
        }
        self.lines.push(text);
        Ok(last.then(|| assemble(code, &std::mem::take(&mut self.lines))))
    }
}

/// Returns the code of a line, whether it ends its reply, and its text.
fn parse_line(line: &[u8]) -> Option<(u16, bool, String)> {
    let (digits, rest) = line.split_at_checked(3)?;
    let code = std::str::from_utf8(digits).ok().and_then(super::parse_number).filter(|c| (200..=599).contains(c))?;
    let (last, text) = match rest.split_first() {
        None => (true, rest),
        Some((b' ', text)) => (true, text),
        Some((b'-', text)) => (false, text),
        Some(_) => return None,
    };
    Some((code, last, String::from_utf8_lossy(text).replace(char::is_control, " ")))
}

/// Puts the lines together. An enhanced code counts if it is of the class of the code; later lines lose it only if
/// they repeat the first line's.
fn assemble(code: u16, lines: &[String]) -> Reply {
    let leading = |line: &str| EnhancedCode::parse(line.split(' ').next().unwrap_or_default());
    let enhanced = lines.first().and_then(|line| leading(line)).filter(|e| u16::from(e.class()) == code / 100);
    let texts: Vec<&str> = lines
        .iter()
        .map(|line| match line.split_once(' ') {
            Some((_, rest)) if enhanced.is_some() && leading(line) == enhanced => rest,
            None if enhanced.is_some() && leading(line) == enhanced => "",
            _ => line,
        })
        .collect();
    Reply { code, enhanced, text: texts.join("\n") }
}
