//! `[source.NAME]` and `[pool.NAME.SOURCE]`, and with them how mail leaves.

use std::{collections::BTreeMap, net::IpAddr};

use tollgate_config::{Findings, Section, nearest};

use super::path::{Paths, paths, port};

/// How mail leaves.
#[derive(Clone, Debug)]
pub(crate) struct Egress {
    pub(crate) sources: BTreeMap<String, SourceConfig>,
    /// Sources and weights of each pool, the built-in pool `unspecified` included.
    pub(crate) pools: BTreeMap<String, Vec<(String, u32)>>,
    /// What holds on the way to destinations.
    pub(crate) paths: Paths,
}

/// Where we send from.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct SourceConfig {
    /// The address to bind; the system chooses where there is none.
    pub(crate) source_address: Option<IpAddr>,
    /// Our name in EHLO; the first listener's where there is none.
    pub(crate) ehlo_domain: Option<String>,
    /// The port that it connects to, whatever a next hop or its destination says.
    pub(crate) remote_port: Option<u16>,
}

/// The pool, and its one source, for queues that name no pool.
pub(crate) const UNSPECIFIED: &str = "unspecified";

pub(super) fn egress(top: &mut Section<'_>, findings: &mut Findings) -> Egress {
    let mut sources: BTreeMap<String, SourceConfig> =
        BTreeMap::from([(UNSPECIFIED.to_owned(), SourceConfig::default())]);
    for (name, section) in top.named("source", findings) {
        sources.insert(name.to_owned(), source(section, findings));
    }
    let mut pools = BTreeMap::from([(UNSPECIFIED.to_owned(), vec![(UNSPECIFIED.to_owned(), 1)])]);
    for (name, section) in top.named("pool", findings) {
        pools.insert(name.to_owned(), pool(name, &section, &sources, findings));
    }
    Egress { sources, pools, paths: paths(top, findings) }
}

fn source(mut section: Section<'_>, findings: &mut Findings) -> SourceConfig {
    let source_address = section
        .parsed("source_address", findings, |text| text.parse().map_err(|_| format!("'{text}' is not an IP address")));
    let ehlo_domain = section.text("ehlo_domain", findings);
    let remote_port = section.parsed_number("remote_port", findings, port);
    section.finish(findings);
    SourceConfig { source_address, ehlo_domain, remote_port }
}

fn pool(
    name: &str,
    section: &Section<'_>,
    sources: &BTreeMap<String, SourceConfig>,
    findings: &mut Findings,
) -> Vec<(String, u32)> {
    let mut members = Vec::new();
    for (source, mut member) in section.all_named(findings) {
        if !sources.contains_key(source) {
            let hint = nearest(source, sources.keys().map(String::as_str));
            let hint = hint.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            let text = format!(
                "pool '{name}' references source '{source}', which is not defined as [source.'{source}']{hint}"
            );
            findings.error(member.at(), text);
        }
        let weight = member.number("weight", findings).unwrap_or(1);
        member.finish(findings);
        members.push((source.to_owned(), u32::try_from(weight).unwrap_or(u32::MAX)));
    }
    if members.is_empty() {
        findings.warning(section.at(), format!("pool '{name}' has no source; mail of its queues waits"));
    }
    members
}
