//! A next hop as people write it: a name or an address, with or without a port.
//!
//! Entries of an `mx_list`, routing domains and recipient domains come in, a [`Hop`] comes out. Nothing is looked up. An
//! address keeps no brackets in [`Hop::name`], whatever it had, so that two ways to write one hop compare equal.
//!
//! Rules: RFC 5321 §4.1.3 (address literals), RFC 1035 §2.3.4 (lengths of names).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use tollgate_message::domain;

/// Where a message may go next.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Hop {
    /// A host name as lower-case A-labels, or an address without brackets.
    pub name: String,
    /// The port, if it was given.
    pub port: Option<u16>,
}

/// Says what is wrong with the text of a hop. Whoever wrote the configuration, or the address, is at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HopError {
    /// There is no name.
    #[error("a next hop is empty: expected a name or an address, such as `mx.example` or `[192.0.2.1]:25`")]
    Empty,
    /// A bracket is missing, or something stands behind it that is no port.
    #[error(
        "`{0}` is no address literal: expected `[192.0.2.1]`, `[IPv6:2001:db8::1]`, or either with `:port` behind it"
    )]
    Brackets(String),
    /// What should be an address is none.
    #[error("`{0}` is no IP address")]
    Address(String),
    /// An IPv6 address without brackets, in which a port could not be told from the rest.
    #[error("`{0}` is an IPv6 address: write it in brackets, as `[{0}]`")]
    NeedsBrackets(Ipv6Addr),
    /// The port is not 1 to 65535.
    #[error("`{port}` in `{text}` is no port: expected a number from 1 to 65535")]
    Port {
        /// The whole hop.
        text: String,
        /// What stands behind the colon.
        port: String,
    },
    /// The name has a character or a length that no host name has.
    #[error("`{0}` is no host name")]
    Name(String),
}

impl Hop {
    /// Returns the address, if the hop is one and needs no look-up.
    pub fn address(&self) -> Option<IpAddr> {
        self.name.parse().ok()
    }
}

/// Returns the hop that a domain names directly: an address literal, an address, or anything with a port.
///
/// `domain`: the routing domain of a queue or the domain of a recipient. Nothing for an ordinary domain, whose hops are
/// its mail exchangers.
pub fn literal(domain: &str) -> Option<Hop> {
    let hop: Hop = domain.parse().ok()?;
    (hop.port.is_some() || hop.address().is_some()).then_some(hop)
}

impl FromStr for Hop {
    type Err = HopError;

    fn from_str(text: &str) -> Result<Hop, HopError> {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix('[') {
            return bracketed(text, rest);
        }
        if let Ok(address) = text.parse::<Ipv6Addr>() {
            return Err(HopError::NeedsBrackets(address));
        }
        match text.rsplit_once(':') {
            Some((name, port)) => Ok(Hop { name: host(name)?, port: Some(parse_port(text, port)?) }),
            None => Ok(Hop { name: host(text)?, port: None }),
        }
    }
}

/// Writes the hop so that it can be read again: an IPv6 address in brackets.
impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address() {
            Some(IpAddr::V6(address)) => write!(f, "[{address}]")?,
            _ => f.write_str(&self.name)?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Reads what follows an opening bracket.
fn bracketed(text: &str, rest: &str) -> Result<Hop, HopError> {
    let (inner, behind) = rest.split_once(']').ok_or_else(|| HopError::Brackets(text.to_owned()))?;
    let port = match behind.strip_prefix(':') {
        Some(port) => Some(parse_port(text, port)?),
        None if behind.is_empty() => None,
        None => return Err(HopError::Brackets(text.to_owned())),
    };
    Ok(Hop { name: inner_address(inner)?.to_string(), port })
}

/// Reads an address from between brackets. The tag of an IPv6 address may be missing, since people leave it out.
fn inner_address(inner: &str) -> Result<IpAddr, HopError> {
    let bad = || HopError::Address(inner.to_owned());
    match inner.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case("ipv6:") => inner[5..].parse().map(IpAddr::V6).map_err(|_| bad()),
        _ => inner.parse().map_err(|_| bad()),
    }
}

fn parse_port(text: &str, port: &str) -> Result<u16, HopError> {
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    let number = port.parse().ok().filter(|number| digits && *number > 0);
    number.ok_or_else(|| HopError::Port { text: text.to_owned(), port: port.to_owned() })
}

/// Reads a host name or an IPv4 address.
fn host(text: &str) -> Result<String, HopError> {
    if text.is_empty() {
        return Err(HopError::Empty);
    }
    let name = domain::normalize(text);
    let last_label = name.rsplit('.').next().unwrap_or_default();
    if last_label.bytes().all(|byte| byte.is_ascii_digit()) {
        // No top-level domain is a number, so this was meant to be an address.
        return match name.parse::<Ipv4Addr>() {
            Ok(address) => Ok(address.to_string()),
            Err(_) => Err(HopError::Address(text.to_owned())),
        };
    }
    if is_host_name(&name) { Ok(name) } else { Err(HopError::Name(text.to_owned())) }
}

/// Whether a name can be looked up. Underscores are let through: they are common in private zones.
fn is_host_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    name.len() <= 253 && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::{Hop, HopError, literal};

    fn hop(name: &str, port: Option<u16>) -> Hop {
        Hop { name: name.to_owned(), port }
    }

    #[test]
    fn every_way_to_write_a_hop_is_read() {
        for (text, expected) in [
            ("mx.example", hop("mx.example", None)),
            (" MX.Example. ", hop("mx.example", None)),
            ("mx.example:2525", hop("mx.example", Some(2525))),
            ("bücher.example:25", hop("xn--bcher-kva.example", Some(25))),
            ("localhost", hop("localhost", None)),
            ("1.2.3.4", hop("1.2.3.4", None)),
            ("1.2.3.4:25", hop("1.2.3.4", Some(25))),
            ("[1.2.3.4]", hop("1.2.3.4", None)),
            ("[1.2.3.4]:25", hop("1.2.3.4", Some(25))),
            ("[IPv6:::1]", hop("::1", None)),
            ("[ipv6:2001:DB8::1]:65535", hop("2001:db8::1", Some(65535))),
            ("[::1]:25", hop("::1", Some(25))),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_hop_is_told_why() {
        let port = |text: &str, port: &str| HopError::Port { text: text.to_owned(), port: port.to_owned() };
        for (text, expected) in [
            ("", HopError::Empty),
            (":25", HopError::Empty),
            ("[1.2.3.4", HopError::Brackets("[1.2.3.4".into())),
            ("[1.2.3.4]25", HopError::Brackets("[1.2.3.4]25".into())),
            ("[mx.example]", HopError::Address("mx.example".into())),
            ("[IPv6:1.2.3.4]", HopError::Address("IPv6:1.2.3.4".into())),
            ("1.2.3.400", HopError::Address("1.2.3.400".into())),
            ("::1", HopError::NeedsBrackets("::1".parse().unwrap())),
            ("mx.example:0", port("mx.example:0", "0")),
            ("mx.example:", port("mx.example:", "")),
            ("mx.example:+25", port("mx.example:+25", "+25")),
            ("mx.example:65536", port("mx.example:65536", "65536")),
            ("mx..example", HopError::Name("mx..example".into())),
            ("two words", HopError::Name("two words".into())),
        ] {
            assert_eq!(text.parse::<Hop>(), Err(expected), "{text}");
        }
    }

    #[test]
    fn a_hop_is_written_as_it_can_be_read() {
        let texts = ["mx.example", "mx.example:25", "1.2.3.4:25", "[::1]", "[::1]:25"];

        let written = texts.map(|text| text.parse::<Hop>().unwrap().to_string());

        assert_eq!(written, texts);
    }

    #[test]
    fn a_domain_is_a_hop_of_its_own_if_it_is_an_address_or_has_a_port() {
        for (domain, expected) in [
            ("[10.0.0.1]", Some(hop("10.0.0.1", None))),
            ("[IPv6:::1]", Some(hop("::1", None))),
            ("10.0.0.1", Some(hop("10.0.0.1", None))),
            ("relay.example:2025", Some(hop("relay.example", Some(2025)))),
            ("example.com", None),
            ("[nonsense]", None),
            ("", None),
        ] {
            assert_eq!(literal(domain), expected, "{domain}");
        }
    }
}
