//! The name of a scheduled queue: `campaign:tenant@domain!routing_domain`.
//!
//! Only the domain is always there. Building a name percent-encodes what would be read as a separator in campaign and
//! tenant, so `parse(build(x)) == x`; parsing never fails. Plugins, logs and criteria see the plain parts, never the
//! encoded ones.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

use crate::domain;

/// The parts of a queue's name, plain (not encoded). An absent part is `None`, never an empty text.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct QueueName {
    /// Campaign of the mail.
    pub campaign: Option<String>,
    /// Tenant whose mail it is.
    pub tenant: Option<String>,
    /// Domain of the recipient, as [`domain::normalize`] gives it.
    pub domain: String,
    /// Where to route instead of the domain: a domain, a literal, either with a port.
    pub routing_domain: Option<String>,
    /// The text of a name that policy gave whole; it is printed as it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    explicit: Option<String>,
}

impl QueueName {
    /// Returns the name for these parts: blank ones count as absent, the domain is normalised.
    #[must_use]
    pub fn new(campaign: Option<&str>, tenant: Option<&str>, domain: &str, routing_domain: Option<&str>) -> Self {
        Self {
            campaign: present(campaign),
            tenant: present(tenant),
            domain: domain::normalize(domain),
            routing_domain: present(routing_domain),
            explicit: None,
        }
    }

    /// Returns the name that policy gave whole: its parts are those of [`Self::parse`], its text stays as given.
    #[must_use]
    pub fn explicit(name: &str) -> Self {
        Self { explicit: Some(name.to_owned()), ..Self::parse(name) }
    }

    /// Splits a name: at the first `@`, what is left of it at the first `:`, what is right of it at the first `!`.
    ///
    /// Never fails. `%` not followed by two hexadecimal digits is literal.
    #[must_use]
    pub fn parse(name: &str) -> Self {
        let (sender, route) = match name.split_once('@') {
            Some((sender, route)) => (Some(sender), route),
            None => (None, name),
        };
        let (campaign, tenant) = match sender.map(|sender| (sender, sender.split_once(':'))) {
            Some((_, Some((campaign, tenant)))) => (Some(campaign), Some(tenant)),
            Some((tenant, None)) => (None, Some(tenant)),
            None => (None, None),
        };
        let (domain, routing_domain) = match route.split_once('!') {
            Some((domain, routing)) => (domain, Some(routing)),
            None => (route, None),
        };
        let decode = |part: Option<&str>| part.map(decode);
        Self::new(decode(campaign).as_deref(), decode(tenant).as_deref(), domain, routing_domain)
    }

    /// Returns the domain to which the mail is routed: the routing domain, else the recipient's.
    #[must_use]
    pub fn route(&self) -> &str {
        self.routing_domain.as_deref().unwrap_or(&self.domain)
    }
}

impl fmt::Display for QueueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.explicit {
            return f.write_str(name);
        }
        if let Some(campaign) = &self.campaign {
            write!(f, "{}:", Encoded(campaign))?;
        }
        if let Some(tenant) = &self.tenant {
            write!(f, "{}", Encoded(tenant))?;
        }
        if self.campaign.is_some() || self.tenant.is_some() {
            f.write_char('@')?;
        }
        f.write_str(&self.domain)?;
        match &self.routing_domain {
            Some(routing) => write!(f, "!{routing}"),
            None => Ok(()),
        }
    }
}

/// Returns a text as it is, or nothing where only blanks are in it.
fn present(part: Option<&str>) -> Option<String> {
    part.filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

/// Writes a part with its separators, blanks, control characters and `%` percent-encoded.
struct Encoded<'a>(&'a str);

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            if matches!(c, '%' | '@' | ':' | '!') || c.is_whitespace() || c.is_control() {
                let mut octets = [0; 4];
                for octet in c.encode_utf8(&mut octets).bytes() {
                    write!(f, "%{octet:02X}")?;
                }
            } else {
                f.write_char(c)?;
            }
        }
        Ok(())
    }
}

/// Undoes [`Encoded`]; octets that do not form UTF-8 leave the text as it was.
fn decode(part: &str) -> String {
    let mut octets = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escape = (first == b'%').then(|| after.get(..2)).flatten().and_then(hex);
        octets.push(escape.unwrap_or(first));
        rest = if escape.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(octets).unwrap_or_else(|_| part.to_owned())
}

fn hex(digits: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u8::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(name: &QueueName) -> (Option<&str>, Option<&str>, &str, Option<&str>) {
        (name.campaign.as_deref(), name.tenant.as_deref(), &name.domain, name.routing_domain.as_deref())
    }

    #[test]
    fn names_split_at_their_first_separators() {
        for (name, expected) in [
            ("foo.com:2025", (None, None, "foo.com:2025", None)),
            ("campaign:@foo.com!r.com:2025", (Some("campaign"), None, "foo.com", Some("r.com:2025"))),
            ("a:b:c@d.com", (Some("a"), Some("b:c"), "d.com", None)),
            ("a@b@c.com", (None, Some("a"), "b@c.com", None)),
            ("@d.com", (None, None, "d.com", None)),
            ("d.com!r1!r2", (None, None, "d.com", Some("r1!r2"))),
            ("50%25:@d.com", (Some("50%"), None, "d.com", None)),
            ("50%:@d.com", (Some("50%"), None, "d.com", None)),
            ("a%3ab@d.com", (None, Some("a:b"), "d.com", None)),
        ] {
            assert_eq!(parts(&QueueName::parse(name)), expected, "{name}");
        }
    }

    #[test]
    fn blank_parts_are_absent_and_domains_are_normalised() {
        let name = QueueName::new(Some(" "), Some(""), "D.COM.", Some("  "));

        assert_eq!(name.to_string(), "d.com");
    }

    proptest! {
        #[test]
        fn parsing_undoes_building(
            campaign in proptest::option::of(any::<String>()),
            tenant in proptest::option::of(any::<String>()),
            domain in "[a-z0-9.-]{1,20}",
            routing in proptest::option::of("[a-z0-9.:-]{1,20}"),
        ) {
            let name = QueueName::new(campaign.as_deref(), tenant.as_deref(), &domain, routing.as_deref());

            prop_assert_eq!(QueueName::parse(&name.to_string()), name);
        }
    }
}
