//! Hops to candidates: the addresses to try, in order.
//!
//! Hops come in, in the order in which they are to be tried; each becomes one candidate if it is an address, and as many
//! as the system resolver knows if it is a name. A name that cannot be resolved costs nothing while another can. Which
//! hops a domain has is asked before: an `mx_list` names them, [`literal`](crate::literal) finds those that are
//! addresses, and the look-up of mail exchangers belongs in front of [`resolve_hops`], whose input it yields.
//!
//! Rules: RFC 5321 §5.1 (order of hosts, temporary and permanent failures of look-ups).

use std::fmt;
use std::io;
use std::net::SocketAddr;

use crate::Hop;

/// One address to try.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// The name it was found under; the address itself if there was none.
    pub name: String,
    /// Address and port.
    pub addr: SocketAddr,
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.addr.ip().to_string() == self.name {
            return self.addr.fmt(f);
        }
        write!(f, "{} ({})", self.name, self.addr)
    }
}

/// Says why no hop has an address. The names, or the resolver, are at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// None of the names exists, or there were no hops at all.
    #[error("no next hop has an address: {0}")]
    Permanent(String),
    /// A name could not be looked up now.
    #[error("next hops cannot be looked up now: {0}")]
    Temporary(String),
}

/// Returns the addresses of all hops, in the order of the hops and, behind a name, of the resolver. Never empty.
///
/// `default_port`: for hops without a port. The time a look-up takes is the system resolver's, usually 5 to 20 seconds
/// at most.
///
/// # Errors
/// If no hop has an address: `Temporary` if one of the look-ups may succeed later, `Permanent` otherwise.
///
/// # Cancel safety
/// Nothing is lost; a look-up under way ends unheard.
pub async fn resolve_hops(hops: &[Hop], default_port: u16) -> Result<Vec<Candidate>, ResolveError> {
    let mut candidates = Vec::with_capacity(hops.len());
    let mut failures = Vec::new();
    for hop in hops {
        let port = hop.port.unwrap_or(default_port);
        match look_up(hop, port).await {
            Ok(found) => candidates.extend(found),
            Err(error) => failures.push((&hop.name, error)),
        }
    }
    if candidates.is_empty() { Err(no_address(&failures)) } else { Ok(candidates) }
}

async fn look_up(hop: &Hop, port: u16) -> io::Result<Vec<Candidate>> {
    let candidate = |addr| Candidate { name: hop.name.clone(), addr };
    if let Some(address) = hop.address() {
        return Ok(vec![candidate(SocketAddr::new(address, port))]);
    }
    Ok(tokio::net::lookup_host((hop.name.as_str(), port)).await?.map(candidate).collect())
}

fn no_address(failures: &[(&String, io::Error)]) -> ResolveError {
    if failures.is_empty() {
        return ResolveError::Permanent("there is no next hop".to_owned());
    }
    let text: Vec<String> = failures.iter().map(|(name, error)| format!("{name}: {error}")).collect();
    let text = text.join("; ");
    if failures.iter().all(|(_, error)| does_not_exist(&error.to_string())) {
        ResolveError::Permanent(text)
    } else {
        ResolveError::Temporary(text)
    }
}

/// Whether a resolver's error says that there is no such name, or that it has no address.
///
/// The standard library keeps the text of the error and not its number. These are the texts of glibc and musl, which a
/// program that sets no locale gets in English; any other text counts as temporary, which only delays.
fn does_not_exist(error: &str) -> bool {
    const TEXTS: [&str; 4] = [
        "Name or service not known",
        "No address associated with hostname",
        "Name does not resolve",
        "Name has no usable address",
    ];
    TEXTS.iter().any(|text| error.ends_with(text))
}

#[cfg(test)]
mod tests {
    use super::{Candidate, ResolveError, no_address, resolve_hops};
    use crate::Hop;

    fn failed(causes: &[&str]) -> ResolveError {
        let name = "mx.example".to_owned();
        let failures: Vec<_> = causes.iter().map(|cause| (&name, std::io::Error::other((*cause).to_owned()))).collect();
        no_address(&failures)
    }

    #[tokio::test]
    async fn addresses_are_candidates_in_their_order() {
        let hops: Vec<Hop> = ["[::1]:2525", "192.0.2.1"].iter().map(|text| text.parse().unwrap()).collect();

        let candidates = resolve_hops(&hops, 25).await.unwrap();

        let shown: Vec<String> = candidates.iter().map(Candidate::to_string).collect();
        assert_eq!(shown, ["[::1]:2525", "192.0.2.1:25"]);
    }

    #[tokio::test]
    async fn a_name_is_looked_up_by_the_system() {
        let hop: Hop = "localhost:2525".parse().unwrap();

        let candidates = resolve_hops(&[hop], 25).await.unwrap();

        let all_local = candidates.iter().all(|c| c.addr.ip().is_loopback() && c.addr.port() == 2525);
        assert!(all_local && !candidates.is_empty(), "{candidates:?}");
    }

    #[test]
    fn failures_are_permanent_only_if_no_name_exists() {
        let unknown = "failed to lookup address information: Name or service not known";
        let later = "failed to lookup address information: Temporary failure in name resolution";
        for (causes, permanent) in
            [(vec![], true), (vec![unknown, unknown], true), (vec![unknown, later], false), (vec!["other"], false)]
        {
            let is_permanent = matches!(failed(&causes), ResolveError::Permanent(_));
            assert_eq!(is_permanent, permanent, "{causes:?}");
        }
    }
}
