//! A reply as octets: lines that a text cannot add to, however it is made.
//!
//! Every line starts with the code and the enhanced code and ends with CRLF. Only `\n` in a text starts a new line, and
//! that line gets its codes too; any other control character becomes `?`. So does what is not ASCII, since a client may
//! be told UTF-8 only after it asked for it (RFC 6531 §3.7.4), and a text does not know the client.
//!
//! Rules: RFC 5321 §4.2.1 (lines), §4.5.3.1.5 (512 octets a line, CRLF counted), RFC 2034 §4 (code on every line).

use super::{MAX_REPLY_LINES, Reply};

/// Longest line we send, in octets, without its CRLF.
const MAX_SENT_LINE: usize = 510;

impl Reply {
    /// Returns the reply as it goes over the wire, CRLF at the end.
    ///
    /// Long lines are folded, at a blank if there is one; lines beyond the hundredth are dropped, since a peer like us
    /// would not read them.
    pub fn to_wire(&self) -> Vec<u8> {
        let enhanced = self.enhanced.map(|code| format!("{code} ")).unwrap_or_default();
        let room = MAX_SENT_LINE - "250 ".len() - enhanced.len();
        let mut lines: Vec<String> = self.text.lines().flat_map(|line| fold(&clean(line), room)).collect();
        lines.truncate(MAX_REPLY_LINES);
        let last = lines.pop().unwrap_or_default();
        let mut wire = String::new();
        for line in lines {
            wire.push_str(&format!("{}-{enhanced}{line}\r\n", self.code));
        }
        wire.push_str(&format!("{} {enhanced}{last}\r\n", self.code));
        wire.into_bytes()
    }
}

fn clean(line: &str) -> String {
    line.chars().map(|c| if matches!(c, ' '..='~') { c } else { '?' }).collect()
}

/// Cuts an ASCII line into pieces of at most `room` octets. An empty line is one empty piece.
fn fold(line: &str, room: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = line;
    while rest.len() > room {
        let blank = rest[..room].rfind(' ').filter(|position| *position > 0);
        let (piece, tail) = rest.split_at(blank.unwrap_or(room));
        pieces.push(piece.to_owned());
        rest = tail.strip_prefix(' ').unwrap_or(tail);
    }
    pieces.push(rest.to_owned());
    pieces
}
