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
    /// Returns the time that the test has set.
    pub fn now_ms() -> u64 {
        super::with(|host| host.now_ms)
    }
}

/// `metrics`.
pub mod metrics {
    use super::{PolicyError, invalid, with};

    /// Declares a counter.
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

    /// Adds to a counter.
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

    /// Adds to a counter.
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

    /// Returns what a counter comes to.
    pub fn get(key: &str) -> Result<u64, PolicyError> {
        let key = key_of(key, 256)?;
        Ok(with(|host| current(host, &key).map_or(0, |(value, _)| value)))
    }

    /// Returns how long ago a counter began.
    pub fn age_ms(key: &str) -> Result<Option<u64>, PolicyError> {
        let key = key_of(key, 256)?;
        Ok(with(|host| current(host, &key).map(|(_, since)| host.now_ms - since)))
    }

    /// Forgets a counter.
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

    /// Returns a value.
    pub fn get(key: &str) -> Result<Option<Vec<u8>>, PolicyError> {
        let key = key_of(key, 512)?;
        Ok(with(|host| {
            let (value, until) = host.values.get(&key)?;
            until.is_none_or(|until| host.now_ms < until).then(|| value.clone())
        }))
    }

    /// Keeps a value.
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

    /// Forgets a value.
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

    /// Returns the addresses of a host.
    pub fn addresses(host: &str) -> Result<Vec<String>, PolicyError> {
        answer("addresses", host)
    }

    /// Returns the texts of a name.
    pub fn texts(name: &str) -> Result<Vec<String>, PolicyError> {
        answer("texts", name)
    }

    /// Returns the hosts that take a domain's mail, each in a group of its own.
    pub fn mail_exchangers(domain: &str) -> Result<Vec<Vec<String>>, PolicyError> {
        answer("mail exchangers", domain).map(|hosts| hosts.into_iter().map(|host| vec![host]).collect())
    }

    /// Returns the names of an address.
    pub fn names(address: &str) -> Result<Vec<String>, PolicyError> {
        answer("names", address)
    }
}

/// `http-client`.
pub mod http_client {
    use super::{PolicyError, Request, Response, with};

    /// Makes a request: what the test has for the URL comes back.
    pub fn fetch(request: &Request) -> Result<Response, PolicyError> {
        with(|host| {
            host.requests.push(request.clone());
            let known = host.responses.get(&request.url).cloned();
            known.ok_or_else(|| PolicyError::Unavailable(format!("the test has no answer for {}", request.url)))
        })
    }
}
