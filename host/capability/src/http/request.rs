//! A request, looked over before anything is looked up or connected to.
//!
//! Rules: RFC 9110 §4.2.1 (http URI), §4.2.2 (https URI), §4.2.4 (no user information), §5 (fields), RFC 9112 §3.2 (Host), §6 (framing).

use std::{fmt, net::IpAddr};

use bytes::Bytes;
use hyper::{
    HeaderMap, Method, Uri,
    header::{
        CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderName, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE,
        TRAILER, TRANSFER_ENCODING, UPGRADE,
    },
};

use super::{
    Request,
    allow::{HTTP, HTTPS},
};
use crate::Refused;

/// Largest body of a request, in octets.
pub const LARGEST_BODY: usize = 1 << 20;
/// Most octets of a URL and header fields together.
pub const LARGEST_HEAD: usize = 16 << 10;
/// Most header fields.
pub const MOST_FIELDS: usize = 64;

/// What plugins may do to somebody else's resources. No tunnel, and no echo of what the host adds.
const METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

/// Fields that say where a message ends or where it goes.
const RESERVED: [HeaderName; 10] = [
    HOST,
    CONNECTION,
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
    TE,
    TRAILER,
    UPGRADE,
    EXPECT,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
];

/// A host, as a URL names it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Host {
    /// By a name: lower-case A-labels, no dot at the end.
    Name(String),
    /// By an address, in its usual text.
    Address(IpAddr),
}

impl Host {
    /// Parses a host. Numbers that some programs take for addresses (`127.1`, `0x7f000001`, `2130706433`) are none here.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = bare.parse() {
            return Some(Self::Address(address));
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let inside = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
        let is_label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(inside);
        // The last label of a name is no number, in whatever base (RFC 1123 §2.1).
        let last = name.rsplit('.').next().unwrap_or_default();
        let is_name =
            name.len() <= 253 && name.split('.').all(is_label) && !last.starts_with(|c: char| c.is_ascii_digit());
        is_name.then_some(Self::Name(name))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

/// Where a request goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Target {
    pub(super) host: Host,
    pub(super) port: u16,
    /// Whether it goes over TLS.
    pub(super) is_secure: bool,
}

impl Target {
    /// Returns what the field `Host` says: the port only where it is not the scheme's own.
    fn authority(&self) -> String {
        let Self { host, port, is_secure } = self;
        if *port == own_port(*is_secure) { host.to_string() } else { format!("{host}:{port}") }
    }
}

fn own_port(is_secure: bool) -> u16 {
    if is_secure { HTTPS } else { HTTP }
}

/// A request that can be made.
pub(super) struct Checked {
    pub(super) to: Target,
    pub(super) head: hyper::Request<()>,
    pub(super) body: Bytes,
}

impl Checked {
    /// Looks a request over.
    pub(super) fn of(request: Request) -> Result<Self, Refused> {
        let Request { method, url, fields, body, .. } = request;
        if body.len() > LARGEST_BODY {
            return Err(Refused::TooLarge(LARGEST_BODY as u64));
        }
        let head: usize = fields.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
        if url.len() + head > LARGEST_HEAD {
            return Err(Refused::TooLarge(LARGEST_HEAD as u64));
        }
        let (to, path) = target(&url)?;
        let mut head = hyper::Request::new(());
        *head.method_mut() = METHODS.into_iter().find(|known| known.as_str() == method).ok_or_else(|| {
            invalid(format!("'{}' is none of {}", shown(&method), METHODS.map(|method| method.to_string()).join(", ")))
        })?;
        *head.uri_mut() = path;
        *head.headers_mut() = headers(&fields, &to)?;
        Ok(Self { to, head, body: body.into() })
    }
}

/// Takes a URL apart: where it leads, and what is asked for there.
fn target(url: &str) -> Result<(Target, Uri), Refused> {
    let unusable = || invalid(format!("'{}' is no URL such as 'https://api.example/path?query'", shown(url)));
    let parsed: Uri = url.parse().map_err(|_| unusable())?;
    let is_secure = match parsed.scheme_str() {
        Some("http") => false,
        Some("https") => true,
        _ => return Err(unusable()),
    };
    let authority = parsed.authority().ok_or_else(unusable)?;
    if authority.as_str().contains('@') {
        return Err(invalid("a URL has no user in it; write a field `Authorization`".to_owned()));
    }
    let host = Host::parse(authority.host()).ok_or_else(unusable)?;
    // A port that is there and cannot be read is not the same as none.
    let has_port = authority.as_str().len() > authority.host().len();
    let port = authority.port_u16().filter(|port| *port > 0);
    let port = port.or((!has_port).then(|| own_port(is_secure))).ok_or_else(unusable)?;
    let path = parsed.path_and_query().map_or("/", |path| path.as_str());
    // An asterisk or nothing before a query is no path to send.
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    Ok((Target { host, port, is_secure }, path.parse().map_err(|_| unusable())?))
}

fn headers(fields: &[(String, String)], to: &Target) -> Result<HeaderMap, Refused> {
    if fields.len() > MOST_FIELDS {
        return Err(Refused::TooLarge(MOST_FIELDS as u64));
    }
    let mut headers = HeaderMap::with_capacity(fields.len() + 2);
    headers.insert(HOST, HeaderValue::from_str(&to.authority()).expect("a host is plain text"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    for (name, value) in fields {
        let parsed = HeaderName::from_bytes(name.as_bytes());
        let parsed = parsed.map_err(|_| invalid(format!("'{}' is no name of a field", shown(name))))?;
        if RESERVED.contains(&parsed) {
            return Err(invalid(format!("the field {parsed} is the host's to set")));
        }
        let value = HeaderValue::from_str(value);
        let value =
            value.map_err(|_| invalid(format!("the value of {parsed} has other characters than visible ASCII")))?;
        headers.append(parsed, value);
    }
    Ok(headers)
}

fn invalid(text: String) -> Refused {
    Refused::Invalid(text)
}

/// Returns as much of what a guest wrote as an error shows.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(url: &str) -> String {
        match target(url) {
            Ok((Target { host, port, is_secure }, path)) => {
                format!("{host} {port} {path}{}", if is_secure { " TLS" } else { "" })
            }
            Err(refused) => refused.to_string(),
        }
    }

    #[test]
    fn urls_are_taken_apart_or_refused() {
        let none = |url: &str| format!("'{url}' is no URL such as 'https://api.example/path?query'");
        let table = [
            ("http://Api.Example", "api.example 80 /".to_owned()),
            ("http://api.example.:8080/a?b=c", "api.example 8080 /a?b=c".to_owned()),
            ("http://api.example?b", "api.example 80 /?b".to_owned()),
            ("http://192.0.2.1/", "192.0.2.1 80 /".to_owned()),
            ("http://[2001:DB8::1]:81/", "[2001:db8::1] 81 /".to_owned()),
            ("https://api.example/", "api.example 443 / TLS".to_owned()),
            ("HTTPS://api.example:80/", "api.example 80 / TLS".to_owned()),
            ("http://u:p@api.example/", "a URL has no user in it; write a field `Authorization`".to_owned()),
            ("http://api.example:0/", none("http://api.example:0/")),
            ("http://api.example:99999/", none("http://api.example:99999/")),
            ("ftp://api.example/", none("ftp://api.example/")),
            ("/path", none("/path")),
            ("http:///path", none("http:///path")),
            ("http://127.1/", none("http://127.1/")),
            ("http://0177.0.0.1/", none("http://0177.0.0.1/")),
            ("http://0x7f000001/", none("http://0x7f000001/")),
            ("http://2130706433/", none("http://2130706433/")),
            ("http://a b/", none("http://a b/")),
            ("http://api.example\\@127.0.0.1/", none("http://api.example\\@127.0.0.1/")),
            ("", none("")),
        ];

        let parsed = table.each_ref().map(|(url, _)| (*url, told(url)));

        assert_eq!(parsed, table);
    }

    #[test]
    fn fields_that_frame_a_message_or_break_a_line_are_refused() {
        let to = Target { host: Host::Name("api.example".to_owned()), port: 80, is_secure: false };
        let table = [
            ("X-Fine", "value", ""),
            ("Host", "other.example", "the field host is the host's to set"),
            ("Content-Length", "1", "the field content-length is the host's to set"),
            ("transfer-encoding", "chunked", "the field transfer-encoding is the host's to set"),
            ("X-A", "a\r\nX-B: b", "the value of x-a has other characters than visible ASCII"),
            ("X-A", "a\0b", "the value of x-a has other characters than visible ASCII"),
            ("X A", "a", "'X A' is no name of a field"),
            ("X-A\r\nX-B", "a", "'X-AX-B' is no name of a field"),
            ("", "a", "'' is no name of a field"),
        ];

        let refused = table.map(|(name, value, _)| {
            let fields = [(name.to_owned(), value.to_owned())];
            (name, value, headers(&fields, &to).err().map_or_else(String::new, |refused| refused.to_string()))
        });

        assert_eq!(refused, table.map(|(name, value, told)| (name, value, told.to_owned())));
    }

    #[test]
    fn methods_and_sizes_are_bounded() {
        let request = |method: &str| Request {
            method: method.to_owned(),
            url: "http://api.example/".to_owned(),
            ..Request::default()
        };
        let fields = |count: usize, len: usize| Request {
            fields: (0..count).map(|_| ("x".to_owned(), "v".repeat(len))).collect(),
            ..request("GET")
        };
        let large = Request { body: vec![0; LARGEST_BODY + 1], ..request("POST") };

        let refused = [request("CONNECT"), request("TRACE"), request("get"), large, fields(65, 1), fields(2, 9000)]
            .map(|request| Checked::of(request).err());

        let method = |name: &str| {
            Some(Refused::Invalid(format!("'{name}' is none of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")))
        };
        let too_large = |most: usize| Some(Refused::TooLarge(most as u64));
        let sizes = [too_large(LARGEST_BODY), too_large(MOST_FIELDS), too_large(LARGEST_HEAD)];
        assert_eq!(refused, [&[method("CONNECT"), method("TRACE"), method("get")][..], &sizes].concat()[..]);
    }
}
