//! The grammar of a mailbox, rule by rule.
//!
//! Each check takes one part of an address and returns the [`AddressError`] that names it. [`check_characters`] runs
//! first, over the whole text, so that the later rules need not think of control characters.
//!
//! Rules: RFC 5321 §4.1.2 (Local-part, Domain), §4.1.3 (address literals); RFC 6531 §3.3 adds UTF-8 to atext, qtext
//! and sub-domain.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{AddressError, MAX_DOMAIN, MAX_LOCAL_PART, Utf8};

/// Longest label of a domain name, in octets (RFC 1035 §2.3.4).
const MAX_LABEL: usize = 63;

/// Refuses control characters (C0, DEL and C1), and whatever is not ASCII where `utf8` says so.
pub(super) fn check_characters(text: &str, utf8: Utf8) -> Result<(), AddressError> {
    if text.chars().any(char::is_control) {
        return Err(AddressError::ControlCharacter);
    }
    if utf8 == Utf8::Refused && !text.is_ascii() {
        return Err(AddressError::NotAscii);
    }
    Ok(())
}

/// Splits at the `@` that ends the local part; an `@` inside quotes does not.
pub(super) fn split_mailbox(text: &str) -> Result<(&str, &str), AddressError> {
    let end = if text.starts_with('"') {
        end_of_quoted_string(text).ok_or(AddressError::LocalPart)?
    } else {
        text.find('@').ok_or(AddressError::NoDomain)?
    };
    let (local_part, rest) = text.split_at(end);
    match rest.strip_prefix('@') {
        Some(domain) => Ok((local_part, domain)),
        None if rest.is_empty() => Err(AddressError::NoDomain),
        None => Err(AddressError::LocalPart),
    }
}

/// Returns the position after the quote that closes the one at the start.
fn end_of_quoted_string(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (position, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(position + 1),
            _ => {}
        }
    }
    None
}

pub(super) fn check_local_part(text: &str) -> Result<(), AddressError> {
    if text.len() > MAX_LOCAL_PART {
        return Err(AddressError::LocalPartTooLong);
    }
    let well_formed = match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => is_quoted_content(inner),
        None => text.split('.').all(is_atom),
    };
    if well_formed { Ok(()) } else { Err(AddressError::LocalPart) }
}

fn is_atom(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_atext)
}

fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || !c.is_ascii()
}

/// Checks what stands between the quotes: a quote only behind a backslash, a backslash only before printable ASCII.
fn is_quoted_content(text: &str) -> bool {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let fine = match c {
            '\\' => chars.next().is_some_and(|c| matches!(c, ' '..='~')),
            '"' => false,
            _ => true,
        };
        if !fine {
            return false;
        }
    }
    true
}

pub(super) fn check_domain_or_literal(text: &str) -> Result<(), AddressError> {
    if text.len() > MAX_DOMAIN {
        return Err(AddressError::DomainTooLong);
    }
    match text.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').filter(|inner| is_address(inner)).map(|_| ()).ok_or(AddressError::Domain),
        None => check_domain(text),
    }
}

pub(super) fn check_domain(text: &str) -> Result<(), AddressError> {
    if text.len() > MAX_DOMAIN {
        return Err(AddressError::DomainTooLong);
    }
    if text.split('.').all(is_label) && text.parse::<Ipv4Addr>().is_err() { Ok(()) } else { Err(AddressError::Domain) }
}

fn is_label(text: &str) -> bool {
    let letters = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || !c.is_ascii());
    letters && !text.is_empty() && text.len() <= MAX_LABEL && !text.starts_with('-') && !text.ends_with('-')
}

/// Checks the inside of an address literal. Other tags than `IPv6:` exist in the grammar, but none was ever registered.
fn is_address(text: &str) -> bool {
    match text.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case("IPv6:") => text[5..].parse::<Ipv6Addr>().is_ok(),
        _ => text.parse::<Ipv4Addr>().is_ok(),
    }
}
