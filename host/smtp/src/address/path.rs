//! Paths: the bracketed addresses of MAIL FROM and RCPT TO.
//!
//! A path is a mailbox in angle brackets, with two exceptions: the null sender `<>` and the recipient `<Postmaster>`.
//! A source route in front of the mailbox is checked and dropped, never followed.
//!
//! Rules: RFC 5321 §4.1.1.2, §4.1.1.3, §4.1.2, §4.5.1 (Postmaster), App. C (source routes).

use std::fmt;

use super::{AddressError, Mailbox, Utf8, grammar};

/// Where a message comes from, and where a report of failure goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReversePath {
    /// `<>`: a report, to which no report may be sent (RFC 5321 §4.5.5).
    Null,
    /// An ordinary sender.
    Mailbox(Mailbox),
}

impl ReversePath {
    /// Reads a path with its angle brackets; a source route is dropped.
    ///
    /// # Errors
    /// Any [`AddressError`]; the fault is in `text`.
    pub fn parse(text: &str, utf8: Utf8) -> Result<ReversePath, AddressError> {
        match inside_brackets(text)? {
            "" => Ok(ReversePath::Null),
            inner => Ok(ReversePath::Mailbox(parse_routed(inner, utf8)?)),
        }
    }

    /// Returns the sender, or nothing for the null sender.
    pub fn mailbox(&self) -> Option<&Mailbox> {
        match self {
            ReversePath::Null => None,
            ReversePath::Mailbox(mailbox) => Some(mailbox),
        }
    }

    /// Returns whether the path can be sent without SMTPUTF8.
    pub fn is_ascii(&self) -> bool {
        self.mailbox().is_none_or(Mailbox::is_ascii)
    }
}

impl fmt::Display for ReversePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReversePath::Null => f.write_str("<>"),
            ReversePath::Mailbox(mailbox) => write!(f, "<{mailbox}>"),
        }
    }
}

/// Where a message goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ForwardPath {
    /// `<Postmaster>` without a domain: whoever runs this host.
    Postmaster,
    /// An ordinary recipient.
    Mailbox(Mailbox),
}

impl ForwardPath {
    /// Reads a path with its angle brackets; a source route is dropped, `Postmaster` is known in any case.
    ///
    /// # Errors
    /// Any [`AddressError`]; the fault is in `text`. `<>` is `NoDomain`.
    pub fn parse(text: &str, utf8: Utf8) -> Result<ForwardPath, AddressError> {
        let inner = inside_brackets(text)?;
        if inner.eq_ignore_ascii_case("postmaster") {
            return Ok(ForwardPath::Postmaster);
        }
        Ok(ForwardPath::Mailbox(parse_routed(inner, utf8)?))
    }

    /// Returns the recipient, or nothing for a Postmaster without domain.
    pub fn mailbox(&self) -> Option<&Mailbox> {
        match self {
            ForwardPath::Postmaster => None,
            ForwardPath::Mailbox(mailbox) => Some(mailbox),
        }
    }

    /// Returns whether the path can be sent without SMTPUTF8.
    pub fn is_ascii(&self) -> bool {
        self.mailbox().is_none_or(Mailbox::is_ascii)
    }
}

impl fmt::Display for ForwardPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ForwardPath::Postmaster => f.write_str("<Postmaster>"),
            ForwardPath::Mailbox(mailbox) => write!(f, "<{mailbox}>"),
        }
    }
}

/// Splits a text that starts with a path behind the bracket that closes it; a bracket inside quotes does not.
pub(crate) fn split_path(text: &str) -> Option<(&str, &str)> {
    if !text.starts_with('<') {
        return None;
    }
    let (mut quoted, mut escaped) = (false, false);
    for (position, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return Some(text.split_at(position + 1)),
            _ => {}
        }
    }
    None
}

fn inside_brackets(text: &str) -> Result<&str, AddressError> {
    match split_path(text) {
        Some((path, "")) => Ok(&path[1..path.len() - 1]),
        _ => Err(AddressError::Path),
    }
}

/// Reads `[@one,@two:]mailbox`. A mailbox cannot start with `@`, so what does is a route.
fn parse_routed(text: &str, utf8: Utf8) -> Result<Mailbox, AddressError> {
    if !text.starts_with('@') {
        return Mailbox::parse_with(text, utf8);
    }
    let (route, mailbox) = text.split_once(':').ok_or(AddressError::Path)?;
    grammar::check_characters(route, utf8)?;
    for hop in route.split(',') {
        grammar::check_domain(hop.strip_prefix('@').ok_or(AddressError::Path)?)?;
    }
    Mailbox::parse_with(mailbox, utf8)
}
