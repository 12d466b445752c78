//! `[egress.default]` and `[egress.'DESTINATION']`: what holds on the way to a destination.
//!
//! A destination is a domain or a wildcard (`*.example.com`), compared as A-labels; the longest suffix wins. A key that is
//! the name of a site instead holds for all mail to those hosts for which no domain says otherwise. What a destination
//! leaves out is as in `[egress.default]`. Names and meanings are those of KumoMTA's paths.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use ipnet::IpNet;
use tollgate_config::{Findings, Section, Value};
use tollgate_message::domain;
use tollgate_outbound::Timeouts;
use tollgate_queue::{Limits, Rate, Shared};

use super::listen::network;
use crate::settings;

/// What holds on the way to destinations.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Paths {
    /// What holds where no destination says otherwise.
    pub(crate) default: Path,
    by_destination: BTreeMap<String, Path>,
    /// Where mail exchangers must not be, unless an `mx_list` or an address literal names them.
    pub(crate) prohibited_hosts: Vec<IpNet>,
}

/// What holds on the way to one destination.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Path {
    /// Limits of each source at each site.
    pub(crate) limits: Limits,
    pub(crate) manner: Manner,
}

/// How mail is passed to a next hop.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Manner {
    /// Port of next hops that name none.
    pub(crate) smtp_port: u16,
    /// Patience with next hops.
    pub(crate) timeouts: Timeouts,
    /// Most recipients of a message in one transaction; at least one.
    pub(crate) max_recipients_per_batch: usize,
    /// Under what the destination is summed up in records, where the queue has no name for that.
    pub(crate) provider_name: Option<String>,
}

impl Default for Manner {
    /// Returns port 25, the time-outs of RFC 5321, and 100 recipients, which every server has to take (§4.5.3.1.8).
    fn default() -> Self {
        Self { smtp_port: 25, timeouts: Timeouts::default(), max_recipients_per_batch: 100, provider_name: None }
    }
}

impl Default for Paths {
    fn default() -> Self {
        let prohibited = ["127.0.0.0/8", "::1/128", "0.0.0.0/8", "::/128"].map(|net| net.parse().expect("a network"));
        Self { default: Path::default(), by_destination: BTreeMap::new(), prohibited_hosts: prohibited.to_vec() }
    }
}

impl Paths {
    /// Returns the limits that are written for a domain, or a wildcard over it.
    pub(crate) fn limits_of(&self, domain: &str) -> Option<Limits> {
        self.entry(domain).map(|(_, path)| path.limits.clone())
    }

    /// Returns the port that is written for next hops of a domain which name none, where it is another than everybody's.
    pub(crate) fn port_of(&self, domain: &str) -> Option<u16> {
        self.entry(domain).map(|(_, path)| path.manner.smtp_port).filter(|port| *port != self.default.manner.smtp_port)
    }

    /// Returns what holds for a domain whose mail goes to this site, and the key under which that is written; none for
    /// what holds everywhere.
    pub(crate) fn holding(&self, domain: &str, site: Option<&str>) -> (Option<&str>, &Path) {
        let of_site = || self.by_destination.get_key_value(site?).map(|(key, path)| (key.as_str(), path));
        match self.entry(domain).or_else(of_site) {
            Some((key, path)) => (Some(key), path),
            None => (None, &self.default),
        }
    }

    /// Returns whether anything is written for single destinations.
    pub(crate) fn has_destinations(&self) -> bool {
        !self.by_destination.is_empty()
    }

    fn entry(&self, domain: &str) -> Option<(&str, &Path)> {
        let domain = domain::normalize(domain);
        let suffixes = domain.match_indices('.').map(|(dot, _)| format!("*{}", &domain[dot..]));
        let mut keys = [domain.clone()].into_iter().chain(suffixes).chain(["*".to_owned()]);
        keys.find_map(|key| self.by_destination.get_key_value(&key)).map(|(key, path)| (key.as_str(), path))
    }

    /// Returns the limits by the names of sites.
    pub(crate) fn site_limits(&self) -> HashMap<String, Limits> {
        self.by_destination.iter().map(|(name, path)| (name.clone(), path.limits.clone())).collect()
    }
}

pub(super) fn paths(top: &mut Section<'_>, findings: &mut Findings) -> Paths {
    let mut paths = Paths::default();
    let sections = top.named("egress", findings);
    // First, wherever it stands: the others build on it.
    let (default, others): (Vec<_>, Vec<_>) = sections.into_iter().partition(|(name, _)| *name == "default");
    for (_, mut section) in default {
        paths.default = path(&mut section, &paths.default, findings);
        paths.prohibited_hosts = section.list("prohibited_hosts", findings, network).unwrap_or(paths.prohibited_hosts);
        section.finish(findings);
    }
    for (name, mut section) in others {
        if let Some(entry) = section.entry("prohibited_hosts") {
            let message = "prohibited_hosts: stands in [egress.default], and holds for all destinations";
            findings.error(entry.at, message);
        }
        let twin = paths.by_destination.insert(domain::normalize(name), path(&mut section, &paths.default, findings));
        if twin.is_some() {
            findings.error(section.at(), format!("a second section for the destination '{}'", domain::normalize(name)));
        }
        section.finish(findings);
    }
    paths
}

/// Reads what holds for a destination; what is left out is as in `base`.
fn path(section: &mut Section<'_>, base: &Path, findings: &mut Findings) -> Path {
    Path { limits: limits(section, &base.limits, findings), manner: manner(section, &base.manner, findings) }
}

fn manner(section: &mut Section<'_>, base: &Manner, findings: &mut Findings) -> Manner {
    let most = section.parsed_number("max_recipients_per_batch", findings, at_least_one);
    Manner {
        smtp_port: section.parsed_number("smtp_port", findings, port).unwrap_or(base.smtp_port),
        timeouts: timeouts(section, &base.timeouts, findings),
        max_recipients_per_batch: most.map_or(base.max_recipients_per_batch, |most| most as usize),
        provider_name: section.text("provider_name", findings).or_else(|| base.provider_name.clone()),
    }
}

fn limits(section: &mut Section<'_>, base: &Limits, findings: &mut Findings) -> Limits {
    let shared = shared(section, &base.shared, findings);
    let mut whole = |key, base| section.parsed_number(key, findings, at_least_one).unwrap_or(base);
    let limits = Limits {
        connection_limit: whole("connection_limit", base.connection_limit),
        max_deliveries_per_connection: whole("max_deliveries_per_connection", base.max_deliveries_per_connection),
        max_ready: whole("max_ready", base.max_ready),
        consecutive_connection_failures_before_delay: whole(
            "consecutive_connection_failures_before_delay",
            base.consecutive_connection_failures_before_delay,
        ),
        shared: Arc::new(shared),
        ..base.clone()
    };
    let mut rate = |key| section.parsed(key, findings, engine_rate);
    Limits {
        max_message_rate: rate("max_message_rate").or(base.max_message_rate),
        max_connection_rate: rate("max_connection_rate").or(base.max_connection_rate),
        source_selection_rate: rate("source_selection_rate").or(base.source_selection_rate),
        ..limits
    }
}

/// Reads the limits that go by names.
fn shared(section: &mut Section<'_>, base: &Shared, findings: &mut Findings) -> Shared {
    let connections = section.map("additional_connection_limits", findings, |value| match value {
        Value::Integer(number) => at_least_one(u64::try_from(*number).map_err(|_| format!("{number} is negative"))?),
        other => Err(format!("expected a whole number, got {}", other.kind())),
    });
    let rate = |value: &Value| match value {
        Value::String(text) => engine_rate(text),
        other => Err(format!("expected a rate such as '100/s', got {}", other.kind())),
    };
    let messages = section.map("additional_message_rate_throttles", findings, rate);
    let selections = section.map("additional_source_selection_rates", findings, rate);
    Shared {
        connection_limits: connections.map_or_else(|| base.connection_limits.clone(), named),
        message_rates: messages.map_or_else(|| base.message_rates.clone(), named),
        selection_rates: selections.map_or_else(|| base.selection_rates.clone(), named),
    }
}

fn named<T>(values: Vec<(&str, T)>) -> Vec<(Arc<str>, T)> {
    values.into_iter().map(|(name, value)| (Arc::from(name), value)).collect()
}

fn engine_rate(text: &str) -> Result<Rate, String> {
    text.parse().map(settings::rate)
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

fn timeouts(section: &mut Section<'_>, base: &Timeouts, findings: &mut Findings) -> Timeouts {
    let mut timeouts = *base;
    let Timeouts { connect, banner, ehlo, mail, rcpt, data, dot, rset, idle, .. } = &mut timeouts;
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
    timeouts
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
    fn a_destination_may_have_a_port_and_patience_of_its_own() {
        let (paths, errors) = read(
            "[egress.default]\nsmtp_port = 2525\ndata_dot_timeout = '10m'\nidle_timeout = 30\n\
             [egress.'a.example']\nsmtp_port = 26\nidle_timeout = '1s'\n[egress.'b.example']\nsmtp_port = 2525\n\
             [egress.'c.example']\n",
        );

        let ports = ["a.example", "b.example", "c.example", "d.example"].map(|domain| paths.port_of(domain));
        let patience = ["a.example", "d.example"].map(|domain| paths.holding(domain, None).1.manner.timeouts);

        let (dot, second, half) = (Duration::from_secs(600), Duration::from_secs(1), Duration::from_secs(30));
        let patient = |idle| Timeouts { dot, idle, ..Timeouts::default() };
        assert_eq!((ports, patience, errors), ([Some(26), None, None, None], [patient(second), patient(half)], vec![]));
    }

    #[test]
    fn limits_that_go_by_a_name_are_replaced_whole_and_kept_where_a_destination_has_none() {
        let (paths, errors) = read(
            "[egress.default.additional_message_rate_throttles]\nall = '10/s'\nnight = '1/s'\n\
             [egress.'a.example']\nadditional_connection_limits = {google = 7}\nprovider_name = 'a'\n\
             max_recipients_per_batch = 5\nconsecutive_connection_failures_before_delay = 3\n\
             source_selection_rate = '5/s'\n\
             [egress.'b.example']\nadditional_message_rate_throttles = {own = '2/s'}\n",
        );

        let told = ["a.example", "b.example"].map(|domain| {
            let Path { limits, manner } = paths.holding(domain, None).1;
            let names = |rates: &[(Arc<str>, Rate)]| rates.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>();
            (
                names(&limits.shared.message_rates).join(" "),
                limits.shared.connection_limits.clone(),
                limits.consecutive_connection_failures_before_delay,
                limits.source_selection_rate.map(|rate| rate.limit),
                (manner.max_recipients_per_batch, manner.provider_name.clone()),
            )
        });

        let a = ("all night".to_owned(), vec![(Arc::from("google"), 7)], 3, Some(5), (5, Some("a".to_owned())));
        let b = ("own".to_owned(), vec![], 1, None, (100, None));
        assert_eq!((told, errors), ([a, b], vec![]));
    }

    #[test]
    fn every_bad_value_is_named_at_its_place() {
        let text = "[egress.default]\nconnection_limit = 0\nsmtp_port = 70000\nprohibited_hosts = ['x']\n\
                    connect_timeout = 0\n\
                    [egress.'a.example']\nmax_message_rate = '5/fortnight'\nsmtp_port = 0\nconection_limit = 3\n\
                    prohibited_hosts = []\nadditional_connection_limits = {a = 0, b = 'x'}\n\
                    additional_message_rate_throttles = 5\n";

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
                "t.toml:10:1 prohibited_hosts: stands in [egress.default], and holds for all destinations",
                "t.toml:11:33 additional_connection_limits.a: 0 is not 1 to 4294967295",
                "t.toml:11:40 additional_connection_limits.b: expected a whole number, got text",
                "t.toml:12:1 additional_message_rate_throttles: expected a table, got a number",
            ]
        );
    }
}
