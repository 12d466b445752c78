//! The look-ups, each behind a cache: a domain's mail exchangers, a host's addresses, texts, the names of an address.
//!
//! Rules: RFC 5321 §5.1 (MX, then the address of the domain itself), RFC 7505 (null MX), RFC 2308 §5 (negative caching).

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::proto::rr::{RData, Record, RecordType};
use tokio::time::Instant;

use crate::addresses::{self, Addresses};
use crate::cache::Cache;
use crate::error::LookupError;
use crate::exchangers::{Exchangers, MxRecord, group};
use crate::name::host_name;
use crate::settings::{Settings, SetupError};
use crate::texts;
use crate::upstream::{Answer, Upstream};

/// What a look-up ends with; shared by all who asked.
type Outcome<T> = Result<Arc<T>, LookupError>;

/// Looks names up. Clones share name servers and caches, and cost nothing.
#[derive(Clone)]
pub struct Resolver(Arc<Inner>);

struct Inner {
    settings: Settings,
    upstream: Upstream,
    exchangers: Cache<Outcome<Exchangers>>,
    addresses: Cache<Outcome<Addresses>>,
    texts: Cache<Outcome<Vec<String>>>,
    names: Cache<Outcome<Vec<String>>>,
}

impl Resolver {
    /// Makes a resolver; nothing is asked yet. It may be made anywhere, and is used within a tokio runtime.
    ///
    /// # Errors
    /// If no name server was given and the system names none.
    pub fn new(settings: Settings) -> Result<Resolver, SetupError> {
        Ok(Resolver(Arc::new(Inner {
            upstream: Upstream::new(&settings)?,
            exchangers: Cache::new(settings.cache_entries),
            addresses: Cache::new(settings.cache_entries),
            texts: Cache::new(settings.cache_entries),
            names: Cache::new(settings.cache_entries),
            settings,
        })))
    }

    /// Returns the hosts that take a domain's mail.
    ///
    /// A domain without MX records that has an address is its own and only host. An alias is followed, and its target's
    /// exchangers are the domain's.
    ///
    /// # Errors
    /// Any [`LookupError`] but `NoAddress`. It is remembered like an answer: for the time that the domain's SOA record
    /// says, or for `failure_ttl` if no name server answered.
    ///
    /// # Cancel safety
    /// Nothing is lost: the question goes on, and its answer is there for the next who asks.
    ///
    /// # Source
    /// RFC 5321 §5.1
    pub async fn mail_exchangers(&self, domain: &str) -> Result<Arc<Exchangers>, LookupError> {
        let name = host_name(domain).ok_or_else(|| LookupError::NotAName { name: domain.to_owned() })?;
        let ask = || self.clone().find_exchangers(name.clone());
        self.0.exchangers.get(&name, ask).await.unwrap_or_else(|| Err(lost(&name)))
    }

    /// Returns the addresses of a host, of both families. An alias is followed, and the system's `hosts` file, as it was
    /// when the resolver was made, goes before the name servers.
    ///
    /// # Errors
    /// [`LookupError::NoAddress`] if there is none, [`LookupError::Unanswered`] if one of the families has none and the
    /// other could not be asked, [`LookupError::NotAName`].
    ///
    /// # Cancel safety
    /// As for [`mail_exchangers`](Resolver::mail_exchangers).
    pub async fn addresses(&self, host: &str) -> Result<Arc<Addresses>, LookupError> {
        let name = host_name(host).ok_or_else(|| LookupError::NotAName { name: host.to_owned() })?;
        let ask = || self.clone().find_addresses(name.clone());
        self.0.addresses.get(&name, ask).await.unwrap_or_else(|| Err(lost(&name)))
    }

    /// Returns the texts of a name, each TXT record's strings joined to one (RFC 7208 §3.3); octets that are no UTF-8 are
    /// replaced. Empty where there are none, or no such name. An alias is followed.
    ///
    /// # Errors
    /// [`LookupError::Unanswered`], [`LookupError::NotAName`].
    ///
    /// # Cancel safety
    /// As for [`mail_exchangers`](Resolver::mail_exchangers).
    pub async fn texts(&self, name: &str) -> Result<Arc<Vec<String>>, LookupError> {
        let name = host_name(name).ok_or_else(|| LookupError::NotAName { name: name.to_owned() })?;
        let ask = || self.clone().find_list(name.clone(), RecordType::TXT, texts::text);
        self.0.texts.get(&name, ask).await.unwrap_or_else(|| Err(lost(&name)))
    }

    /// Returns the names that an address has by its PTR records: its owner's word and nothing more. Empty where there are none.
    ///
    /// # Errors
    /// [`LookupError::Unanswered`].
    ///
    /// # Cancel safety
    /// As for [`mail_exchangers`](Resolver::mail_exchangers).
    pub async fn names(&self, address: IpAddr) -> Result<Arc<Vec<String>>, LookupError> {
        let name = texts::reverse(address);
        let ask = || self.clone().find_list(name.clone(), RecordType::PTR, texts::name);
        self.0.names.get(&name, ask).await.unwrap_or_else(|| Err(lost(&name)))
    }

    /// Returns the records of a type as texts, or that there are none; `text` makes one of a record.
    async fn find_list(
        self,
        name: String,
        kind: RecordType,
        text: fn(&Record) -> Option<String>,
    ) -> (Outcome<Vec<String>>, Duration) {
        let settings = &self.0.settings;
        match self.0.upstream.ask(&name, kind).await {
            Ok(Answer::Records { records, ttl }) => (Ok(Arc::new(texts::list(&records, text))), settings.positive(ttl)),
            Ok(Answer::NoRecords(ttl) | Answer::NoSuchName(ttl)) => (Ok(Arc::default()), settings.negative(ttl)),
            Err(cause) => (Err(LookupError::Unanswered { name, cause }), settings.failure_ttl),
        }
    }

    /// Returns what is to be remembered of a domain, and for how long.
    async fn find_exchangers(self, domain: String) -> (Outcome<Exchangers>, Duration) {
        let settings = &self.0.settings;
        match self.0.upstream.ask(&domain, RecordType::MX).await {
            Ok(Answer::Records { records, ttl }) => {
                let records: Vec<MxRecord> = records.iter().filter_map(mx).collect();
                hosts(group(&domain, &records), settings.positive(ttl))
            }
            Ok(Answer::NoRecords(ttl)) => {
                let ttl = settings.negative(ttl);
                self.find_implicit(domain, ttl).await
            }
            Ok(Answer::NoSuchName(ttl)) => (Err(LookupError::NoSuchDomain { name: domain }), settings.negative(ttl)),
            Err(cause) => (Err(LookupError::Unanswered { name: domain, cause }), settings.failure_ttl),
        }
    }

    /// Returns the domain as its own exchanger if it has an address.
    ///
    /// `ttl`: for how long it holds that there are no MX records.
    async fn find_implicit(&self, domain: String, ttl: Duration) -> (Outcome<Exchangers>, Duration) {
        match self.addresses(&domain).await {
            Ok(found) => {
                let ttl = ttl.min(found.valid_until.saturating_duration_since(Instant::now()));
                hosts(Ok(vec![vec![domain]]), ttl)
            }
            Err(LookupError::Unanswered { name, cause }) => {
                (Err(LookupError::Unanswered { name, cause }), self.0.settings.failure_ttl)
            }
            Err(_) => (Err(LookupError::NoRoute { name: domain }), ttl),
        }
    }

    async fn find_addresses(self, host: String) -> (Outcome<Addresses>, Duration) {
        let upstream = &self.0.upstream;
        let (v4, v6) = tokio::join!(upstream.ask(&host, RecordType::A), upstream.ask(&host, RecordType::AAAA));
        let (outcome, ttl) = addresses::join(&host, [v4, v6], &self.0.settings);
        let valid_until = Instant::now() + ttl;
        (outcome.map(|addresses| Arc::new(Addresses { addresses, valid_until })), ttl)
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

/// Pairs groups of hosts, or the reason for there being none, with the time for which that holds.
fn hosts(groups: Result<Vec<Vec<String>>, LookupError>, ttl: Duration) -> (Outcome<Exchangers>, Duration) {
    let valid_until = Instant::now() + ttl;
    (groups.map(|groups| Arc::new(Exchangers::new(groups, valid_until))), ttl)
}

fn mx(record: &Record) -> Option<MxRecord> {
    let RData::MX(mx) = &record.data else { return None };
    Some(MxRecord { preference: mx.preference, host: mx.exchange.to_ascii() })
}

/// A question whose task died was not answered; the task's panic is reported where it happened.
fn lost(name: &str) -> LookupError {
    LookupError::Unanswered { name: name.to_owned(), cause: "the question was given up".to_owned() }
}
