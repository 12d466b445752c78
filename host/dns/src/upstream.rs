//! The name servers: one question goes to them in turn until one answers.
//!
//! The library speaks to one server at a time: it picks ports and identifiers, repeats lost datagrams, goes over to TCP
//! when an answer was cut, and follows aliases. Which server is asked, and when the next one is, is decided here: the
//! library would take the first refusal as final, so that one lame server of two could stop the mail.
//!
//! A name server's *answer* is records, or its word that there are none (RFC 2308 §2). SERVFAIL, REFUSED, silence and
//! nonsense are none; the next server is asked. The one that answered last is asked first.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError, NoRecords};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, Record, RecordType};
use hickory_resolver::system_conf::read_system_conf;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::settings::{Settings, SetupError};

/// Questions under way at once; further ones wait. Each has a socket of its own, and files are a limited good.
const UNDER_WAY: usize = 256;

/// The name servers, and which of them answered last.
pub(crate) struct Upstream {
    servers: Vec<Server>,
    /// Index of the server to ask first.
    first: AtomicUsize,
    attempts: usize,
    timeout: Duration,
    places: Semaphore,
}

struct Server {
    shown: String,
    resolver: TokioResolver,
}

/// What a name server says.
pub(crate) enum Answer {
    /// Records of the type that was asked for, and maybe aliases on the way to them.
    Records { records: Vec<Record>, ttl: Duration },
    /// The name has no such records; from an SOA record, for how long that holds.
    NoRecords(Option<Duration>),
    /// There is no such name; likewise.
    NoSuchName(Option<Duration>),
}

/// Why a server gave no answer.
enum Silence {
    /// It did not reply in time, or could not be reached: it may yet.
    Unheard(String),
    /// It replied, but with no answer: it would say the same again.
    Said(String),
}

impl Upstream {
    pub(crate) fn new(settings: &Settings) -> Result<Upstream, SetupError> {
        let servers = if settings.nameservers.is_empty() {
            system_servers()?
        } else {
            settings.nameservers.iter().map(|&address| config(address)).collect()
        };
        Ok(Upstream {
            servers: servers
                .into_iter()
                .map(|server| Server::new(server, settings.timeout))
                .collect::<Result<_, _>>()?,
            first: AtomicUsize::new(0),
            attempts: settings.attempts.max(1),
            timeout: settings.timeout,
            places: Semaphore::new(UNDER_WAY),
        })
    }

    /// Returns the first answer that a server gives.
    ///
    /// # Errors
    /// If none gives one: what each of them did.
    pub(crate) async fn ask(&self, name: &str, kind: RecordType) -> Result<Answer, String> {
        let name = dns_name(name)?;
        let _place = self.places.acquire().await.expect("the semaphore is never closed");
        let mut causes = Vec::new();
        for _ in 0..self.attempts {
            causes.clear();
            let mut may_yet_answer = false;
            let first = self.first.load(Ordering::Relaxed);
            for index in (first..self.servers.len()).chain(0..first) {
                let server = &self.servers[index];
                let cause = match server.ask(&name, kind, self.timeout).await {
                    Ok(answer) => {
                        self.first.store(index, Ordering::Relaxed);
                        return Ok(answer);
                    }
                    Err(Silence::Said(cause)) => cause,
                    Err(Silence::Unheard(cause)) => {
                        may_yet_answer = true;
                        cause
                    }
                };
                causes.push(format!("name server {}: {cause}", server.shown));
            }
            if !may_yet_answer {
                break;
            }
        }
        Err(causes.join("; "))
    }
}

impl Server {
    fn new(config: NameServerConfig, timeout: Duration) -> Result<Server, SetupError> {
        let shown = shown(&config);
        let mut options = ResolverOpts::default();
        options.timeout = timeout;
        // Attempts are counted by the caller.
        options.attempts = 0;
        // The cache in front of this one puts whole answers of several questions together, has one question under way for
        // a name, and takes tokio's time; a second one would only hide how old an answer is.
        options.cache_size = 0;
        let config = ResolverConfig::from_name_servers(vec![config]);
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        *builder.options_mut() = options;
        match builder.build() {
            Ok(resolver) => Ok(Server { shown, resolver }),
            Err(error) => Err(SetupError::Server { server: shown, cause: error.to_string() }),
        }
    }

    async fn ask(&self, name: &Name, kind: RecordType, time: Duration) -> Result<Answer, Silence> {
        match timeout(time, self.resolver.lookup(name.clone(), kind)).await {
            Ok(Ok(found)) => Ok(records(found.answers(), kind)),
            Ok(Err(error)) => no_records(error),
            Err(_) => Err(Silence::Unheard(format!("no answer within {time:?}"))),
        }
    }
}

/// Takes the records of a type out of an answer. An alias on the way bounds how long they hold.
fn records(answers: &[Record], kind: RecordType) -> Answer {
    let ttl = answers.iter().map(|record| record.ttl).min().unwrap_or(0);
    let ttl = Duration::from_secs(ttl.into());
    let records: Vec<Record> = answers.iter().filter(|record| record.record_type() == kind).cloned().collect();
    if records.is_empty() { Answer::NoRecords(Some(ttl)) } else { Answer::Records { records, ttl } }
}

/// Tells the word that there are no records from everything else.
fn no_records(error: NetError) -> Result<Answer, Silence> {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(NoRecords { response_code, negative_ttl, .. })) => {
            let ttl = negative_ttl.map(|ttl| Duration::from_secs(ttl.into()));
            match response_code {
                ResponseCode::NXDomain => Ok(Answer::NoSuchName(ttl)),
                ResponseCode::NoError => Ok(Answer::NoRecords(ttl)),
                code => Err(Silence::Said(code.to_string())),
            }
        }
        NetError::Dns(DnsError::ResponseCode(code)) => Err(Silence::Said(code.to_string())),
        error => Err(Silence::Unheard(error.to_string())),
    }
}

fn system_servers() -> Result<Vec<NameServerConfig>, SetupError> {
    let (config, _) = read_system_conf().map_err(|error| SetupError::System(error.to_string()))?;
    Ok(config.name_servers)
}

fn config(address: SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = address.port();
        connection
    });
    NameServerConfig::new(address.ip(), true, connections.into())
}

fn shown(config: &NameServerConfig) -> String {
    let port = config.connections.first().map_or(53, |connection| connection.port);
    SocketAddr::new(config.ip, port).to_string()
}

/// A dot behind the name keeps the system's search domains away from it.
fn dns_name(name: &str) -> Result<Name, String> {
    Name::from_ascii(format!("{name}.")).map_err(|error| error.to_string())
}
