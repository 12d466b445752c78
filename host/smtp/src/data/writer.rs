//! The writer of message data: a body in any chunks in, the octets to send out.
//!
//! A dot is put before every line that starts with one, and behind the body comes the line of a single dot; a body that
//! does not end with CRLF gets one. A bare CR or LF in the body is an error, never sent: the next server might see a line
//! end there. What was sent before is then an unfinished message, and the only thing to do is to close the connection.
//!
//! Rules: RFC 5321 §2.3.8, §4.1.1.4, §4.5.2.

/// Says why a body cannot be sent. Our caller is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StuffError {
    /// A CR without an LF behind it.
    #[error("CR without LF in message to send")]
    BareCr,
    /// An LF without a CR before it.
    #[error("LF without CR in message to send")]
    BareLf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    LineStart,
    InLine,
    /// A CR is held back until its LF comes.
    AfterCr,
}

/// Writes the data of one message.
#[derive(Debug)]
pub struct DataWriter {
    place: Place,
    error: Option<StuffError>,
}

impl Default for DataWriter {
    fn default() -> DataWriter {
        DataWriter::new()
    }
}

impl DataWriter {
    /// Returns a writer at the start of a message.
    pub fn new() -> DataWriter {
        DataWriter { place: Place::LineStart, error: None }
    }

    /// Appends the next piece of the body to `out`, dots stuffed.
    ///
    /// # Errors
    /// Any [`StuffError`], and the same again on every later call: close the connection.
    pub fn write(&mut self, mut body: &[u8], out: &mut Vec<u8>) -> Result<(), StuffError> {
        out.reserve(body.len() + 2);
        while let Some(&byte) = body.first() {
            if let Some(error) = self.error {
                return Err(error);
            }
            match (self.place, byte) {
                (Place::AfterCr, b'\n') => {
                    out.extend_from_slice(b"\r\n");
                    self.place = Place::LineStart;
                    body = &body[1..];
                }
                (Place::AfterCr, _) => self.error = Some(StuffError::BareCr),
                (Place::LineStart, b'.') => {
                    out.push(b'.');
                    self.place = Place::InLine;
                }
                (Place::LineStart | Place::InLine, _) => body = self.write_text(body, out),
            }
        }
        self.error.map_or(Ok(()), Err)
    }

    /// Appends the end of the message to `out`.
    ///
    /// # Errors
    /// As [`DataWriter::write`]; a CR at the very end of the body is `BareCr`.
    pub fn finish(self, out: &mut Vec<u8>) -> Result<(), StuffError> {
        match (self.error, self.place) {
            (Some(error), _) => return Err(error),
            (None, Place::AfterCr) => return Err(StuffError::BareCr),
            (None, Place::InLine) => out.extend_from_slice(b"\r\n.\r\n"),
            (None, Place::LineStart) => out.extend_from_slice(b".\r\n"),
        }
        Ok(())
    }

    /// Writes text, and its CRLF if that came whole; returns what is behind it.
    fn write_text<'a>(&mut self, body: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
        let length = memchr::memchr2(b'\r', b'\n', body).unwrap_or(body.len());
        let (text, rest) = body.split_at(length);
        if let Some(next_line) = rest.strip_prefix(b"\r\n") {
            out.extend_from_slice(&body[..length + 2]);
            self.place = Place::LineStart;
            return next_line;
        }
        out.extend_from_slice(text);
        self.place = Place::InLine;
        match rest.first() {
            Some(b'\r') => self.place = Place::AfterCr,
            Some(_) => self.error = Some(StuffError::BareLf),
            None => {}
        }
        rest.get(1..).unwrap_or_default()
    }
}

/// Appends a whole body to `out`, ready to send: dots stuffed, CRLF, dot, CRLF at the end.
///
/// # Errors
/// Any [`StuffError`]; `out` then holds an unfinished message that must not be sent.
pub fn stuff_into(body: &[u8], out: &mut Vec<u8>) -> Result<(), StuffError> {
    let mut writer = DataWriter::new();
    writer.write(body, out)?;
    writer.finish(out)
}
