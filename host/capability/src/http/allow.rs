//! The hosts that a plugin may reach, as the operator lists them: `api.example`, `*.internal.example:8443`, `192.0.2.7:8080`.
//!
//! Without a port it is those of `http` and `https`, 80 and 443. A star stands for one or more labels, and for the whole of the first ones only. An
//! address is reached wherever it is: whoever lists one knows where it leads.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use super::request::Host;

/// The ports of `http` and `https` where none is given.
pub(super) const HTTP: u16 = 80;
pub(super) const HTTPS: u16 = 443;

/// The hosts that a plugin may reach; none by default.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Allowed(BTreeSet<Pattern>);

/// One entry of the list.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Pattern {
    /// A host by its name.
    Name(String, Ports),
    /// Every host below a domain, which is not among them.
    Below(String, Ports),
    /// An address.
    Address(IpAddr, Ports),
}

/// A port, or where none is given those of `http` and `https`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Ports(Option<u16>);

impl Ports {
    fn has(self, port: u16) -> bool {
        self.0.map_or(matches!(port, HTTP | HTTPS), |only| only == port)
    }
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
            (Pattern::Name(name, ports), Host::Name(host)) => name == host && ports.has(port),
            (Pattern::Below(domain, ports), Host::Name(host)) => {
                let below = host.strip_suffix(domain.as_str()).and_then(|rest| rest.strip_suffix('.'));
                below.is_some_and(|labels| !labels.is_empty()) && ports.has(port)
            }
            (Pattern::Address(to, ports), Host::Address(address)) => to == address && ports.has(port),
            _ => false,
        })
    }

    /// Returns whether an address is listed as such, whatever name led there.
    pub(super) fn names(&self, to: SocketAddr) -> bool {
        let is_it = |address: IpAddr, ports: Ports| address == to.ip() && ports.has(to.port());
        self.0.iter().any(|pattern| matches!(pattern, Pattern::Address(address, ports) if is_it(*address, *ports)))
    }
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unusable = || format!("'{text}' is no host such as 'api.example', '*.example:8080' or '192.0.2.7:80'");
        if let Some((address, ports)) = address(text) {
            return Ok(Self::Address(address, ports));
        }
        let (host, ports) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Ports(Some(port.parse().ok().filter(|port| *port > 0).ok_or_else(unusable)?))),
            None => (text, Ports(None)),
        };
        let (is_star, name) = host.strip_prefix("*.").map_or((false, host), |domain| (true, domain));
        match Host::parse(name) {
            Some(Host::Name(name)) if is_star => Ok(Self::Below(name, ports)),
            Some(Host::Name(name)) => Ok(Self::Name(name, ports)),
            _ => Err(unusable()),
        }
    }
}

/// Parses an address, with or without a port; an IPv6 address with one stands in brackets.
fn address(text: &str) -> Option<(IpAddr, Ports)> {
    if let Ok(with_port) = text.parse::<SocketAddr>() {
        return Some((with_port.ip(), Ports(Some(with_port.port()))));
    }
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().map(|address| (address, Ports(None)))
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
            ("api.example", 443, true),
            ("api.example", 8080, false),
            ("x.api.example", 80, false),
            ("apiexample", 80, false),
            ("a.inner.example", 8080, true),
            ("a.b.inner.example", 8080, true),
            ("a.inner.example", 80, false),
            ("a.inner.example", 443, false),
            ("inner.example", 8080, false),
            ("ainner.example", 8080, false),
            (".inner.example", 8080, false),
            ("127.0.0.1", 9000, true),
            ("127.0.0.1", 80, false),
            ("::1", 80, true),
            ("::1", 443, true),
            ("::1", 8080, false),
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
