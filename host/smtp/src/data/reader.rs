//! The reader of message data: octets in any chunks in, the message without dot-stuffing out.
//!
//! Only CRLF, dot, CRLF ends the data (or dot, CRLF at its very start). A fault (a bare CR or LF, a NUL, a limit) does
//! not: from there on nothing is handed out and everything is eaten, unbuffered, up to the real end, so that the tail of
//! a refused message is never run as commands. How long a peer may go on is for the driver's clock to say.
//!
//! The text between two line ends is found with memchr and copied once; everything else happens once a line.
//!
//! Rules: RFC 5321 §4.1.1.4, §4.5.2, §4.5.3.1.6; what counts as size, RFC 1870 §3.

/// Default of [`DataLimits::max_line_length`], in octets without CRLF.
///
/// RFC 5321 §4.5.3.1.6 asks for 998. Much mail has longer lines (HTML on one line, long References), most programs take
/// it, and cutting a line would break its signature; so more is taken, and still little enough for a line to fit in the
/// buffers of whoever reads the message next.
pub const DEFAULT_MAX_LINE_LENGTH: usize = 4096;

/// How much is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataLimits {
    /// Most octets in a message, dot-stuffing removed, line ends counted.
    pub max_size: u64,
    /// Most octets in a line, dot-stuffing removed, CRLF not counted.
    pub max_line_length: usize,
}

/// Says what is wrong with message data. The peer is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DataFault {
    /// A CR without an LF behind it.
    #[error("CR without LF in message data")]
    BareCr,
    /// An LF without a CR before it.
    #[error("LF without CR in message data")]
    BareLf,
    /// A NUL.
    #[error("NUL in message data")]
    Nul,
    /// More than [`DataLimits::max_size`] octets.
    #[error("message data over the size limit")]
    TooLarge,
    /// A line of more than [`DataLimits::max_line_length`] octets.
    #[error("line over the length limit in message data")]
    LineTooLong,
}

/// The end of message data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataEnd {
    /// Octets of the message, dot-stuffing and final dot not counted; with a fault, those before it.
    pub size: u64,
    /// The first fault, in the order of the octets; nothing if the message is whole and clean.
    pub fault: Option<DataFault>,
}

/// Where in a line the reader is. What is held back (a dot, a CR) is in the name of the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    LineStart,
    InLine,
    AfterCr,
    /// A dot at the start of a line: stuffing, or the first octet of the end.
    AfterDot,
    AfterDotCr,
}

/// Reads the data of one message.
#[derive(Debug)]
pub struct DataReader {
    limits: DataLimits,
    place: Place,
    line_length: usize,
    size: u64,
    fault: Option<DataFault>,
}

impl DataReader {
    /// Returns a reader at the start of a message.
    pub fn new(limits: DataLimits) -> DataReader {
        DataReader { limits, place: Place::LineStart, line_length: 0, size: 0, fault: None }
    }

    /// Takes octets off the front of `input` and appends the message octets among them to `out`.
    ///
    /// Returns the end when it came; what is left of `input` then is the peer's next command. Otherwise all of `input` is
    /// used. Once [`DataReader::fault`] says something, `out` holds part of a message that must be dropped.
    pub fn read(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Option<DataEnd> {
        while let Some((&byte, rest)) = input.split_first() {
            match (self.place, byte) {
                (Place::LineStart, b'.') => self.move_to(Place::AfterDot, input, rest),
                (Place::AfterDot, b'\r') => self.move_to(Place::AfterDotCr, input, rest),
                (Place::AfterCr, b'\n') => {
                    self.count_line_end();
                    self.hand_out(b"\r\n", out);
                    self.move_to(Place::LineStart, input, rest);
                }
                (Place::AfterDotCr, b'\n') => {
                    *input = rest;
                    return Some(DataEnd { size: self.size, fault: self.fault });
                }
                // The CR held back is a bare one. This octet, possibly a CR again, is read as text.
                (Place::AfterCr | Place::AfterDotCr, _) => {
                    self.fail(DataFault::BareCr);
                    self.place = Place::InLine;
                }
                // Behind a dot: that dot was stuffing, and this octet is text even if it is a dot too.
                (Place::LineStart | Place::InLine | Place::AfterDot, _) => self.take_text(input, out),
            }
        }
        None
    }

    /// Returns the first fault so far.
    pub fn fault(&self) -> Option<DataFault> {
        self.fault
    }

    fn move_to<'a>(&mut self, place: Place, input: &mut &'a [u8], rest: &'a [u8]) {
        self.place = place;
        *input = rest;
    }

    /// Takes text and the octet that interrupts it; a CRLF that came whole is handed out with its text.
    fn take_text(&mut self, input: &mut &[u8], out: &mut Vec<u8>) {
        let length = memchr::memchr3(b'\r', b'\n', 0, input).unwrap_or(input.len());
        let (text, rest) = input.split_at(length);
        self.count_text(length);
        if let Some(next_line) = rest.strip_prefix(b"\r\n") {
            self.count_line_end();
            self.hand_out(&input[..length + 2], out);
            return self.move_to(Place::LineStart, input, next_line);
        }
        self.hand_out(text, out);
        match rest.first() {
            Some(b'\r') => return self.move_to(Place::AfterCr, input, &rest[1..]),
            Some(b'\n') => self.fail(DataFault::BareLf),
            Some(_) => self.fail(DataFault::Nul),
            None => {}
        }
        self.move_to(Place::InLine, input, rest.get(1..).unwrap_or_default());
    }

    /// Counts text. Of two limits passed at once the one that was reached first is the fault, as if octets came singly.
    fn count_text(&mut self, length: usize) {
        if self.fault.is_some() {
            return;
        }
        let size_room = usize::try_from(self.limits.max_size - self.size).unwrap_or(usize::MAX);
        let line_room = self.limits.max_line_length - self.line_length;
        let taken = length.min(size_room).min(line_room);
        self.size += taken as u64;
        self.line_length += taken;
        if taken < length {
            self.fail(if taken == size_room { DataFault::TooLarge } else { DataFault::LineTooLong });
        }
    }

    fn count_line_end(&mut self) {
        self.line_length = 0;
        if self.fault.is_some() {
            return;
        }
        if self.limits.max_size - self.size < 2 {
            return self.fail(DataFault::TooLarge);
        }
        self.size += 2;
    }

    fn hand_out(&self, octets: &[u8], out: &mut Vec<u8>) {
        if self.fault.is_none() {
            out.extend_from_slice(octets);
        }
    }

    fn fail(&mut self, fault: DataFault) {
        self.fault.get_or_insert(fault);
    }
}
