//! `[resolver]`: how names are looked up.

use std::net::{IpAddr, SocketAddr};

use tollgate_config::{Findings, Section};
use tollgate_dns::Settings;

/// The port of name servers that are given without one.
const DNS: u16 = 53;

pub(super) fn resolver(top: &mut Section<'_>, findings: &mut Findings) -> Settings {
    let defaults = Settings::default();
    let Some(mut section) = top.section("resolver", findings) else { return defaults };
    let mut whole = |key, default| section.parsed_number(key, findings, at_least_one).unwrap_or(default);
    let (attempts, cache_entries) =
        (whole("attempts", defaults.attempts), whole("cache_entries", defaults.cache_entries));
    let nameservers = section.list("nameservers", findings, nameserver).unwrap_or_default();
    let timeout = section.duration("timeout", findings).unwrap_or(defaults.timeout);
    section.finish(findings);
    Settings { nameservers, timeout, attempts, cache_entries, ..defaults }
}

fn nameserver(text: &str) -> Result<SocketAddr, String> {
    let address = text.parse().or_else(|_| text.parse().map(|address: IpAddr| SocketAddr::new(address, DNS)));
    address.map_err(|_| format!("'{text}' is not an address such as '127.0.0.1' or '127.0.0.1:5353'"))
}

fn at_least_one(number: u64) -> Result<usize, String> {
    usize::try_from(number).ok().filter(|number| *number > 0).ok_or_else(|| format!("{number} is not at least 1"))
}
