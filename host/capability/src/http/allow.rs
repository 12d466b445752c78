//! The hosts that a plugin may reach, as the operator lists them: `api.example`, `*.internal.example:8443`, `192.0.2.7:8080`.
//!
//! A name without a port means port 80. A star stands for one or more labels, and for the whole of the first ones only. An
//! address is reached wherever it is: whoever lists one knows where it leads.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use super::request::Host;

/// The port of `http` where none is given.
pub(super) const HTTP: u16 = 80;

/// The hosts that a plugin may reach; none by default.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Allowed(BTreeSet<Pattern>);

/// One entry of the list.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Pattern {
    /// A host by its name, at a port.
    Name(String, u16),
    /// Every host below a domain, which is not among them, at a port.
    Below(String, u16),
    /// An address at a port.
    Address(SocketAddr),
}

impl FromIterator<Pattern> for Allowed {
    fn from_iter<I: IntoIterator<Item = Pattern>>(patterns: I) -> Self {
        Self(patterns.into_iter().collect())
    }
}

impl Allowed {
    /// Returns whether a URL may name a host at a port.
    pub(super) fn has(&self, host: &Host, port: u16) -> bool {
        self.0.iter().any(|pattern| match (pattern, host) {
            (Pattern::Name(name, at), Host::Name(host)) => (name, *at) == (host, port),
            (Pattern::Below(domain, at), Host::Name(host)) => {
                let below = host.strip_suffix(domain.as_str()).and_then(|rest| rest.strip_suffix('.'));
                below.is_some_and(|labels| !labels.is_empty()) && *at == port
            }
            (Pattern::Address(to), Host::Address(address)) => *to == SocketAddr::new(*address, port),
            _ => false,
        })
    }

    /// Returns whether an address is listed as such, whatever name led there.
    pub(super) fn names(&self, to: SocketAddr) -> bool {
        self.0.contains(&Pattern::Address(to))
    }
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unusable = || format!("'{text}' is no host such as 'api.example', '*.example:8080' or '192.0.2.7:80'");
        if let Some(address) = address(text) {
            return Ok(Self::Address(address));
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().ok().filter(|port| *port > 0).ok_or_else(unusable)?),
            None => (text, HTTP),
        };
        let (is_star, name) = host.strip_prefix("*.").map_or((false, host), |domain| (true, domain));
        match Host::parse(name) {
            Some(Host::Name(name)) if is_star => Ok(Self::Below(name, port)),
            Some(Host::Name(name)) => Ok(Self::Name(name, port)),
            _ => Err(unusable()),
        }
    }
}

/// Parses an address, with or without a port; an IPv6 address with one stands in brackets.
fn address(text: &str) -> Option<SocketAddr> {
    let with_port = text.parse().ok();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    with_port.or_else(|| bare.parse().ok().map(|address: IpAddr| SocketAddr::new(address, HTTP)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(patterns: &[&str]) -> Allowed {
        patterns.iter().map(|text| text.parse::<Pattern>().unwrap()).collect()
    }

    #[test]
    fn a_list_has_what_it_names_and_nothing_else() {
        let allowed = allowed(&["Api.Example.", "*.inner.example:8080", "127.0.0.1:9000", "[::1]"]);
        let table = [
            ("api.example", 80, true),
            ("api.example", 8080, false),
            ("x.api.example", 80, false),
            ("apiexample", 80, false),
            ("a.inner.example", 8080, true),
            ("a.b.inner.example", 8080, true),
            ("a.inner.example", 80, false),
            ("inner.example", 8080, false),
            ("ainner.example", 8080, false),
            (".inner.example", 8080, false),
            ("127.0.0.1", 9000, true),
            ("127.0.0.1", 80, false),
            ("::1", 80, true),
            ("::ffff:127.0.0.1", 9000, false),
            ("localhost", 9000, false),
        ];

        let judged =
            table.map(|(host, port, _)| (host, port, Host::parse(host).is_some_and(|host| allowed.has(&host, port))));

        assert_eq!(judged, table);
    }

    #[test]
    fn what_is_no_host_is_refused_in_words() {
        let texts = [
            "",
            "*",
            "*.",
            "a b",
            "http://api.example",
            "api.example:0",
            "api.example:x",
            "1.2.3",
            "a.*.example",
            "x:1:2",
        ];

        let parsed = texts.map(|text| text.parse::<Pattern>().is_ok());

        assert_eq!(parsed, [false; 10]);
        let refused = "127.1".parse::<Pattern>();
        let words = "'127.1' is no host such as 'api.example', '*.example:8080' or '192.0.2.7:80'";
        assert_eq!(refused, Err(words.to_owned()));
    }
}
