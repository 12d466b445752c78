//! Message data: what follows DATA, read from a peer and written to one.
//!
//! On the wire a message ends with a line of a single dot, and every other line that starts with a dot has one dot more.
//! [`DataReader`] takes that away, [`DataWriter`] adds it. Both know one line end, CRLF, and neither repairs another:
//! programs that disagree on where a message ends let one message smuggle in a second.
//!
//! Rules: RFC 5321 §2.3.8 (line ends), §4.1.1.4 (DATA), §4.5.2 (transparency), §4.5.3.1.6 (text lines).

mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use reader::{DEFAULT_MAX_LINE_LENGTH, DataEnd, DataFault, DataLimits, DataReader};
pub use writer::{DataWriter, StuffError, stuff_into};
