//! The header of a message as a list of fields that can be edited without touching the octets received.
//!
//! A field is either a range of the original or text of our own. What leaves is a list of [`Piece`]s: ranges to copy and
//! octets to insert, so that messages split from one transaction share the stored octets and differ in a few pieces.
//! Names compare without regard to case (RFC 5322 §2.2).

use std::ops::Range;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::encoded_word;

/// Longest header field that policy may add, in octets with name and line ends (RFC 5322 §2.1.1 limits each line of it).
pub const MAX_FIELD: usize = 16 * 1024;

/// One field of the header.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Field {
    /// Octets `range` of the message as received, line end included; the name ends at `colon`.
    Original { range: Range<usize>, colon: usize },
    /// A field of our own, line end included.
    Added { octets: Bytes, colon: usize },
}

/// A part of the header that is sent on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Piece {
    /// Copy these octets of the stored message.
    Keep(u64, u64),
    /// Insert these octets: whole fields with their line ends.
    Insert(String),
}

/// Why a field cannot be added.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FieldError {
    /// The name is empty or holds something other than printable ASCII without the colon (RFC 5322 §2.2).
    #[error("a header name is one or more printable ASCII characters without a colon")]
    Name,
    /// The value holds CR, LF or NUL: it could smuggle in further fields or a body.
    #[error("a header value holds no CR, LF or NUL")]
    Value,
    /// The field is longer than [`MAX_FIELD`].
    #[error("a header field is at most 16 KiB long")]
    TooLong,
}

/// The fields of a header, in their order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    message: Bytes,
    fields: Vec<Field>,
    /// Where the header ends in the message as received: at the empty line, or at the end.
    end: usize,
}

impl Header {
    /// Splits the header off a message whose lines end in CRLF.
    ///
    /// Lines that are no field (no colon, or a continuation of nothing) stay where they are and match no name.
    #[must_use]
    pub fn parse(message: Bytes) -> Self {
        let mut fields: Vec<Field> = Vec::with_capacity(24);
        let mut at = 0;
        while at < message.len() && !message[at..].starts_with(b"\r\n") {
            let line_end = line_end(&message, at);
            match fields.last_mut() {
                Some(Field::Original { range, .. }) if matches!(message[at], b' ' | b'\t') => range.end = line_end,
                _ => fields.push(Field::Original { colon: name_end(&message[at..line_end]), range: at..line_end }),
            }
            at = line_end;
        }
        Self { message, fields, end: at }
    }

    /// Returns the octets of the header as received, the empty line not included.
    #[must_use]
    pub fn original_len(&self) -> usize {
        self.end
    }

    /// Returns each field as name and raw value: what follows the colon, folds kept, without the last line end.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let text = |(name, value)| std::str::from_utf8(name).ok().map(|name| (name, value));
        self.fields.iter().filter_map(move |field| self.split(field).and_then(text))
    }

    /// Returns the raw values of the fields with this name, in order.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let fields = self.fields.iter().filter(|field| self.is_named(field, name));
        fields.filter_map(|field| self.split(field)).map(|(_, value)| value)
    }

    /// Puts a field in front of all others, as trace fields must be (RFC 5321 §4.4).
    ///
    /// # Errors
    /// [`FieldError`] where name or value could not stand in a header.
    pub fn prepend(&mut self, name: &str, value: &str) -> Result<(), FieldError> {
        self.fields.insert(0, added(name, value)?);
        Ok(())
    }

    /// Adds a field at the end.
    ///
    /// # Errors
    /// [`FieldError`] where name or value could not stand in a header.
    pub fn append(&mut self, name: &str, value: &str) -> Result<(), FieldError> {
        self.fields.push(added(name, value)?);
        Ok(())
    }

    /// Puts the value in place of the first field with this name and removes the others; appends where there is none.
    ///
    /// # Errors
    /// [`FieldError`] where name or value could not stand in a header.
    pub fn replace(&mut self, name: &str, value: &str) -> Result<(), FieldError> {
        let field = added(name, value)?;
        match self.fields.iter().position(|f| self.is_named(f, name)) {
            Some(first) => {
                self.remove(name);
                self.fields.insert(first, field);
            }
            None => self.fields.push(field),
        }
        Ok(())
    }

    /// Removes every field with this name and returns how many there were.
    pub fn remove(&mut self, name: &str) -> usize {
        let before = self.fields.len();
        let mut fields = std::mem::take(&mut self.fields);
        fields.retain(|field| !self.is_named(field, name));
        self.fields = fields;
        before - self.fields.len()
    }

    /// Removes every field with this name and returns what `read` makes of the raw value of the first; nothing where there is
    /// none.
    pub fn take<T>(&mut self, name: &str, read: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let first = self.fields.iter().position(|field| self.is_named(field, name))?;
        let taken = self.split(&self.fields[first]).map(|(_, value)| read(value));
        if self.fields[first + 1..].iter().any(|field| self.is_named(field, name)) {
            self.remove(name);
        } else {
            self.fields.remove(first);
        }
        taken
    }

    /// Returns the header as pieces, neighbouring ranges joined.
    #[must_use]
    pub fn pieces(&self) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        for field in &self.fields {
            match (field, pieces.last_mut()) {
                (Field::Original { range, .. }, Some(Piece::Keep(_, end))) if *end == range.start as u64 => {
                    *end = range.end as u64;
                }
                (Field::Original { range, .. }, _) => pieces.push(Piece::Keep(range.start as u64, range.end as u64)),
                (Field::Added { octets, .. }, _) => {
                    pieces.push(Piece::Insert(String::from_utf8_lossy(octets).into_owned()));
                }
            }
        }
        pieces
    }

    /// Returns name and raw value of a field. The name is ASCII: [`name_end`] and [`added`] let no other pass.
    fn split<'a>(&'a self, field: &'a Field) -> Option<(&'a [u8], &'a [u8])> {
        let (octets, colon) = match field {
            Field::Original { range, colon } => (&self.message[range.clone()], *colon),
            Field::Added { octets, colon } => (&octets[..], *colon),
        };
        let name = octets.get(..colon).filter(|name| !name.is_empty())?;
        let value = &octets[colon..];
        let value = &value[value.iter().position(|b| *b == b':')? + 1..];
        Some((name, value.strip_suffix(b"\r\n").unwrap_or(value)))
    }

    /// Most fields have a name of another length, and of those nothing else is looked at.
    #[inline]
    fn is_named(&self, field: &Field, name: &str) -> bool {
        let (octets, from, colon) = match field {
            Field::Original { range, colon } => (&self.message[..], range.start, *colon),
            Field::Added { octets, colon } => (&octets[..], 0, *colon),
        };
        colon == name.len() && colon > 0 && octets[from..from + colon].eq_ignore_ascii_case(name.as_bytes())
    }
}

/// Returns where the line that starts at `at` ends, its CRLF included.
fn line_end(message: &[u8], at: usize) -> usize {
    let mut feeds = memchr::memchr_iter(b'\n', &message[at..]).map(|feed| at + feed);
    feeds.find(|feed| *feed > at && message[feed - 1] == b'\r').map_or(message.len(), |feed| feed + 1)
}

/// Returns the length of the field name that a line starts with, 0 where it is no field.
///
/// Blanks between name and colon are obsolete but seen (RFC 5322 §4.5), so they are not part of the name.
fn name_end(line: &[u8]) -> usize {
    let Some(colon) = memchr::memchr(b':', line) else { return 0 };
    let name = line[..colon].trim_ascii_end();
    if name.iter().all(u8::is_ascii_graphic) { name.len() } else { 0 }
}

fn added(name: &str, value: &str) -> Result<Field, FieldError> {
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic() && b != b':') {
        return Err(FieldError::Name);
    }
    if value.bytes().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
        return Err(FieldError::Value);
    }
    let octets = fold(name, value);
    if octets.len() > MAX_FIELD {
        return Err(FieldError::TooLong);
    }
    Ok(Field::Added { octets: Bytes::from(octets), colon: name.len() })
}

/// Writes a field, folded at blanks so that lines stay within 78 characters where they can (RFC 5322 §2.2.3).
fn fold(name: &str, value: &str) -> Vec<u8> {
    let mut field = format!("{name}:");
    let mut line = field.len();
    for word in value.trim_end().split(' ') {
        // A fold needs something visible on the line before it and after it, else the line would be all blank.
        if line + 1 + word.len() > 78 && line > name.len() + 1 && !word.trim().is_empty() {
            field.push_str("\r\n");
            line = 0;
        }
        field.push(' ');
        field.push_str(word);
        line += 1 + word.len();
    }
    field.push_str("\r\n");
    field.into_bytes()
}

/// Joins a raw value's folded lines and trims it (RFC 5322 §2.2.3).
#[must_use]
pub fn unfold(value: &[u8]) -> Vec<u8> {
    let mut unfolded = value.trim_ascii().to_vec();
    if memchr::memchr2(b'\r', b'\n', &unfolded).is_some() {
        unfolded.retain(|b| !matches!(b, b'\r' | b'\n'));
    }
    unfolded
}

/// Returns a raw value as text: unfolded, encoded words decoded (RFC 2047), what is not UTF-8 replaced, and without white
/// space of any kind at its ends.
#[must_use]
pub fn decode(value: &[u8]) -> String {
    let unfolded = unfold(value);
    let text = if memchr::memmem::find(&unfolded, b"=?").is_some() {
        encoded_word::decode(&unfolded)
    } else {
        String::from_utf8(unfolded).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    };
    let trimmed = text.trim();
    if trimmed.len() == text.len() { text } else { trimmed.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] =
        b"X-Tenant: one\r\nSubject: a\r\n  folded\r\nx-tenant : two\r\nno field here\r\n\r\nbody: x\r\n";

    fn header() -> Header {
        Header::parse(Bytes::from_static(MESSAGE))
    }

    fn text(header: &Header) -> String {
        let render = |piece: &Piece| match piece {
            Piece::Keep(start, end) => String::from_utf8_lossy(&MESSAGE[*start as usize..*end as usize]).into_owned(),
            Piece::Insert(text) => text.clone(),
        };
        header.pieces().iter().map(render).collect()
    }

    #[test]
    fn names_match_without_case_and_values_unfold() {
        let header = header();

        let found: Vec<String> = header.values("X-TENANT").chain(header.values("subject")).map(decode).collect();

        assert_eq!(found, ["one", "two", "a  folded"]);
    }

    #[test]
    fn an_unedited_header_is_one_piece() {
        assert_eq!(header().pieces(), [Piece::Keep(0, 68)]);
    }

    #[test]
    fn removing_takes_every_field_of_the_name_and_leaves_the_rest_as_it_was() {
        let mut header = header();

        let removed = header.remove("x-TENANT");

        assert_eq!((removed, text(&header).as_str()), (2, "Subject: a\r\n  folded\r\nno field here\r\n"));
    }

    #[test]
    fn taking_reads_the_first_field_of_the_name_and_removes_them_all() {
        let mut header = header();

        let taken = ["x-tenant", "SUBJECT", "X-Absent"].map(|name| header.take(name, decode));

        let found = [Some("one".to_owned()), Some("a  folded".to_owned()), None];
        assert_eq!((taken, text(&header).as_str()), (found, "no field here\r\n"));
    }

    #[test]
    fn replacing_keeps_the_place_of_the_first() {
        let mut header = header();

        header.replace("X-Tenant", "three").unwrap();

        assert_eq!(text(&header), "X-Tenant: three\r\nSubject: a\r\n  folded\r\nno field here\r\n");
    }

    #[test]
    fn values_that_could_start_another_field_are_refused() {
        let mut header = header();
        let tries = [("X-A", "a\r\nBcc: b"), ("X-A", "a\nb"), ("X-A", "\0"), ("X A", "a"), ("X:A", "a"), ("", "a")];

        let answers = tries.map(|(name, value)| header.append(name, value));

        let (value, name) = (Err(FieldError::Value), Err(FieldError::Name));
        assert_eq!((answers, header.pieces().len()), ([value, value, value, name, name, name], 1));
    }

    #[test]
    fn values_are_decoded_and_trimmed() {
        for (raw, decoded) in [
            (&b" =?utf-8?q?b=C3=BCcher?="[..], "bücher"),
            (b" =?iso-8859-1?B?Yvxj?=", "büc"),
            (b" plain ", "plain"),
            (b" \xc2\xa0plain\xe3\x80\x80 ", "plain"),
            (b" =?utf-8?q?_blank_?= ", "blank"),
            (b" \xff ", "\u{fffd}"),
        ] {
            assert_eq!(decode(raw), decoded);
        }
    }
}
