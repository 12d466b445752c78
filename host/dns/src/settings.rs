//! What an operator can say about look-ups.

use std::net::SocketAddr;
use std::time::Duration;

/// How names are looked up. [`Default`] is what an operator who says nothing gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The name servers to ask, in this order; they must answer for all names (recursion). Empty: those of the system's
    /// `resolv.conf`, read once. Default: empty.
    pub nameservers: Vec<SocketAddr>,
    /// How long one name server has for one question, aliases and a repetition over TCP included. Default 5 s.
    pub timeout: Duration,
    /// How often each name server is asked if none of them answers; 0 counts as 1. Default 2.
    pub attempts: usize,
    /// How many domains, and how many hosts, are remembered; 0 counts as 1. Those not used for longest are forgotten.
    /// Default 10,000.
    pub cache_entries: usize,
    /// For how long an answer holds at least, whatever its time to live. Default 5 s: a time to live of 0 would mean a
    /// question for every message.
    pub min_ttl: Duration,
    /// For how long an answer with records holds at most. Default 1 day.
    pub max_ttl: Duration,
    /// For how long an answer without records holds at most. Default 1 hour, the lower end of what RFC 2308 §5 advises:
    /// an owner who mends a domain waits for it.
    pub max_negative_ttl: Duration,
    /// For how long nobody is asked again after no name server gave an answer. Default 5 s.
    pub failure_ttl: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            nameservers: Vec::new(),
            timeout: Duration::from_secs(5),
            attempts: 2,
            cache_entries: 10_000,
            min_ttl: Duration::from_secs(5),
            max_ttl: Duration::from_secs(24 * 60 * 60),
            max_negative_ttl: Duration::from_secs(60 * 60),
            failure_ttl: Duration::from_secs(5),
        }
    }
}

impl Settings {
    /// Returns for how long an answer with records holds.
    pub(crate) fn positive(&self, ttl: Duration) -> Duration {
        ttl.min(self.max_ttl).max(self.min_ttl)
    }

    /// Returns for how long an answer without records holds.
    ///
    /// `ttl`: nothing if the answer has no SOA record; it is then remembered no longer than a failure, since RFC 2308 §5
    /// would have it not remembered at all.
    pub(crate) fn negative(&self, ttl: Option<Duration>) -> Duration {
        ttl.map_or(self.failure_ttl, |ttl| ttl.min(self.max_negative_ttl).max(self.min_ttl))
    }
}

/// Says why look-ups cannot be set up. The system's configuration is at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// No name server was given, and the system names none.
    #[error("the system's `/etc/resolv.conf` gives no name server ({0}): mend it, or name the name servers to ask")]
    System(String),
    /// The library refused.
    #[error("look-ups cannot be set up for name server {server}: {cause}")]
    Server {
        /// The name server.
        server: String,
        /// What the library says.
        cause: String,
    },
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Settings;

    #[test]
    fn times_to_live_are_bounded() {
        let settings = Settings::default();
        let seconds = Duration::from_secs;

        let positive = [0, 300, 1_000_000].map(|ttl| settings.positive(seconds(ttl)));
        let negative = [Some(0), Some(300), Some(1_000_000), None].map(|ttl| settings.negative(ttl.map(seconds)));

        assert_eq!(positive, [seconds(5), seconds(300), seconds(86_400)]);
        assert_eq!(negative, [seconds(5), seconds(300), seconds(3600), seconds(5)]);
    }
}
