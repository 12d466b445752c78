//! How mail leaves.

use std::{cell::RefCell, collections::BTreeMap, net::IpAddr};

use crate::{PolicyError, Rate};

use super::{invalid, settings};

/// Returns a time to live, or what is wrong with it.
fn ttl(ms: u64) -> Result<u64, PolicyError> {
    if ms < 1000 { Err(invalid("an answer holds for at least 1000 ms")) } else { Ok(ms) }
}

/// A pool; [`crate::testing::sources`] reads it.
///
/// ```
/// let pool = tollgate_sdk::EgressPool::new();
/// pool.add_source("ip-1", 1)?;
/// # Ok::<(), tollgate_sdk::PolicyError>(())
/// ```
#[derive(Debug, Default)]
pub struct EgressPool(pub(crate) RefCell<Vec<(String, u32)>>);

/// A source; [`crate::testing::source`] reads it.
///
/// ```
/// let source = tollgate_sdk::EgressSource::new();
/// source.set_source_address("192.0.2.1")?;
/// # Ok::<(), tollgate_sdk::PolicyError>(())
/// ```
#[derive(Debug, Default)]
pub struct EgressSource(pub(crate) RefCell<(Option<IpAddr>, Option<String>)>);

/// What holds on a path; [`crate::testing::path`] reads it.
///
/// ```
/// let path = tollgate_sdk::EgressPath::new();
/// path.set_connection_limit(10, None)?;
/// # Ok::<(), tollgate_sdk::PolicyError>(())
/// ```
#[derive(Debug, Default)]
pub struct EgressPath(pub(crate) RefCell<BTreeMap<String, String>>);

impl EgressPool {
    /// Returns a pool without a source; mail of its queues waits.
    ///
    /// ```
    /// let pool = tollgate_sdk::EgressPool::new();
    /// assert!(tollgate_sdk::testing::sources(&pool).is_empty());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a source by its name, at most 255 octets of printable text; 256 sources at most. Of the pool's mail to a site it
    /// gets `weight` parts; with a weight of 0, none. A source stands in a pool once.
    ///
    /// ```
    /// # let pool = tollgate_sdk::EgressPool::new();
    /// pool.add_source("ip-1", 2)?;
    /// assert_eq!(tollgate_sdk::testing::sources(&pool), [("ip-1".to_owned(), 2)]);
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
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

    /// Sets for how many milliseconds the answer holds, at least 1000; 60000 where nothing is set. A new configuration
    /// ends it at once.
    ///
    /// ```
    /// # let pool = tollgate_sdk::EgressPool::new();
    /// pool.set_ttl(60_000)?;
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn set_ttl(&self, ms: u64) -> Result<(), PolicyError> {
        ttl(ms).map(drop)
    }
}

impl EgressSource {
    /// Returns a source whose address the system chooses, and whose name is the host's.
    ///
    /// ```
    /// let source = tollgate_sdk::EgressSource::new();
    /// assert_eq!(tollgate_sdk::testing::source(&source), (None, None));
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the address to send from, IPv4 or IPv6 in their usual text.
    ///
    /// ```
    /// # let source = tollgate_sdk::EgressSource::new();
    /// source.set_source_address("192.0.2.1")?;
    /// assert!(source.set_source_address("nowhere").is_err());
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn set_source_address(&self, address: &str) -> Result<(), PolicyError> {
        let address = address.parse().map_err(|_| invalid(&format!("'{address}' is no address")))?;
        self.0.borrow_mut().0 = Some(address);
        Ok(())
    }

    /// Sets our name in EHLO: a domain name, or an address literal.
    ///
    /// ```
    /// # let source = tollgate_sdk::EgressSource::new();
    /// source.set_ehlo_domain("out.mta.example")?;
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn set_ehlo_domain(&self, domain: &str) -> Result<(), PolicyError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-._[]:".contains(c);
        if domain.is_empty() || domain.len() > 255 || !domain.chars().all(fits) {
            return Err(invalid(&format!("'{domain}' is no name for EHLO")));
        }
        self.0.borrow_mut().1 = Some(domain.to_owned());
        Ok(())
    }

    /// Sets for how many milliseconds the answer holds, as that of a pool.
    ///
    /// ```
    /// # let source = tollgate_sdk::EgressSource::new();
    /// source.set_ttl(60_000)?;
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
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

impl EgressPath {
    /// Returns options that leave everything alone.
    ///
    /// ```
    /// let path = tollgate_sdk::EgressPath::new();
    /// assert_eq!(path.get("connection_limit"), None);
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many connections there may be at a time, at least 1.
    ///
    /// ```
    /// # let path = tollgate_sdk::EgressPath::new();
    /// path.set_connection_limit(10, None)?;
    /// assert_eq!(path.get("connection_limit").as_deref(), Some("10"));
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn set_connection_limit(&self, limit: u32, _origin: Option<&str>) -> Result<(), PolicyError> {
        self.count("connection_limit", limit)
    }

    /// Sets how many messages go over one connection, at least 1.
    ///
    /// ```
    /// # let path = tollgate_sdk::EgressPath::new();
    /// path.set_max_deliveries_per_connection(100, None)?;
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn set_max_deliveries_per_connection(&self, most: u32, _origin: Option<&str>) -> Result<(), PolicyError> {
        self.count("max_deliveries_per_connection", most)
    }

    /// Sets how many messages may be promised to the source ahead of sending, at least 1.
    ///
    /// ```
    /// # let path = tollgate_sdk::EgressPath::new();
    /// path.set_max_ready(1000, None)?;
    /// assert_eq!(path.get("max_ready").as_deref(), Some("1000"));
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn set_max_ready(&self, most: u32, _origin: Option<&str>) -> Result<(), PolicyError> {
        self.count("max_ready", most)
    }

    /// Sets how fast messages may follow each other.
    ///
    /// ```
    /// # let path = tollgate_sdk::EgressPath::new();
    /// # let rate = tollgate_sdk::Rate { limit: 100, period_ms: 3_600_000, max_burst: None, local: false };
    /// path.set_max_message_rate(rate, None)?;
    /// assert_eq!(path.get("max_message_rate").as_deref(), Some("100/h"));
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn set_max_message_rate(&self, rate: Rate, _origin: Option<&str>) -> Result<(), PolicyError> {
        self.rate("max_message_rate", rate)
    }

    /// Sets how fast connections may be opened.
    ///
    /// ```
    /// # let path = tollgate_sdk::EgressPath::new();
    /// # let rate = tollgate_sdk::Rate { limit: 100, period_ms: 3_600_000, max_burst: None, local: false };
    /// path.set_max_connection_rate(rate, None)?;
    /// assert_eq!(path.get("max_connection_rate").as_deref(), Some("100/h"));
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn set_max_connection_rate(&self, rate: Rate, _origin: Option<&str>) -> Result<(), PolicyError> {
        self.rate("max_connection_rate", rate)
    }

    /// Sets for how many milliseconds the answer holds, as that of a pool; of several plugins the shortest time.
    ///
    /// ```
    /// # let path = tollgate_sdk::EgressPath::new();
    /// path.set_ttl(60_000)?;
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn set_ttl(&self, ms: u64) -> Result<(), PolicyError> {
        ttl(ms).map(drop)
    }

    /// Takes back what the plugins before set for an option, by its name in `tollgate.toml` (`connection_limit`): what the
    /// `[egress…]` section says holds again.
    ///
    /// ```
    /// # let path = tollgate_sdk::EgressPath::new();
    /// path.set_max_ready(1000, None)?;
    /// path.clear("max_ready", None)?;
    /// assert_eq!(path.get("max_ready"), None);
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn clear(&self, name: &str, _origin: Option<&str>) -> Result<(), PolicyError> {
        self.0.borrow_mut().remove(name);
        Ok(())
    }

    /// Returns an option as canonical text (`3`, `100/h`), absent where no plugin set it.
    ///
    /// ```
    /// # let path = tollgate_sdk::EgressPath::new();
    /// path.set_max_ready(1000, None)?;
    /// assert_eq!(path.get("max_ready").as_deref(), Some("1000"));
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn get(&self, name: &str) -> Option<String> {
        self.0.borrow().get(name).cloned()
    }
}
