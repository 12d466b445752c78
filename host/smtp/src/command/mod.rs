//! Commands: a line from a client in, what it asks for out, or the reply that says what is wrong with the line.
//!
//! A line is judged on its own; whether the command may come now, and whether an address outside ASCII was announced by
//! SMTPUTF8, is for [`crate::server`] to say. Verbs and keywords are known in any case, blanks at the end of a line and
//! one behind the colon of `MAIL FROM:` are forgiven, since such clients are common and nothing else can be meant.
//!
//! Rules: RFC 5321 §4.1.1 and §4.1.2; parameters of MAIL: RFC 1870 §5 (SIZE), RFC 6152 §3 (BODY), RFC 6531 §3.4
//! (SMTPUTF8).

#[cfg(test)]
mod tests;

use crate::address::{ForwardPath, ReversePath, Utf8, split_path};
use crate::replies;
use crate::reply::Reply;

/// Longest name behind EHLO or HELO, in octets.
const MAX_HELLO: usize = 255;

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// EHLO with the name the client gives itself: 1 to 255 printable characters, not to be believed.
    Ehlo(String),
    /// HELO, likewise.
    Helo(String),
    /// MAIL FROM.
    Mail {
        /// The sender.
        path: ReversePath,
        /// What stands behind it.
        params: MailParams,
    },
    /// RCPT TO, which takes no parameters here.
    Rcpt {
        /// The recipient.
        path: ForwardPath,
    },
    /// DATA.
    Data,
    /// RSET.
    Rset,
    /// NOOP.
    Noop,
    /// VRFY.
    Vrfy,
    /// EXPN.
    Expn,
    /// HELP.
    Help,
    /// QUIT.
    Quit,
    /// STARTTLS.
    StartTls,
    /// AUTH.
    Auth,
}

/// The parameters of a MAIL command.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MailParams {
    /// Octets the message will have, as the client estimates them; a larger number than fits counts as the largest.
    pub size: Option<u64>,
    /// What octets the message may hold.
    pub body: Body,
    /// Whether addresses and headers may be UTF-8.
    pub smtputf8: bool,
}

/// What octets a message may hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Body {
    /// ASCII only, or nothing was said.
    #[default]
    SevenBit,
    /// Any octet, in lines.
    EightBitMime,
}

/// Reads a command from a line without its CRLF.
///
/// # Errors
/// The reply to send: 500 for an unknown command, 501 for what is wrong behind it, 555 for an unknown parameter.
pub fn parse(line: &[u8]) -> Result<Command, Reply> {
    let line = std::str::from_utf8(line).map_err(|_| replies::not_utf8())?.trim_end_matches(' ');
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let rest = rest.trim_start_matches(' ');
    match verb.to_ascii_uppercase().as_str() {
        "EHLO" => hello(rest).map(Command::Ehlo),
        "HELO" => hello(rest).map(Command::Helo),
        "MAIL" => mail(rest),
        "RCPT" => rcpt(rest),
        "DATA" => alone(Command::Data, "DATA", rest),
        "RSET" => alone(Command::Rset, "RSET", rest),
        "QUIT" => alone(Command::Quit, "QUIT", rest),
        "NOOP" => Ok(Command::Noop),
        "VRFY" => Ok(Command::Vrfy),
        "EXPN" => Ok(Command::Expn),
        "HELP" => Ok(Command::Help),
        "STARTTLS" => Ok(Command::StartTls),
        "AUTH" => Ok(Command::Auth),
        _ => Err(replies::unknown_command()),
    }
}

fn alone(command: Command, verb: &str, rest: &str) -> Result<Command, Reply> {
    if rest.is_empty() { Ok(command) } else { Err(replies::bad_parameter(verb)) }
}

/// Takes any printable name: many clients give names that are none, and no decision may rest on it (RFC 5321 §4.1.4).
fn hello(rest: &str) -> Result<String, Reply> {
    let printable = rest.chars().all(|c| !c.is_control() && !c.is_whitespace());
    if rest.is_empty() || rest.len() > MAX_HELLO || !printable {
        return Err(replies::bad_hello());
    }
    Ok(rest.to_owned())
}

fn mail(rest: &str) -> Result<Command, Reply> {
    let rest = behind_keyword(rest, "FROM:").ok_or_else(|| replies::bad_parameter("MAIL FROM:<address>"))?;
    let (path, params) = split_path(rest).ok_or_else(replies::bad_sender_address)?;
    let path = ReversePath::parse(path, Utf8::Allowed).map_err(|_| replies::bad_sender_address())?;
    Ok(Command::Mail { path, params: mail_params(params)? })
}

fn rcpt(rest: &str) -> Result<Command, Reply> {
    let rest = behind_keyword(rest, "TO:").ok_or_else(|| replies::bad_parameter("RCPT TO:<address>"))?;
    let (path, params) = split_path(rest).ok_or_else(replies::bad_recipient_address)?;
    let path = ForwardPath::parse(path, Utf8::Allowed).map_err(|_| replies::bad_recipient_address())?;
    match params.as_bytes() {
        [] => Ok(Command::Rcpt { path }),
        [b' ', ..] => Err(replies::unknown_parameter()),
        _ => Err(replies::bad_parameter("RCPT TO:<address>")),
    }
}

fn behind_keyword<'a>(text: &'a str, keyword: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(keyword.len())?;
    head.eq_ignore_ascii_case(keyword).then(|| rest.trim_start_matches(' '))
}

/// Reads ` KEY[=value]...`; each keyword may come once (RFC 5321 §4.1.1.11 leaves repetition undefined).
fn mail_params(text: &str) -> Result<MailParams, Reply> {
    if !text.is_empty() && !text.starts_with(' ') {
        return Err(replies::bad_parameter("MAIL FROM:<address> [parameters]"));
    }
    let mut params = MailParams::default();
    let mut seen = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let (keyword, value) = word.split_once('=').map_or((word, None), |(keyword, value)| (keyword, Some(value)));
        let keyword = keyword.to_ascii_uppercase();
        mail_param(&mut params, &keyword, value)?;
        if seen.contains(&keyword) {
            return Err(replies::bad_parameter("each parameter once"));
        }
        seen.push(keyword);
    }
    Ok(params)
}

fn mail_param(params: &mut MailParams, keyword: &str, value: Option<&str>) -> Result<(), Reply> {
    let syntax = match (keyword, value) {
        ("SIZE", _) => {
            params.size = value.and_then(size);
            params.size.is_none().then_some("SIZE=octets")
        }
        ("BODY", _) => {
            let body = value.and_then(body);
            params.body = body.unwrap_or_default();
            body.is_none().then_some("BODY=7BIT or BODY=8BITMIME")
        }
        ("SMTPUTF8", _) => {
            params.smtputf8 = true;
            value.map(|_| "SMTPUTF8")
        }
        _ => return Err(replies::unknown_parameter()),
    };
    syntax.map_or(Ok(()), |syntax| Err(replies::bad_parameter(syntax)))
}

/// Reads 1 to 20 digits (RFC 1870 §5), of which not all fit.
fn size(value: &str) -> Option<u64> {
    let digits = (1..=20).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| value.parse().unwrap_or(u64::MAX))
}

fn body(value: &str) -> Option<Body> {
    match value.to_ascii_uppercase().as_str() {
        "7BIT" => Some(Body::SevenBit),
        "8BITMIME" => Some(Body::EightBitMime),
        _ => None,
    }
}
