//! How mail leaves.

use std::{cell::RefCell, collections::BTreeMap, net::IpAddr};

use crate::{PolicyError, Rate};

use super::{invalid, settings};

/// Returns a time to live, or what is wrong with it.
fn ttl(ms: u64) -> Result<u64, PolicyError> {
    if ms < 1000 { Err(invalid("an answer holds for at least 1000 ms")) } else { Ok(ms) }
}

/// A pool; [`crate::testing::sources`] reads it.
#[derive(Debug, Default)]
pub struct EgressPool(pub(crate) RefCell<Vec<(String, u32)>>);

/// A source; [`crate::testing::source`] reads it.
#[derive(Debug, Default)]
pub struct EgressSource(pub(crate) RefCell<(Option<IpAddr>, Option<String>)>);

/// What holds on a path; [`crate::testing::path`] reads it.
#[derive(Debug, Default)]
pub struct EgressPath(pub(crate) RefCell<BTreeMap<String, String>>);

#[allow(missing_docs, reason = "wit/v0.1/host.wit documents every one of these")]
impl EgressPool {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn add_source(&self, name: &str, weight: u32) -> Result<(), PolicyError> {
        let mut sources = self.0.borrow_mut();
        if name.is_empty() || name.len() > 255 || name.chars().any(char::is_control) {
            return Err(invalid("a source's name is 1 to 255 octets of printable text"));
        }
        if sources.iter().any(|(known, _)| known == name) {
            return Err(invalid(&format!("the source '{name}' is in the pool already")));
        }
        sources.push((name.to_owned(), weight));
        Ok(())
    }

    pub fn set_ttl(&self, ms: u64) -> Result<(), PolicyError> {
        ttl(ms).map(drop)
    }
}

#[allow(missing_docs, reason = "wit/v0.1/host.wit documents every one of these")]
impl EgressSource {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn set_source_address(&self, address: &str) -> Result<(), PolicyError> {
        let address = address.parse().map_err(|_| invalid(&format!("'{address}' is no address")))?;
        self.0.borrow_mut().0 = Some(address);
        Ok(())
    }

    pub fn set_ehlo_domain(&self, domain: &str) -> Result<(), PolicyError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-._[]:".contains(c);
        if domain.is_empty() || domain.len() > 255 || !domain.chars().all(fits) {
            return Err(invalid(&format!("'{domain}' is no name for EHLO")));
        }
        self.0.borrow_mut().1 = Some(domain.to_owned());
        Ok(())
    }

    pub fn set_ttl(&self, ms: u64) -> Result<(), PolicyError> {
        ttl(ms).map(drop)
    }
}

impl EgressPath {
    fn count(&self, name: &str, count: u32) -> Result<(), PolicyError> {
        if count == 0 {
            return Err(invalid(&format!("{name} is at least 1")));
        }
        self.0.borrow_mut().insert(name.to_owned(), count.to_string());
        Ok(())
    }

    fn rate(&self, name: &str, rate: Rate) -> Result<(), PolicyError> {
        let rate = settings::rate(rate)?;
        self.0.borrow_mut().insert(name.to_owned(), rate.to_string());
        Ok(())
    }
}

#[allow(missing_docs, reason = "wit/v0.1/host.wit documents every one of these")]
impl EgressPath {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn set_connection_limit(&self, limit: u32, _origin: Option<&str>) -> Result<(), PolicyError> {
        self.count("connection_limit", limit)
    }

    pub fn set_max_deliveries_per_connection(&self, most: u32, _origin: Option<&str>) -> Result<(), PolicyError> {
        self.count("max_deliveries_per_connection", most)
    }

    pub fn set_max_ready(&self, most: u32, _origin: Option<&str>) -> Result<(), PolicyError> {
        self.count("max_ready", most)
    }

    pub fn set_max_message_rate(&self, rate: Rate, _origin: Option<&str>) -> Result<(), PolicyError> {
        self.rate("max_message_rate", rate)
    }

    pub fn set_max_connection_rate(&self, rate: Rate, _origin: Option<&str>) -> Result<(), PolicyError> {
        self.rate("max_connection_rate", rate)
    }

    pub fn set_ttl(&self, ms: u64) -> Result<(), PolicyError> {
        ttl(ms).map(drop)
    }

    pub fn clear(&self, name: &str, _origin: Option<&str>) -> Result<(), PolicyError> {
        self.0.borrow_mut().remove(name);
        Ok(())
    }

    pub fn get(&self, name: &str) -> Option<String> {
        self.0.borrow().get(name).cloned()
    }
}
