//! What a running server says of its configuration: whether it refused the one that it read last.
//!
//! Such a server goes on with an older configuration, and said why only to its log. Its metrics have it too, so whoever
//! checks a file beside it is told. A server that does not answer at once, or is none of ours, is passed over.

use std::{
    io::{Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::Duration,
};

use tollgate_config::{Finding, Severity};

use crate::config::Config;

/// How long each step of the question may take.
const PATIENCE: Duration = Duration::from_millis(500);
/// More than all metrics take.
const MOST: u64 = 4 << 20;

/// Returns a warning where a server that listens at the configured address refused its last reload.
pub(super) fn refusal(config: &Config) -> Option<Finding> {
    let address = reachable(config.http.as_ref()?.listen);
    let metrics = metrics(address)?;
    let generation = value(&metrics, "tollgate_config_generation")?;
    (value(&metrics, "tollgate_config_refused")? == "1").then(|| {
        let message = format!(
            "the server that runs at {address} refused the configuration that it read last and goes on with number \
             {generation}; its log says why, and it reads its files again when one changes, or at SIGHUP"
        );
        Finding { severity: Severity::Warning, file: None, at: None, message }
    })
}

/// Returns where a server that listens there can be reached from here.
pub(super) fn reachable(listen: SocketAddr) -> SocketAddr {
    let address = match listen.ip() {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    };
    SocketAddr::new(address, listen.port())
}

fn metrics(address: SocketAddr) -> Option<String> {
    if address.port() == 0 {
        return None;
    }
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).and_then(|()| stream.set_write_timeout(Some(PATIENCE))).ok()?;
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.take(MOST).read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// Returns the value of a metric without labels.
fn value<'a>(metrics: &'a str, name: &str) -> Option<&'a str> {
    metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).map(str::trim)
}
