//! Mail exchangers: MX records in, hosts in groups of equal preference out. Nothing is asked here.
//!
//! What is no host name is left out: it could not be looked up anyhow. A host that is named twice counts once, where it
//! is preferred most.
//!
//! Rules: RFC 5321 §5.1 (preference, random order among equals), RFC 7505 §3 (null MX).

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use crate::error::LookupError;
use crate::name::host_name;
use crate::site::site_name;

/// More hosts than this are not kept: nobody tries so many, and a domain's owner decides how many there are.
const MAX_HOSTS: usize = 100;

/// More names than this do not help anybody who reads an error.
const SHOWN_HOSTS: usize = 3;

/// The hosts that take a domain's mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchangers {
    /// The name of the set of hosts; see [`site_name`](crate::site_name).
    pub site_name: String,
    /// Hosts in groups of equal preference, the most preferred group first; sorted within a group. Lower-case A-labels
    /// without a dot behind them. Neither the list nor a group is empty.
    pub preferences: Vec<Vec<String>>,
    /// When the name servers would have to be asked again. A look-up does so by itself.
    pub valid_until: Instant,
}

/// What one MX record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MxRecord {
    /// Lower is tried earlier.
    pub(crate) preference: u16,
    /// As text, with or without a dot behind it; the root is `.`.
    pub(crate) host: String,
}

impl Exchangers {
    /// Makes exchangers of groups of hosts, none of them empty.
    pub(crate) fn new(preferences: Vec<Vec<String>>, valid_until: Instant) -> Exchangers {
        Exchangers { site_name: site_name(preferences.iter().flatten()), preferences, valid_until }
    }
}

/// Returns all hosts in the order in which to try them: by preference, and at random among equals.
///
/// `preferences`: as in [`Exchangers`]. `below`: returns a random number from 0 to one less than its argument, which is
/// never 0; every number as likely. The same numbers give the same order.
///
/// # Source
/// RFC 5321 §5.1: "the sender-SMTP MUST randomize them to spread the load".
pub fn ordered(preferences: &[Vec<String>], mut below: impl FnMut(usize) -> usize) -> Vec<&str> {
    let mut hosts: Vec<&str> = Vec::new();
    for group in preferences {
        let start = hosts.len();
        hosts.extend(group.iter().map(String::as_str));
        shuffle(&mut hosts[start..], &mut below);
    }
    hosts
}

/// Shuffles so that every order is as likely, by drawing each place's element from those not yet placed.
fn shuffle(hosts: &mut [&str], below: &mut impl FnMut(usize) -> usize) {
    for last in (1..hosts.len()).rev() {
        // A source that does not keep its word makes the order uneven, and nothing worse.
        hosts.swap(last, below(last + 1).min(last));
    }
}

/// Returns the hosts that MX records name, in groups.
///
/// `records`: not empty.
///
/// # Errors
/// [`LookupError::NullMx`] if the root is all that they name; [`LookupError::NoUsableExchanger`] if no name is a host's.
pub(crate) fn group(domain: &str, records: &[MxRecord]) -> Result<Vec<Vec<String>>, LookupError> {
    let named: Vec<&MxRecord> = records.iter().filter(|record| record.host != ".").collect();
    if named.is_empty() {
        return Err(LookupError::NullMx { name: domain.to_owned() });
    }
    let usable = named.iter().filter_map(|record| Some((record.preference, host_name(&record.host)?)));
    let mut by_preference: Vec<(u16, String)> = usable.collect();
    by_preference.sort();
    let mut seen = BTreeSet::new();
    by_preference.retain(|(_, host)| seen.insert(host.clone()));
    by_preference.truncate(MAX_HOSTS);
    if by_preference.is_empty() {
        let hosts = named.iter().take(SHOWN_HOSTS).map(|record| record.host.clone()).collect();
        return Err(LookupError::NoUsableExchanger { name: domain.to_owned(), hosts });
    }
    let mut groups: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    for (preference, host) in by_preference {
        groups.entry(preference).or_default().push(host);
    }
    Ok(groups.into_values().collect())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tokio::time::Instant;

    use super::{Exchangers, LookupError, MAX_HOSTS, MxRecord, group, ordered};

    fn records(records: &[(u16, &str)]) -> Vec<MxRecord> {
        records.iter().map(|&(preference, host)| MxRecord { preference, host: host.to_owned() }).collect()
    }

    fn exchangers(groups: &[&[&str]]) -> Exchangers {
        let groups = groups.iter().map(|group| group.iter().map(|&host| host.to_owned()).collect()).collect();
        Exchangers::new(groups, Instant::now())
    }

    #[test]
    fn hosts_are_grouped_by_preference_and_sorted() {
        let records =
            records(&[(20, "c.example."), (10, "B.example."), (20, "."), (10, "a.example."), (5, "d.example.")]);

        let groups = group("example", &records).unwrap();

        assert_eq!(groups, [vec!["d.example"], vec!["a.example", "b.example"], vec!["c.example"]]);
    }

    #[test]
    fn a_host_named_twice_counts_where_it_is_preferred_most() {
        let groups = group("example", &records(&[(20, "a.example."), (10, "A.example."), (20, "b.example.")])).unwrap();

        assert_eq!(groups, [["a.example"], ["b.example"]]);
    }

    #[test]
    fn what_is_no_host_name_is_left_out() {
        let groups = group("example", &records(&[(1, "192.0.2.1."), (2, "a b.example."), (3, "mx.example.")])).unwrap();

        assert_eq!(groups, [["mx.example"]]);
    }

    #[test]
    fn the_root_alone_is_a_null_mx() {
        let outcome = group("example", &records(&[(0, ".")]));

        assert_eq!(outcome, Err(LookupError::NullMx { name: "example".into() }));
    }

    #[test]
    fn if_no_name_is_a_hosts_the_error_shows_some() {
        let outcome = group("example", &records(&[(1, "192.0.2.1."), (2, "."), (3, "::1.")]));

        let hosts = vec!["192.0.2.1.".into(), "::1.".into()];
        assert_eq!(outcome, Err(LookupError::NoUsableExchanger { name: "example".into(), hosts }));
    }

    #[test]
    fn of_very_many_hosts_the_preferred_are_kept() {
        let many: Vec<MxRecord> = (0..500_u16)
            .rev()
            .map(|number| MxRecord { preference: number, host: format!("mx{number}.example.") })
            .collect();

        let groups = group("example", &many).unwrap();

        let expected: Vec<Vec<String>> = (0..MAX_HOSTS).map(|number| vec![format!("mx{number}.example")]).collect();
        assert_eq!(groups, expected);
    }

    #[test]
    fn preference_goes_before_chance() {
        let exchangers = exchangers(&[&["a", "b"], &["c"], &["d", "e"]]);

        let orders = [0, 1].map(|number| ordered(&exchangers.preferences, |_| number));

        assert_eq!(orders, [["b", "a", "c", "e", "d"], ["a", "b", "c", "d", "e"]]);
    }

    #[test]
    fn every_order_of_equals_is_as_likely() {
        let exchangers = exchangers(&[&["a", "b", "c"]]);
        let mut state = 1_u64;
        let mut below = |limit: usize| {
            // A linear congruential generator with Knuth's constants; its upper bits are even enough for this.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) % limit as u64) as usize
        };

        let mut orders: HashMap<Vec<&str>, u32> = HashMap::new();
        for _ in 0..6000 {
            *orders.entry(ordered(&exchangers.preferences, &mut below)).or_default() += 1;
        }

        // A thousand are expected of each; five standard deviations are 144.
        let even = orders.values().all(|&times| (850..1150).contains(&times));
        assert!(orders.len() == 6 && even, "{orders:?}");
    }

    #[test]
    fn a_source_of_chance_that_breaks_its_word_loses_no_host() {
        let exchangers = exchangers(&[&["a", "b", "c"]]);

        let mut hosts = ordered(&exchangers.preferences, |_| usize::MAX);

        hosts.sort_unstable();
        assert_eq!(hosts, ["a", "b", "c"]);
    }
}
