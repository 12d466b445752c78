//! `[egress.default]` and `[egress.'DESTINATION']`: what holds on the way to a destination.
//!
//! A destination is a domain or a wildcard (`*.example.com`), compared as A-labels; the longest suffix wins. A key that is
//! the name of a site instead holds for all mail to those hosts for which no domain says otherwise. What a destination
//! leaves out is as in `[egress.default]`.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use ipnet::IpNet;
use tollgate_config::{Findings, Section};
use tollgate_message::domain;
use tollgate_outbound::Timeouts;
use tollgate_queue::Limits;

use super::listen::network;
use crate::settings;

/// What holds on the way to destinations.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Paths {
    /// Limits of each source at each site.
    pub(crate) limits: Limits,
    by_destination: BTreeMap<String, Path>,
    /// Port of next hops that name none, where their destination has no port of its own.
    pub(crate) smtp_port: u16,
    /// Patience with every next hop.
    pub(crate) timeouts: Timeouts,
    /// Where mail exchangers must not be, unless an `mx_list` or an address literal names them.
    pub(crate) prohibited_hosts: Vec<IpNet>,
}

/// What holds on the way to one destination.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Path {
    limits: Limits,
    /// Port of its next hops that name none, where it is another than everybody's.
    smtp_port: Option<u16>,
}

impl Default for Paths {
    fn default() -> Self {
        let prohibited = ["127.0.0.0/8", "::1/128", "0.0.0.0/8", "::/128"].map(|net| net.parse().expect("a network"));
        Self {
            limits: Limits::default(),
            by_destination: BTreeMap::new(),
            smtp_port: 25,
            timeouts: Timeouts::default(),
            prohibited_hosts: prohibited.to_vec(),
        }
    }
}

impl Paths {
    /// Returns the limits that are written for a domain, or a wildcard over it.
    pub(crate) fn limits_of(&self, domain: &str) -> Option<Limits> {
        self.entry(domain).map(|(_, path)| path.limits)
    }

    /// Returns the port that is written for next hops of a domain which name none.
    pub(crate) fn port_of(&self, domain: &str) -> Option<u16> {
        self.entry(domain)?.1.smtp_port
    }

    /// Returns what holds for a domain whose mail goes to this site, and the key under which that is written; none for
    /// what holds everywhere.
    pub(crate) fn holding(&self, domain: &str, site: Option<&str>) -> (Option<&str>, Limits) {
        let of_site = || self.by_destination.get_key_value(site?).map(|(key, path)| (key.as_str(), *path));
        match self.entry(domain).or_else(of_site) {
            Some((key, path)) => (Some(key), path.limits),
            None => (None, self.limits),
        }
    }

    fn entry(&self, domain: &str) -> Option<(&str, Path)> {
        let domain = domain::normalize(domain);
        let suffixes = domain.match_indices('.').map(|(dot, _)| format!("*{}", &domain[dot..]));
        let mut keys = [domain.clone()].into_iter().chain(suffixes).chain(["*".to_owned()]);
        keys.find_map(|key| self.by_destination.get_key_value(&key)).map(|(key, path)| (key.as_str(), *path))
    }

    /// Returns the limits by the names of sites.
    pub(crate) fn site_limits(&self) -> HashMap<String, Limits> {
        self.by_destination.iter().map(|(name, path)| (name.clone(), path.limits)).collect()
    }
}

pub(super) fn paths(top: &mut Section<'_>, findings: &mut Findings) -> Paths {
    let mut paths = Paths::default();
    let sections = top.named("egress", findings);
    // First, wherever it stands: the others build on it.
    let (default, others): (Vec<_>, Vec<_>) = sections.into_iter().partition(|(name, _)| *name == "default");
    for (_, mut section) in default {
        paths.limits = limits(&mut section, paths.limits, findings);
        paths.smtp_port = section.parsed_number("smtp_port", findings, port).unwrap_or(paths.smtp_port);
        timeouts(&mut section, &mut paths.timeouts, findings);
        paths.prohibited_hosts = section.list("prohibited_hosts", findings, network).unwrap_or(paths.prohibited_hosts);
        section.finish(findings);
    }
    for (name, mut section) in others {
        for key in TIMEOUTS.iter().copied().chain(["prohibited_hosts"]) {
            if let Some(entry) = section.entry(key) {
                findings.error(entry.at, format!("{key}: stands in [egress.default], and holds for all destinations"));
            }
        }
        let limits = limits(&mut section, paths.limits, findings);
        let smtp_port = section.parsed_number("smtp_port", findings, port).filter(|port| *port != paths.smtp_port);
        let twin = paths.by_destination.insert(domain::normalize(name), Path { limits, smtp_port });
        if twin.is_some() {
            findings.error(section.at(), format!("a second section for the destination '{}'", domain::normalize(name)));
        }
        section.finish(findings);
    }
    paths
}

fn limits(section: &mut Section<'_>, base: Limits, findings: &mut Findings) -> Limits {
    let mut whole = |key, base| section.parsed_number(key, findings, at_least_one).unwrap_or(base);
    let limits = Limits {
        connection_limit: whole("connection_limit", base.connection_limit),
        max_deliveries_per_connection: whole("max_deliveries_per_connection", base.max_deliveries_per_connection),
        max_ready: whole("max_ready", base.max_ready),
        ..base
    };
    let mut rate = |key| section.parsed(key, findings, |text| text.parse().map(settings::rate));
    Limits {
        max_message_rate: rate("max_message_rate").or(base.max_message_rate),
        max_connection_rate: rate("max_connection_rate").or(base.max_connection_rate),
        ..limits
    }
}

/// The keys of [`Timeouts`], by KumoMTA's names.
const TIMEOUTS: [&str; 9] = [
    "connect_timeout",
    "banner_timeout",
    "ehlo_timeout",
    "mail_from_timeout",
    "rcpt_to_timeout",
    "data_timeout",
    "data_dot_timeout",
    "rset_timeout",
    "idle_timeout",
];

fn timeouts(section: &mut Section<'_>, timeouts: &mut Timeouts, findings: &mut Findings) {
    let Timeouts { connect, banner, ehlo, mail, rcpt, data, dot, rset, idle, .. } = timeouts;
    for (key, timeout) in TIMEOUTS.into_iter().zip([connect, banner, ehlo, mail, rcpt, data, dot, rset, idle]) {
        match section.duration(key, findings) {
            Some(Duration::ZERO) => {
                let at = section.position(key).unwrap_or(section.at());
                findings.error(at, format!("{key}: with no time at all nothing can be sent"));
            }
            Some(written) => *timeout = written,
            None => {}
        }
    }
}

fn at_least_one(number: u64) -> Result<u32, String> {
    u32::try_from(number).ok().filter(|number| *number > 0).ok_or_else(|| format!("{number} is not 1 to {}", u32::MAX))
}

pub(super) fn port(number: u64) -> Result<u16, String> {
    let port = u16::try_from(number).ok().filter(|port| *port > 0);
    port.ok_or_else(|| format!("{number} is no port: expected 1 to 65535"))
}

#[cfg(test)]
mod tests {
    use tollgate_config::{Position, Table};

    use super::*;

    fn read(text: &str) -> (Paths, Vec<String>) {
        let mut findings = Findings::new("t.toml");
        let table = Table::parse_toml(text, &mut findings);
        let mut top = Section::new(&table, Position { line: 1, column: 1 }, "");
        let paths = paths(&mut top, &mut findings);
        top.finish(&mut findings);
        (paths, findings.into_sorted().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_destination_builds_on_the_default_and_the_longest_suffix_wins() {
        let text = "[egress.'*.Example.com']\nconnection_limit = 3\n[egress.'*.a.example.com']\nconnection_limit = 4\n\
                    [egress.'x.example.com']\nconnection_limit = 5\n[egress.default]\nconnection_limit = 2\nmax_ready = 9\n";
        let (paths, errors) = read(text);

        let domains = ["x.example.com", "y.a.example.com", "b.Example.COM.", "example.com"];
        let limits =
            domains.map(|domain| paths.limits_of(domain).map(|limits| (limits.connection_limit, limits.max_ready)));

        assert_eq!((limits, errors), ([Some((5, 9)), Some((4, 9)), Some((3, 9)), None], vec![]));
    }

    #[test]
    fn a_destination_may_have_a_port_and_all_have_the_same_patience() {
        let (paths, errors) = read(
            "[egress.default]\nsmtp_port = 2525\ndata_dot_timeout = '10m'\nidle_timeout = 30\n\
             [egress.'a.example']\nsmtp_port = 26\n[egress.'b.example']\nsmtp_port = 2525\n[egress.'c.example']\n",
        );

        let ports = ["a.example", "b.example", "c.example", "d.example"].map(|domain| paths.port_of(domain));

        let (dot, idle) = (Duration::from_secs(600), Duration::from_secs(30));
        let timeouts = Timeouts { dot, idle, ..Timeouts::default() };
        assert_eq!((ports, paths.timeouts, errors), ([Some(26), None, None, None], timeouts, vec![]));
    }

    #[test]
    fn every_bad_value_is_named_at_its_place() {
        let text = "[egress.default]\nconnection_limit = 0\nsmtp_port = 70000\nprohibited_hosts = ['x']\n\
                    connect_timeout = 0\n\
                    [egress.'a.example']\nmax_message_rate = '5/fortnight'\nsmtp_port = 0\nconection_limit = 3\n\
                    idle_timeout = '5s'\n";

        let (_, errors) = read(text);

        assert_eq!(
            errors,
            [
                "t.toml:2:1 connection_limit: 0 is not 1 to 4294967295",
                "t.toml:3:1 smtp_port: 70000 is no port: expected 1 to 65535",
                "t.toml:4:21 prohibited_hosts: 'x' is not a network such as '10.0.0.0/8'",
                "t.toml:5:1 connect_timeout: with no time at all nothing can be sent",
                "t.toml:7:1 max_message_rate: unknown period quantity 'fortnight' in 'fortnight'; there are s, m, h and d",
                "t.toml:8:1 smtp_port: 0 is no port: expected 1 to 65535",
                "t.toml:9:1 `conection_limit` is not an option of [egress.a.example]; did you mean `connection_limit`?",
                "t.toml:10:1 idle_timeout: stands in [egress.default], and holds for all destinations",
            ]
        );
    }
}
