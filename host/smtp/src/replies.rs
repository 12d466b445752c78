//! Every text the server says, in one place.
//!
//! The texts are bland on purpose: they tell a person at the other end what to change, and nothing of why or of what
//! runs here. Codes stand next to the rule they come from. Greeting, EHLO, HELO and 354 have no enhanced code.
//!
//! Rules: RFC 5321 §4.2.2, §4.2.3, §4.3.2 (codes by command), RFC 2034 §4 and RFC 5248 (enhanced codes).

use crate::data::DataFault;
use crate::line::LineError;
use crate::reply::{EnhancedCode, PermReply, Reply, TempReply};

/// Greets: 220.
pub fn greeting(hostname: &str) -> Reply {
    plain(220, &format!("{hostname} ESMTP"))
}

/// Answers EHLO: 250 with what is offered. `max_message_size`: octets, at least 1, since 0 announces "no limit".
///
/// # Source
/// RFC 5321 §4.1.1.1, RFC 1870 §4
pub fn ehlo(hostname: &str, max_message_size: u64) -> Reply {
    let size = format!("SIZE {max_message_size}");
    let lines = [hostname, "PIPELINING", &size, "8BITMIME", "ENHANCEDSTATUSCODES", "SMTPUTF8"];
    plain(250, &lines.join("\n"))
}

/// Answers HELO: 250.
pub fn helo(hostname: &str) -> Reply {
    plain(250, hostname)
}

/// Answers an EHLO or HELO without a proper name behind it: 501.
pub fn bad_hello() -> Reply {
    plain(501, "Syntax: EHLO hostname")
}

/// Answers RSET and NOOP: 250.
pub fn ok() -> Reply {
    fixed(250, (2, 0, 0), "OK")
}

/// Takes a sender: 250.
pub fn sender_ok() -> Reply {
    fixed(250, (2, 1, 0), "Sender OK")
}

/// Takes a recipient: 250.
pub fn recipient_ok() -> Reply {
    fixed(250, (2, 1, 5), "Recipient OK")
}

/// Asks for the message: 354.
pub fn start_data() -> Reply {
    plain(354, "Send the message, end with CRLF.CRLF")
}

/// Takes responsibility for a message: 250. `id` is what the peer's log and ours have in common.
pub fn message_accepted(id: &str) -> Reply {
    fixed(250, (2, 0, 0), &format!("Message accepted as {id}"))
}

/// Answers QUIT: 221.
pub fn closing() -> Reply {
    fixed(221, (2, 0, 0), "Closing connection")
}

/// Answers HELP: 214.
pub fn help() -> Reply {
    fixed(214, (2, 0, 0), "EHLO HELO MAIL RCPT DATA RSET NOOP VRFY HELP QUIT")
}

/// Answers VRFY without telling anything: 252 (RFC 5321 §7.3).
pub fn cannot_verify() -> Reply {
    fixed(252, (2, 5, 0), "Cannot verify, send a message to find out")
}

/// Answers a command that is known and not offered: 502.
pub fn not_implemented() -> Reply {
    fixed(502, (5, 5, 1), "Command not implemented")
}

/// Answers a command nobody knows: 500.
pub fn unknown_command() -> Reply {
    fixed(500, (5, 5, 2), "Command not recognized")
}

/// Answers a line that cannot be a command: 500.
pub fn bad_line(error: LineError) -> Reply {
    let text = match error {
        LineError::TooLong => "Line too long",
        LineError::BareCr | LineError::BareLf => "Lines must end with CRLF",
        LineError::ControlCharacter => "Control characters are not allowed",
    };
    fixed(500, (5, 5, 2), text)
}

/// Answers a command that is not UTF-8: 501.
pub fn not_utf8() -> Reply {
    fixed(501, (5, 5, 2), "Commands must be ASCII or UTF-8")
}

/// Answers a command with something wrong behind it: 501. `syntax`: how it should look.
pub fn bad_parameter(syntax: &str) -> Reply {
    fixed(501, (5, 5, 4), &format!("Syntax: {syntax}"))
}

/// Answers a parameter of MAIL or RCPT that is not offered: 555.
pub fn unknown_parameter() -> Reply {
    fixed(555, (5, 5, 4), "Parameter not recognized")
}

/// Refuses a malformed sender: 501.
pub fn bad_sender_address() -> Reply {
    fixed(501, (5, 1, 7), "Malformed sender address")
}

/// Refuses a malformed recipient: 501.
pub fn bad_recipient_address() -> Reply {
    fixed(501, (5, 1, 3), "Malformed recipient address")
}

/// Refuses an address outside ASCII: 553, for want of SMTPUTF8 on the MAIL command (RFC 6531 §3.5).
pub fn utf8_not_requested() -> Reply {
    fixed(553, (5, 6, 7), "Address needs SMTPUTF8")
}

/// Refuses to send what needs SMTPUTF8 to a server without it: 550 (RFC 6531 §3.2).
pub fn utf8_not_offered() -> PermReply {
    PermReply(fixed(550, (5, 6, 7), "Next server does not take UTF-8 addresses"))
}

/// Answers a command whose turn it is not: 503.
pub fn bad_sequence() -> Reply {
    fixed(503, (5, 5, 1), "Bad sequence of commands")
}

/// Answers DATA without a recipient that was accepted: 503.
pub fn no_recipients() -> Reply {
    fixed(503, (5, 5, 1), "No valid recipients")
}

/// Refuses one recipient more: 452 (RFC 5321 §4.5.3.1.10).
pub fn too_many_recipients() -> Reply {
    fixed(452, (4, 5, 3), "Too many recipients")
}

/// Refuses a message over the size limit: 552 (RFC 1870 §6).
pub fn too_large() -> Reply {
    fixed(552, (5, 3, 4), "Message too large")
}

/// Refuses a message for what its data looks like: 550, or 552 for its size.
pub fn bad_data(fault: DataFault) -> Reply {
    match fault {
        DataFault::BareCr | DataFault::BareLf => fixed(550, (5, 6, 0), "Message data must use CRLF for line endings"),
        DataFault::Nul => fixed(550, (5, 6, 0), "Message data must not contain NUL"),
        DataFault::LineTooLong => fixed(550, (5, 6, 0), "Message data has a line that is too long"),
        DataFault::TooLarge => too_large(),
    }
}

/// Refuses to relay: 550.
pub fn relay_denied() -> PermReply {
    PermReply(fixed(550, (5, 7, 1), "Relaying denied"))
}

/// Puts off for a reason that is ours: 451.
pub fn local_error() -> TempReply {
    TempReply(fixed(451, (4, 3, 0), "Local error, try again later"))
}

/// Puts off what a server's conduct cut short: 451.
pub fn connection_broken() -> TempReply {
    TempReply(fixed(451, (4, 4, 2), "Connection to the next server broke"))
}

/// Ends a session of bad commands: 421.
pub fn too_many_errors() -> TempReply {
    TempReply(fixed(421, (4, 7, 0), "Too many errors, closing connection"))
}

/// Ends a session in which nothing came for too long: 421.
pub fn idle_too_long() -> TempReply {
    TempReply(fixed(421, (4, 4, 2), "Timeout, closing connection"))
}

/// Ends, or does not begin, a session for want of room or because the server stops: 421.
pub fn unavailable() -> TempReply {
    TempReply(fixed(421, (4, 3, 2), "Service not available, closing connection"))
}

fn plain(code: u16, text: &str) -> Reply {
    Reply::new(code, None, text).expect("the texts of this module have codes of replies")
}

fn fixed(code: u16, enhanced: (u8, u16, u16), text: &str) -> Reply {
    let enhanced = EnhancedCode::new(enhanced.0, enhanced.1, enhanced.2);
    let reply = enhanced.and_then(|enhanced| Reply::new(code, Some(enhanced), text));
    reply.expect("the texts of this module pair codes of one class")
}
