//! `[smtp.listener.NAME]` and `[http]`.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;
use tollgate_config::{Findings, Section};
use tollgate_inbound::{BatchHandling, http::HttpConfig, smtp::ListenerConfig};

use super::auth::Auth;

pub(super) fn smtp(top: &mut Section<'_>, findings: &mut Findings) -> Vec<ListenerConfig> {
    let Some(mut smtp) = top.section("smtp", findings) else { return Vec::new() };
    let sections = smtp.named("listener", findings);
    smtp.finish(findings);
    sections.into_iter().filter_map(|(name, section)| listener(name, section, findings)).collect()
}

fn listener(name: &str, mut section: Section<'_>, findings: &mut Findings) -> Option<ListenerConfig> {
    let listen = section.parsed("listen", findings, address);
    let hostname = section.parsed("hostname", findings, hostname);
    let relay_hosts = section.list("relay_hosts", findings, network);
    let max_message_size = section.size("max_message_size", findings);
    let max_recipients = section.number("max_recipients", findings);
    let max_connections = section.number("max_connections", findings);
    let idle_timeout = section.duration("idle_timeout", findings);
    let batch_handling = section.parsed("batch_handling", findings, batch_handling);
    for (key, found) in [("listen", listen.is_some()), ("hostname", hostname.is_some())] {
        if !found && section.entry_is_missing(key) {
            section.missing(key, findings);
        }
    }
    section.finish(findings);
    let mut config = ListenerConfig::new(name, listen?, hostname?);
    config.relay_hosts = relay_hosts.unwrap_or_default();
    config.max_message_size = max_message_size.unwrap_or(config.max_message_size);
    config.max_recipients = count(max_recipients, config.max_recipients);
    config.max_connections = count(max_connections, config.max_connections);
    config.idle_timeout = idle_timeout.unwrap_or(config.idle_timeout);
    config.batch_handling = batch_handling.unwrap_or_default();
    Some(config)
}

/// Reads the HTTP door, and who may change things through it without a token.
pub(super) fn http(
    top: &mut Section<'_>,
    auth: Auth,
    listeners: &[ListenerConfig],
    findings: &mut Findings,
) -> Option<(HttpConfig, Vec<IpNet>)> {
    let mut section = top.section("http", findings)?;
    let listen = section.parsed("listen", findings, address);
    let name = section.parsed("hostname", findings, hostname);
    let trusted_hosts = section.list("trusted_hosts", findings, network);
    let max_body = section.size("max_body", findings);
    let admin_hosts = section.list("admin_hosts", findings, network);
    if listen.is_none() && section.entry_is_missing("listen") {
        section.missing("listen", findings);
    }
    section.finish(findings);
    let name = name.or_else(|| listeners.first().map(|listener| listener.hostname.clone()));
    let mut config = HttpConfig::new(listen?, name.unwrap_or_else(|| "localhost".to_owned()));
    config.trusted_hosts = trusted_hosts.unwrap_or(config.trusted_hosts);
    config.max_body = max_body.and_then(|size| usize::try_from(size).ok()).unwrap_or(config.max_body);
    (config.users, config.tokens) = (auth.users, auth.tokens);
    Some((config, admin_hosts.unwrap_or_else(loopback)))
}

fn loopback() -> Vec<IpNet> {
    vec![
        IpNet::new_assert(Ipv4Addr::LOCALHOST.into(), 8).trunc(),
        IpNet::from(std::net::IpAddr::from(Ipv6Addr::LOCALHOST)),
    ]
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("'{text}' is not an address and port such as '127.0.0.1:2525'"))
}

/// Parses a network, or a single address as the network of just itself.
pub(super) fn network(text: &str) -> Result<IpNet, String> {
    text.parse::<IpNet>()
        .or_else(|_| text.parse().map(|address: std::net::IpAddr| IpNet::from(address)))
        .map_err(|_| format!("'{text}' is not a network such as '10.0.0.0/8'"))
}

fn batch_handling(text: &str) -> Result<BatchHandling, String> {
    match text {
        "BifurcateAlways" => Ok(BatchHandling::BifurcateAlways),
        "BatchByDomain" => Ok(BatchHandling::BatchByDomain),
        other => Err(format!("'{other}' is neither \"BifurcateAlways\" nor \"BatchByDomain\"")),
    }
}

fn hostname(text: &str) -> Result<String, String> {
    let valid = !text.is_empty() && text.len() <= 255 && text.bytes().all(|b| b.is_ascii_graphic());
    if valid { Ok(text.to_owned()) } else { Err(format!("'{text}' is not a host name")) }
}

fn count(given: Option<u64>, default: usize) -> usize {
    given.and_then(|number| usize::try_from(number).ok()).filter(|number| *number > 0).unwrap_or(default)
}

#[cfg(test)]
mod tests {
    use tollgate_config::{Position, Table};

    use super::*;

    #[test]
    fn a_listener_splits_transactions_as_it_is_told_or_for_each_recipient() {
        let listener = |more: &str| {
            let text = format!("[smtp.listener.a]\nlisten = '127.0.0.1:1'\nhostname = 'a'\n{more}");
            let mut findings = Findings::new("f");
            let table = Table::parse_toml(&text, &mut findings);
            let read = smtp(&mut Section::new(&table, Position { line: 1, column: 1 }, ""), &mut findings);
            let said: Vec<String> = findings.into_sorted().iter().map(ToString::to_string).collect();
            (read[0].batch_handling, said)
        };

        let read = ["", "batch_handling = 'BatchByDomain'", "batch_handling = 'batchbydomain'"].map(listener);

        let wrong = "f:4:1 batch_handling: 'batchbydomain' is neither \"BifurcateAlways\" nor \"BatchByDomain\"";
        let expected = [
            (BatchHandling::BifurcateAlways, vec![]),
            (BatchHandling::BatchByDomain, vec![]),
            (BatchHandling::BifurcateAlways, vec![wrong.to_owned()]),
        ];
        assert_eq!(read, expected);
    }
}
