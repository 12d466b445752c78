//! How mail leaves: pools and sources that no file defines, and what holds on the way.
//!
//! In: a name, or the [`Way`] from a source to a site. Out: a [`PoolAnswer`], a [`SourceAnswer`], a [`PathSettings`], or nothing
//! where the plugin does not know. Of pools and sources the first answer counts; paths merge, later wins. A plugin that does
//! not handle the event knows nothing.

use std::{collections::BTreeMap, fmt, net::IpAddr, sync::Arc, time::Duration};

use tollgate_config::Rate;

/// For how long an answer holds where the plugin does not say.
pub const TTL: Duration = Duration::from_secs(60);
/// Most sources of a pool.
pub const MOST_SOURCES: usize = 256;
/// Longest name, in octets.
const LONGEST_NAME: usize = 255;

/// A pool, as a plugin knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PoolAnswer {
    sources: Vec<(String, u32)>,
    /// For how long this holds.
    pub ttl: Duration,
}

/// A source, as a plugin knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceAnswer {
    /// The address to bind; the system chooses where there is none.
    pub source_address: Option<IpAddr>,
    ehlo_domain: Option<String>,
    /// For how long this holds.
    pub ttl: Duration,
}

impl Default for PoolAnswer {
    /// Returns a pool without sources.
    fn default() -> Self {
        Self { sources: Vec::new(), ttl: TTL }
    }
}

impl Default for SourceAnswer {
    /// Returns a source whose address the system chooses.
    fn default() -> Self {
        Self { source_address: None, ehlo_domain: None, ttl: TTL }
    }
}

impl PoolAnswer {
    /// Adds a source with its weight.
    ///
    /// # Errors
    /// What is wrong with it, for the plugin's author.
    pub fn add(&mut self, source: &str, weight: u32) -> Result<(), String> {
        if source.is_empty() || source.len() > LONGEST_NAME || source.chars().any(char::is_control) {
            return Err(format!("a source's name is 1 to {LONGEST_NAME} octets of printable text"));
        }
        if self.sources.iter().any(|(known, _)| known == source) {
            return Err(format!("the source '{source}' is in the pool already"));
        }
        if self.sources.len() >= MOST_SOURCES {
            return Err(format!("a pool has at most {MOST_SOURCES} sources"));
        }
        self.sources.push((source.to_owned(), weight));
        Ok(())
    }

    /// Returns the sources with their weights.
    #[must_use]
    pub fn sources(&self) -> &[(String, u32)] {
        &self.sources
    }
}

impl SourceAnswer {
    /// Sets our name in EHLO.
    ///
    /// # Errors
    /// Where it is none, for the plugin's author.
    pub fn set_ehlo_domain(&mut self, domain: &str) -> Result<(), String> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-._[]:".contains(c);
        if domain.is_empty() || domain.len() > LONGEST_NAME || !domain.chars().all(fits) {
            return Err(format!("'{}' is no name for EHLO", domain.escape_debug()));
        }
        self.ehlo_domain = Some(domain.to_owned());
        Ok(())
    }

    /// Returns our name in EHLO; the host's where there is none.
    #[must_use]
    pub fn ehlo_domain(&self) -> Option<&str> {
        self.ehlo_domain.as_deref()
    }
}

/// Returns a time to live.
///
/// # Errors
/// Where it is under a second: plugins are not asked for each message.
pub fn ttl(ttl: Duration) -> Result<Duration, String> {
    if ttl < Duration::from_secs(1) { Err("an answer holds for at least 1000 ms".to_owned()) } else { Ok(ttl) }
}

/// From where to where mail goes.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Way {
    /// The domain, or routing domain, whose mail led there first.
    pub domain: Arc<str>,
    /// The source.
    pub source: Arc<str>,
    /// The site, by its name.
    pub site: String,
}

/// An option of a path, by its name in `tollgate.toml`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum PathOption {
    /// How many connections at a time.
    ConnectionLimit,
    /// How many messages over one connection.
    MaxDeliveriesPerConnection,
    /// How many messages are promised ahead of sending.
    MaxReady,
    /// How fast messages follow each other.
    MaxMessageRate,
    /// How fast connections are opened.
    MaxConnectionRate,
}

/// The value of an option.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PathValue {
    /// A number, at least 1.
    Count(u32),
    /// A rate.
    Rate(Rate),
}

/// What was written to an option last.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PathWritten {
    /// The value; `None` where the option was cleared.
    pub value: Option<PathValue>,
    /// Where it was written, if the plugin says so.
    pub origin: Option<String>,
    /// The plugin that wrote it.
    pub plugin: Arc<str>,
}

/// Options of a path, partial: one that no plugin wrote is as the files have it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PathSettings {
    written: BTreeMap<PathOption, PathWritten>,
    /// For how long this holds, where a plugin says so.
    pub ttl: Option<Duration>,
}

impl PathOption {
    const NAMED: [(Self, &'static str); 5] = [
        (Self::ConnectionLimit, "connection_limit"),
        (Self::MaxDeliveriesPerConnection, "max_deliveries_per_connection"),
        (Self::MaxReady, "max_ready"),
        (Self::MaxMessageRate, "max_message_rate"),
        (Self::MaxConnectionRate, "max_connection_rate"),
    ];

    /// All options.
    pub const ALL: [Self; 5] = [
        Self::ConnectionLimit,
        Self::MaxDeliveriesPerConnection,
        Self::MaxReady,
        Self::MaxMessageRate,
        Self::MaxConnectionRate,
    ];

    /// Returns the option's name in `tollgate.toml`.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMED.iter().find(|(option, _)| *option == self).map_or("", |(_, name)| name)
    }

    /// Returns the option with this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(_, known)| *known == name).map(|(option, _)| *option)
    }
}

impl fmt::Display for PathValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Rate(rate) => write!(f, "{rate}"),
        }
    }
}

impl PathSettings {
    /// Writes a value, or takes back what was written before.
    ///
    /// # Errors
    /// What is wrong with the value for this option, for the plugin's author.
    pub fn write(&mut self, option: PathOption, written: PathWritten) -> Result<(), String> {
        use PathOption as O;
        match (option, written.value) {
            (O::ConnectionLimit | O::MaxDeliveriesPerConnection | O::MaxReady, Some(PathValue::Count(0))) => {
                return Err(format!("{} is at least 1", option.name()));
            }
            (O::ConnectionLimit | O::MaxDeliveriesPerConnection | O::MaxReady, Some(PathValue::Count(_)) | None)
            | (O::MaxMessageRate | O::MaxConnectionRate, Some(PathValue::Rate(_)) | None) => {}
            (_, Some(value)) => return Err(format!("{value} is no value for {}", option.name())),
        }
        self.written.insert(option, written);
        Ok(())
    }

    /// Lays settings over these: what they write replaces what is here, and the shorter time holds.
    pub fn merge(&mut self, later: Self) {
        self.written.extend(later.written);
        self.ttl = self.ttl.into_iter().chain(later.ttl).min();
    }

    /// Returns the number that holds for an option.
    #[must_use]
    pub fn count(&self, option: PathOption) -> Option<u32> {
        match self.get(option)? {
            PathValue::Count(count) => Some(count),
            PathValue::Rate(_) => None,
        }
    }

    /// Returns the rate that holds for an option.
    #[must_use]
    pub fn rate(&self, option: PathOption) -> Option<Rate> {
        match self.get(option)? {
            PathValue::Rate(rate) => Some(rate),
            PathValue::Count(_) => None,
        }
    }

    /// Returns the value that holds for an option.
    #[must_use]
    pub fn get(&self, option: PathOption) -> Option<PathValue> {
        self.written.get(&option)?.value
    }
}

/// `connection_limit=2 (shape.toml:3) max_ready=5 (plugin shaper)`, for the log.
impl fmt::Display for PathSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (option, written) in &self.written {
            let Some(value) = &written.value else { continue };
            write!(f, "{separator}{}={value}", option.name())?;
            match &written.origin {
                Some(origin) => write!(f, " ({})", origin.escape_debug())?,
                None => write!(f, " (plugin {})", written.plugin)?,
            }
            separator = " ";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(option: PathOption, value: Option<PathValue>, ttl: Option<u64>) -> PathSettings {
        let mut settings = PathSettings { ttl: ttl.map(Duration::from_secs), ..PathSettings::default() };
        settings.write(option, PathWritten { value, origin: Some("p.toml:1".to_owned()), plugin: "p".into() }).unwrap();
        settings
    }

    #[test]
    fn later_layers_win_and_the_shortest_time_holds() {
        let mut settings = path(PathOption::ConnectionLimit, Some(PathValue::Count(2)), Some(9));
        settings.merge(path(PathOption::MaxReady, Some(PathValue::Count(7)), None));
        settings.merge(path(PathOption::ConnectionLimit, None, Some(5)));

        let told = (settings.to_string(), settings.count(PathOption::ConnectionLimit), settings.ttl);

        assert_eq!(told, ("max_ready=7 (p.toml:1)".to_owned(), None, Some(Duration::from_secs(5))));
    }

    #[test]
    fn what_makes_no_sense_is_refused_in_words() {
        let mut pool = PoolAnswer::default();
        let write = |option, value| {
            let written = PathWritten { value: Some(value), origin: None, plugin: "p".into() };
            PathSettings::default().write(option, written).unwrap_err()
        };

        let told = [
            write(PathOption::ConnectionLimit, PathValue::Count(0)),
            write(PathOption::MaxMessageRate, PathValue::Count(3)),
            pool.add("a", 1).and_then(|()| pool.add("a", 1)).unwrap_err(),
            SourceAnswer::default().set_ehlo_domain("a\r\nQUIT").unwrap_err(),
            ttl(Duration::from_millis(999)).unwrap_err(),
        ];

        let expected = [
            "connection_limit is at least 1",
            "3 is no value for max_message_rate",
            "the source 'a' is in the pool already",
            "'a\\r\\nQUIT' is no name for EHLO",
            "an answer holds for at least 1000 ms",
        ];
        assert_eq!(told, expected);
    }
}
