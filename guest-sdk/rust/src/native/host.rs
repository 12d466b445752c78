//! The host's functions, over a host in memory: one for each thread, so that tests do not meet.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
};

use crate::{
    PolicyError,
    http::{Request, Response},
    log::Level,
};

use super::invalid;

thread_local! {
    static HOST: RefCell<Host> = RefCell::default();
}

/// A line: level, message, fields.
pub(crate) type Line = (Level, String, Vec<(String, String)>);

/// What the host has seen, and what it answers.
#[derive(Default)]
pub(crate) struct Host {
    pub(crate) now_ms: u64,
    pub(crate) lines: Vec<Line>,
    /// Value, since when, and for how long.
    counters: HashMap<String, (u64, u64, u64)>,
    /// Value, and until when.
    values: BTreeMap<String, (Vec<u8>, Option<u64>)>,
    metrics: BTreeMap<String, u64>,
    pub(crate) names: HashMap<(&'static str, String), Vec<String>>,
    pub(crate) responses: HashMap<String, Response>,
    pub(crate) requests: Vec<Request>,
}

/// Does something with this thread's host.
pub(crate) fn with<T>(use_it: impl FnOnce(&mut Host) -> T) -> T {
    HOST.with_borrow_mut(use_it)
}

fn key_of(key: &str, most: usize) -> Result<String, PolicyError> {
    if key.is_empty() || key.len() > most {
        return Err(invalid(&format!("a key is 1 to {most} octets")));
    }
    Ok(key.to_owned())
}

/// `log`.
pub mod log {
    use super::{Level, with};

    /// Writes a line.
    pub fn write(level: Level, message: &str, fields: &[(String, String)]) {
        with(|host| host.lines.push((level, message.to_owned(), fields.to_vec())));
    }
}

/// `clock`.
pub mod clock {
    /// Returns the wall-clock time in milliseconds since 1970-01-01T00:00:00Z.
    ///
    /// Traps while the plugin is configured: what is worked out there may be kept for longer than the time holds.
    ///
    /// In tests: returns the time that the test has set.
    ///
    /// ```
    /// tollgate_sdk::testing::advance(1000);
    /// assert!(tollgate_sdk::clock::now_ms() >= 1000);
    /// ```
    pub fn now_ms() -> u64 {
        super::with(|host| host.now_ms)
    }
}

/// `metrics`.
pub mod metrics {
    use super::{PolicyError, invalid, with};

    /// Declares a counter, while the plugin is configured; in an event one that is not declared already is `denied`. `name`: 1
    /// to 64 of `a` to `z`, `0` to `9` and `_`, a letter first. `help`: what it counts, 1 to 200 octets without control
    /// characters. There are 32 at the most: beyond that, `too-large`.
    ///
    /// ```
    /// use tollgate_sdk::metrics;
    ///
    /// metrics::declare("refused", "mail that shouts")?;
    /// assert!(metrics::declare("Refused!", "mail that shouts").is_err());
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn declare(name: &str, help: &str) -> Result<(), PolicyError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) || !name.as_bytes()[0].is_ascii_lowercase() {
            return Err(invalid("a counter's name is 1 to 64 of a to z, 0 to 9 and _, a letter first"));
        }
        if help.is_empty() || help.len() > 200 {
            return Err(invalid("a counter's help is 1 to 200 octets"));
        }
        with(|host| *host.metrics.entry(name.to_owned()).or_default() += 0);
        Ok(())
    }

    /// Adds to a counter, in an event. One that was not declared is `denied`. Traps while the plugin is configured.
    ///
    /// ```
    /// use tollgate_sdk::metrics;
    ///
    /// metrics::declare("refused", "mail that shouts")?;
    /// metrics::increment("refused", 1)?;
    /// assert!(metrics::increment("another", 1).is_err());
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn increment(name: &str, by: u64) -> Result<(), PolicyError> {
        with(|host| match host.metrics.get_mut(name) {
            Some(value) => {
                *value += by;
                Ok(())
            }
            None => Err(PolicyError::Denied(format!("'{name}' was not declared"))),
        })
    }
}

/// `counters`.
pub mod counters {
    use super::{Host, PolicyError, invalid, key_of, with};

    fn current(host: &Host, key: &str) -> Option<(u64, u64)> {
        let (value, since, window) = host.counters.get(key)?;
        (host.now_ms < since + window).then_some((*value, *since))
    }

    /// Adds to a counter and returns what it comes to. `key`: 1 to 256 octets. One that is not there begins now, and lasts for
    /// `window-ms`, 1 to 2592000000; after that it is as if it had never been. The window of one that is there stays as it is.
    ///
    /// ```
    /// use tollgate_sdk::counters;
    ///
    /// counters::increment("ann", 1, counters::HOUR_MS)?;
    /// assert_eq!(counters::increment("ann", 2, counters::HOUR_MS)?, 3);
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn increment(key: &str, by: u64, window_ms: u64) -> Result<u64, PolicyError> {
        let key = key_of(key, 256)?;
        if !(1..=2_592_000_000).contains(&window_ms) {
            return Err(invalid("a window is 1 to 2592000000 ms"));
        }
        with(|host| {
            let (value, since, window) = match current(host, &key) {
                Some((value, since)) => (value, since, host.counters[&key].2),
                None => (0, host.now_ms, window_ms),
            };
            host.counters.insert(key, (value.saturating_add(by), since, window));
            Ok(value.saturating_add(by))
        })
    }

    /// Returns what a counter comes to; 0 where there is none.
    ///
    /// ```
    /// assert_eq!(tollgate_sdk::counters::get("nobody")?, 0);
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn get(key: &str) -> Result<u64, PolicyError> {
        let key = key_of(key, 256)?;
        Ok(with(|host| current(host, &key).map_or(0, |(value, _)| value)))
    }

    /// Returns how many milliseconds ago a counter began; nothing where there is none.
    ///
    /// ```
    /// use tollgate_sdk::{counters, testing};
    ///
    /// counters::increment("ann", 1, counters::HOUR_MS)?;
    /// testing::advance(1000);
    /// assert_eq!(counters::age_ms("ann")?, Some(1000));
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn age_ms(key: &str) -> Result<Option<u64>, PolicyError> {
        let key = key_of(key, 256)?;
        Ok(with(|host| current(host, &key).map(|(_, since)| host.now_ms - since)))
    }

    /// Forgets a counter. Returns whether there was one.
    ///
    /// ```
    /// use tollgate_sdk::counters;
    ///
    /// counters::increment("ann", 1, counters::HOUR_MS)?;
    /// assert_eq!((counters::reset("ann")?, counters::reset("ann")?), (true, false));
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn reset(key: &str) -> Result<bool, PolicyError> {
        let key = key_of(key, 256)?;
        Ok(with(|host| {
            let was_there = current(host, &key).is_some();
            host.counters.remove(&key);
            was_there
        }))
    }
}

/// `kv`.
pub mod kv {
    use super::{PolicyError, key_of, with};

    /// Returns the value of a key, 1 to 512 octets; nothing where there is none, or its time is over.
    ///
    /// ```
    /// assert_eq!(tollgate_sdk::kv::get("nobody")?, None);
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn get(key: &str) -> Result<Option<Vec<u8>>, PolicyError> {
        let key = key_of(key, 512)?;
        Ok(with(|host| {
            let (value, until) = host.values.get(&key)?;
            until.is_none_or(|until| host.now_ms < until).then(|| value.clone())
        }))
    }

    /// Keeps a value of up to 65536 octets in place of what the key had; for `ttl-ms`, or for good where that is absent. One
    /// that the plugin's quota has no room for is `too-large`.
    ///
    /// ```
    /// use tollgate_sdk::{kv, testing};
    ///
    /// kv::set("ann", b"seen", Some(kv::DAY_MS))?;
    /// assert_eq!(kv::get("ann")?.as_deref(), Some(&b"seen"[..]));
    /// testing::advance(kv::DAY_MS);
    /// assert_eq!(kv::get("ann")?, None);
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn set(key: &str, value: &[u8], ttl_ms: Option<u64>) -> Result<(), PolicyError> {
        let key = key_of(key, 512)?;
        if value.len() > 65_536 {
            return Err(PolicyError::TooLarge(65_536));
        }
        with(|host| {
            let until = ttl_ms.map(|ttl| host.now_ms + ttl);
            host.values.insert(key, (value.to_vec(), until));
        });
        Ok(())
    }

    /// Forgets a value. Returns whether there was one.
    ///
    /// ```
    /// use tollgate_sdk::kv;
    ///
    /// kv::set("ann", b"seen", None)?;
    /// assert_eq!((kv::delete("ann")?, kv::delete("ann")?), (true, false));
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn delete(key: &str) -> Result<bool, PolicyError> {
        let was_there = get(key)?.is_some();
        with(|host| host.values.remove(key));
        Ok(was_there)
    }
}

/// `dns`.
pub mod dns {
    use super::{PolicyError, with};

    fn answer(kind: &'static str, name: &str) -> Result<Vec<String>, PolicyError> {
        let known = with(|host| host.names.get(&(kind, name.to_owned())).cloned());
        known.ok_or_else(|| PolicyError::Unavailable(format!("the test has no {kind} of {name}")))
    }

    /// Returns the addresses of a host, IPv4 before IPv6, 32 at the most.
    ///
    /// ```
    /// use tollgate_sdk::{dns, testing};
    ///
    /// testing::answer_dns("addresses", "mta.example", &["192.0.2.1"]);
    /// assert_eq!(dns::addresses("mta.example")?, ["192.0.2.1"]);
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn addresses(host: &str) -> Result<Vec<String>, PolicyError> {
        answer("addresses", host)
    }

    /// Returns the texts of a name (TXT), each record's strings joined, 64 at the most.
    ///
    /// ```
    /// use tollgate_sdk::{dns, testing};
    ///
    /// testing::answer_dns("texts", "client.example", &["v=spf1 -all"]);
    /// assert_eq!(dns::texts("client.example")?, ["v=spf1 -all"]);
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn texts(name: &str) -> Result<Vec<String>, PolicyError> {
        answer("texts", name)
    }

    /// Returns the hosts that take a domain's mail, in groups of equal preference, the best first: its mail exchangers, or
    /// itself where it has an address and none of them. Empty also where it takes no mail.
    ///
    /// In tests: returns the hosts that take a domain's mail, each in a group of its own.
    ///
    /// ```
    /// use tollgate_sdk::{dns, testing};
    ///
    /// testing::answer_dns("mail exchangers", "client.example", &["mx1.client.example", "mx2.client.example"]);
    /// assert_eq!(dns::mail_exchangers("client.example")?[0], ["mx1.client.example"]);
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn mail_exchangers(domain: &str) -> Result<Vec<Vec<String>>, PolicyError> {
        answer("mail exchangers", domain).map(|hosts| hosts.into_iter().map(|host| vec![host]).collect())
    }

    /// Returns the names that an address has by its owner's word (PTR), 64 at the most.
    ///
    /// ```
    /// use tollgate_sdk::{dns, testing};
    ///
    /// testing::answer_dns("names", "192.0.2.1", &["mta.example"]);
    /// assert_eq!(dns::names("192.0.2.1")?, ["mta.example"]);
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn names(address: &str) -> Result<Vec<String>, PolicyError> {
        answer("names", address)
    }
}

/// `http-client`.
pub mod http_client {
    use super::{PolicyError, Request, Response, with};

    /// Makes a request. Where nobody answers, `unavailable`; a response whose body is larger than the plugin's limit is
    /// `too-large`.
    ///
    /// In tests: makes a request: what the test has for the URL comes back.
    ///
    /// ```
    /// use tollgate_sdk::{http, testing};
    ///
    /// testing::answer_http("http://list.example/", 200, b"yes");
    /// assert_eq!(http::fetch(&http::get("http://list.example/"))?.status, 200);
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn fetch(request: &Request) -> Result<Response, PolicyError> {
        with(|host| {
            host.requests.push(request.clone());
            let known = host.responses.get(&request.url).cloned();
            known.ok_or_else(|| PolicyError::Unavailable(format!("the test has no answer for {}", request.url)))
        })
    }
}
