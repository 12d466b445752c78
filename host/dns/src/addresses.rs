//! Addresses of a host: what was answered for either family comes in, one list goes out. Nothing is asked here.
//!
//! One family's failure does not matter while the other has an address. What an address may be used for (loopback,
//! private networks) is the sender's business.

use std::net::IpAddr;
use std::time::Duration;

use hickory_resolver::proto::rr::Record;
use tokio::time::Instant;

use crate::error::LookupError;
use crate::settings::Settings;
use crate::upstream::Answer;

/// More addresses than this are not kept: nobody tries so many, and the host's owner decides how many there are.
const MAX_ADDRESSES: usize = 32;

/// The addresses of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// IPv4 before IPv6, each in the order of the answer, none twice; never empty. IPv4 comes first since more of the
    /// world's mail goes that way, so it is the one that works.
    pub addresses: Vec<IpAddr>,
    /// When the name servers would have to be asked again. A look-up does so by itself.
    pub valid_until: Instant,
}

/// Puts the answers for both families together, and says for how long the outcome holds.
pub(crate) fn join(
    host: &str,
    answers: [Result<Answer, String>; 2],
    settings: &Settings,
) -> (Result<Vec<IpAddr>, LookupError>, Duration) {
    let mut addresses = Vec::new();
    let (mut positive, mut negative) = (Duration::MAX, Duration::MAX);
    let mut causes = Vec::new();
    for answer in answers {
        match answer {
            Ok(Answer::Records { records, ttl }) => {
                addresses.extend(records.iter().filter_map(address));
                positive = positive.min(settings.positive(ttl));
            }
            Ok(Answer::NoRecords(ttl) | Answer::NoSuchName(ttl)) => negative = negative.min(settings.negative(ttl)),
            Err(cause) => causes.push(cause),
        }
    }
    let name = host.to_owned();
    if !addresses.is_empty() {
        return (Ok(distinct(addresses)), positive);
    }
    if causes.is_empty() {
        return (Err(LookupError::NoAddress { name }), negative);
    }
    causes.dedup();
    (Err(LookupError::Unanswered { name, cause: causes.join("; ") }), settings.failure_ttl)
}

fn address(record: &Record) -> Option<IpAddr> {
    record.data.ip_addr()
}

fn distinct(addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let mut distinct = Vec::new();
    for address in addresses {
        if distinct.len() < MAX_ADDRESSES && !distinct.contains(&address) {
            distinct.push(address);
        }
    }
    distinct
}
