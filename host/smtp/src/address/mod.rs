//! Addresses as the protocol spells them: mailboxes, and the paths that MAIL and RCPT carry.
//!
//! Text comes in; a checked address goes out, spelled as it was sent. A [`Mailbox`] that exists is safe to write into a
//! command: it holds no control character and no blank outside quotes. Nothing is normalised (case, quotes, IDNA) and
//! nothing inside a local part is given a meaning: `%` and `!` are letters here, so `user%there@here` belongs to `here`.
//!
//! Rules: RFC 5321 §4.1.2 and §4.1.3, limits §4.5.3.1.1 and §4.5.3.1.2, source routes App. C, UTF-8 RFC 6531 §3.3.

mod grammar;
mod path;
#[cfg(test)]
mod tests;

pub(crate) use path::split_path;
pub use path::{ForwardPath, ReversePath};

use std::fmt;

/// Longest local part, in octets, quotes counted.
///
/// # Source
/// RFC 5321 §4.5.3.1.1
pub const MAX_LOCAL_PART: usize = 64;

/// Longest domain or address literal, in octets.
///
/// # Source
/// RFC 5321 §4.5.3.1.2
pub const MAX_DOMAIN: usize = 255;

/// Whether an address may hold characters outside ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Utf8 {
    /// The peer asked for SMTPUTF8, or the caller checks later.
    Allowed,
    /// ASCII only.
    Refused,
}

/// Says why a text is not an address. The writer of the address is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// A control character (CR, LF and NUL among them), anywhere.
    #[error("control character in address")]
    ControlCharacter,
    /// A character outside ASCII where [`Utf8::Refused`] holds.
    #[error("address is not ASCII")]
    NotAscii,
    /// The local part is neither a dot-string nor a quoted string.
    #[error("malformed local part")]
    LocalPart,
    /// The local part is longer than [`MAX_LOCAL_PART`].
    #[error("local part longer than {MAX_LOCAL_PART} octets")]
    LocalPartTooLong,
    /// There is no `@`.
    #[error("address has no domain")]
    NoDomain,
    /// The part after the `@` is neither a domain name nor an IPv4 or IPv6 literal.
    #[error("malformed domain")]
    Domain,
    /// The domain is longer than [`MAX_DOMAIN`].
    #[error("domain longer than {MAX_DOMAIN} octets")]
    DomainTooLong,
    /// The angle brackets or the source route of a path are malformed.
    #[error("malformed path")]
    Path,
}

/// One mailbox, `local@domain`, both parts spelled as they were sent.
///
/// Two spellings of one mailbox compare as different; only the final host may say that they are the same (RFC 5321
/// §2.4).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mailbox {
    local_part: String,
    domain: String,
}

impl Mailbox {
    /// Reads a mailbox, UTF-8 allowed.
    ///
    /// # Errors
    /// As [`Mailbox::parse_with`].
    pub fn parse(text: &str) -> Result<Mailbox, AddressError> {
        Mailbox::parse_with(text, Utf8::Allowed)
    }

    /// Reads a mailbox without angle brackets, blanks or comments around it.
    ///
    /// Characters outside ASCII are taken as they are; whether a domain is a valid IDNA name is for the resolver to say.
    /// A domain in the form of an IPv4 address is refused, since no host name can look like one (RFC 1123 §2.1).
    ///
    /// # Errors
    /// Any [`AddressError`] except `Path`; the fault is in `text`.
    ///
    /// # Source
    /// RFC 5321 §4.1.2, §4.1.3; RFC 6531 §3.3
    pub fn parse_with(text: &str, utf8: Utf8) -> Result<Mailbox, AddressError> {
        grammar::check_characters(text, utf8)?;
        let (local_part, domain) = grammar::split_mailbox(text)?;
        grammar::check_local_part(local_part)?;
        grammar::check_domain_or_literal(domain)?;
        Ok(Mailbox { local_part: local_part.to_owned(), domain: domain.to_owned() })
    }

    /// Returns the local part as sent, quotes kept.
    pub fn local_part(&self) -> &str {
        &self.local_part
    }

    /// Returns the domain or address literal (brackets kept) as sent.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Returns whether the mailbox can be sent without SMTPUTF8.
    pub fn is_ascii(&self) -> bool {
        self.local_part.is_ascii() && self.domain.is_ascii()
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local_part, self.domain)
    }
}
