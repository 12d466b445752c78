//! Doors that want the same address, found before anything is bound.

use std::net::{IpAddr, SocketAddr};

use tollgate_config::{Findings, Position, Table, Value};
use tollgate_inbound::{http::HttpConfig, smtp::ListenerConfig};

/// A section with an address, and where that is written.
struct Door {
    section: String,
    listen: SocketAddr,
    at: Position,
}

/// Reports every door whose address another one has taken already.
pub(super) fn check(table: &Table, listeners: &[ListenerConfig], http: Option<&HttpConfig>, findings: &mut Findings) {
    let smtp = listeners.iter().map(|listener| Door {
        section: format!("smtp.listener.{}", listener.name),
        listen: listener.listen,
        at: position(table, &["smtp", "listener", &listener.name, "listen"]),
    });
    let http = http.map(|http| Door {
        section: "http".to_owned(),
        listen: http.listen,
        at: position(table, &["http", "listen"]),
    });
    let doors: Vec<Door> = smtp.chain(http).collect();
    for (n, door) in doors.iter().enumerate() {
        if let Some(other) = doors[..n].iter().find(|other| overlap(other.listen, door.listen)) {
            let text = format!("listen: {} is taken: [{}] listens on {}", door.listen, other.section, other.listen);
            findings.error(door.at, text);
        }
    }
}

/// Returns whether the system would refuse to listen on both. Port 0 is any that is free.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let (a, b) = (one.ip(), other.ip());
    one.port() != 0 && one.port() == other.port() && (a == b || covers(a, b) || covers(b, a))
}

/// Returns whether `wide` stands for all addresses, `other` among them: `[::]` takes IPv4 too.
fn covers(wide: IpAddr, other: IpAddr) -> bool {
    wide.is_unspecified() && (wide.is_ipv6() || other.is_ipv4())
}

/// Returns where a key is written, at worst the file's start.
fn position(table: &Table, path: &[&str]) -> Position {
    let start = Position { line: 1, column: 1 };
    match path {
        [] => start,
        [key, rest @ ..] => match table.get(key).map(|entry| (&entry.node.value, entry.at)) {
            Some((Value::Table(inner), _)) => position(inner, rest),
            Some((_, at)) => at,
            None => start,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_overlap_where_the_system_would_refuse_the_second() {
        let pairs = [
            ("127.0.0.1:25", "127.0.0.1:25", true),
            ("127.0.0.1:25", "127.0.0.2:25", false),
            ("127.0.0.1:25", "127.0.0.1:26", false),
            ("0.0.0.0:25", "127.0.0.1:25", true),
            ("0.0.0.0:25", "[::1]:25", false),
            ("[::1]:25", "[::]:25", true),
            ("127.0.0.1:25", "[::]:25", true),
            ("127.0.0.1:0", "127.0.0.1:0", false),
        ];

        for (one, other, expected) in pairs {
            let parse = |text: &str| text.parse().expect("an address");
            assert_eq!(overlap(parse(one), parse(other)), expected, "{one} {other}");
        }
    }
}
