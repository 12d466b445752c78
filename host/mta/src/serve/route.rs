//! Finding out where mail goes: from a domain to a site, when a queue first has something due, and from a site to the
//! addresses to try, for each connection.
//!
//! Hosts that an `mx_list`, a routing domain or the recipient names outright are tried as they stand. Mail exchangers are
//! tried by preference, at random among equals (RFC 5321 §5.1), and never where mail is not to be sent: anybody can say in
//! his zone that his mail exchanger is at our own address.

use std::net::{IpAddr, SocketAddr};

use futures_util::future::join_all;
use ipnet::IpNet;
use tollgate_dns::{Exchangers, LookupError};
use tollgate_outbound::{Candidate, Hop, literal};
use tollgate_queue::{Hosts, NoRoute, Resolution, ResolveError, Site};

use super::node::Node;

/// Returns where a domain's mail goes.
pub(crate) async fn find(node: &Node, domain: &str) -> Result<Resolution, ResolveError> {
    if literal(domain).is_some() {
        return Ok(Resolution { site: Site::of_literal(domain), valid: LITERAL });
    }
    let exchangers = node.generation().mail_exchangers(domain).await.map_err(|error| unresolved(&error))?;
    let prohibited = &node.generation().egress.paths.prohibited_hosts;
    if !prohibited.is_empty() && lead_nowhere(node, exchangers.preferences.iter().flatten(), prohibited).await {
        let text =
            format!("the mail exchangers of {domain} are all at addresses to which no mail is sent (prohibited_hosts)");
        return Err(ResolveError::Permanent(NoRoute::NoHost, text.into()));
    }
    let valid = exchangers.valid_until.saturating_duration_since(tokio::time::Instant::now());
    let site = site(&exchangers, node.generation().egress.paths.port_of(domain));
    Ok(Resolution { site, valid })
}

/// Returns the site that mail exchangers are. One at a port of its own is another than that of the same hosts at everybody's.
fn site(exchangers: &Exchangers, port: Option<u16>) -> Site {
    let at = |name: &String| port.map_or_else(|| name.clone(), |port| format!("{name}:{port}"));
    let preferences = exchangers.preferences.iter().map(|hosts| hosts.iter().map(at).collect());
    Site { name: at(&exchangers.site_name), hosts: Hosts::Exchangers(preferences.collect()) }
}

/// Returns the addresses of a site's hosts, in the order in which to try them. `port`: of hosts that name none.
///
/// # Errors
/// Why there is none, in words.
pub(crate) async fn candidates(node: &Node, site: &Site, port: u16) -> Result<Vec<Candidate>, String> {
    match &site.hosts {
        Hosts::Named(hosts) => addresses(node, hosts.iter().map(String::as_str), port, &[]).await,
        Hosts::Exchangers(groups) => {
            let hosts = tollgate_dns::ordered(groups, |below| fastrand::usize(..below));
            addresses(node, hosts, port, &node.generation().egress.paths.prohibited_hosts).await
        }
        Hosts::Here(_) => Err("its mail stays on this machine".to_owned()),
    }
}

/// Returns the addresses of these hosts, but for those in networks to which nothing is sent.
async fn addresses<'a>(
    node: &Node,
    hosts: impl IntoIterator<Item = &'a str>,
    port: u16,
    prohibited: &[IpNet],
) -> Result<Vec<Candidate>, String> {
    // Asked for together, since one answer more costs less than one wait more; tried in their order all the same.
    let found = join_all(hosts.into_iter().map(|host| host_addresses(node, host, port))).await;
    let (mut candidates, mut failures) = (Vec::new(), Vec::new());
    for found in found {
        match found {
            Ok(found) => candidates.extend(found),
            Err(reason) => failures.push(reason),
        }
    }
    let before = candidates.len();
    candidates.retain(|candidate| !is_in(prohibited, candidate.addr.ip()));
    if candidates.len() < before {
        failures.push("some addresses are in prohibited_hosts".to_owned());
    }
    if candidates.is_empty() {
        Err(format!("no next hop has an address: {}", failures.join("; ")))
    } else {
        Ok(candidates)
    }
}

async fn host_addresses(node: &Node, host: &str, default_port: u16) -> Result<Vec<Candidate>, String> {
    let hop: Hop = host.parse().map_err(|error: tollgate_outbound::HopError| error.to_string())?;
    let port = hop.port.unwrap_or(default_port);
    let candidate = |address| Candidate { name: hop.name.clone(), addr: SocketAddr::new(address, port) };
    if let Some(address) = hop.address() {
        return Ok(vec![candidate(address)]);
    }
    let found = node.generation().addresses(&hop.name).await.map_err(|error| error.to_string())?;
    Ok(found.addresses.iter().copied().map(candidate).collect())
}

/// Returns whether the hosts have addresses, and all of them are in these networks.
async fn lead_nowhere<'a>(node: &Node, hosts: impl Iterator<Item = &'a String>, networks: &[IpNet]) -> bool {
    let generation = node.generation();
    let found = join_all(hosts.map(|host| generation.addresses(host))).await;
    // One that cannot be looked up now may be anywhere.
    let Ok(found) = found.into_iter().collect::<Result<Vec<_>, _>>() else { return false };
    found.iter().flat_map(|found| &found.addresses).all(|address| is_in(networks, *address))
}

fn is_in(networks: &[IpNet], address: IpAddr) -> bool {
    // ::ffff:127.0.0.1 is 127.0.0.1 in other words.
    let address = address.to_canonical();
    networks.iter().any(|network| network.contains(&address))
}

fn unresolved(error: &LookupError) -> ResolveError {
    let text = error.to_string().into();
    match error {
        LookupError::NotAName { .. } | LookupError::NoSuchDomain { .. } => {
            ResolveError::Permanent(NoRoute::NoDomain, text)
        }
        LookupError::NullMx { .. } => ResolveError::Permanent(NoRoute::NullMx, text),
        error if error.is_permanent() => ResolveError::Permanent(NoRoute::NoHost, text),
        _ => ResolveError::Transient(text),
    }
}

/// What needs no look-up does not change.
const LITERAL: std::time::Duration = std::time::Duration::from_secs(365 * 86_400);
