//! A name server for tests: zones and faults come in at run time, answers go out over UDP and TCP of 127.0.0.1.
//!
//! Every question is written down with the transport it came by, so that a test can say how many went out. A name that
//! nothing was said of does not exist (NXDOMAIN); a name that lacks the type asked for has no data; both answers carry an
//! SOA record. CNAMEs are followed within what the server knows. An answer that is too large for the asker's UDP is cut
//! and marked as truncated. What a name is called with, upper or lower case, with or without a dot behind it, is the same.
//!
//! Calls panic on names that no DNS message can carry, since whoever writes the test is then at fault.
//!
//! Rules: RFC 1035 §4 (messages), RFC 2308 §2 (negative answers), RFC 6891 §6 (sizes), RFC 7505 (null MX).

mod wire;
mod zone;

pub use hickory_proto::op::ResponseCode;
pub use hickory_proto::rr::RecordType;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hickory_proto::rr::RData;
use hickory_proto::rr::rdata::{A, AAAA, CNAME, MX, PTR, TXT};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use zone::Zone;

/// What a name answers instead of its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// This response code, and no records.
    Rcode(ResponseCode),
    /// Nothing at all, for ever.
    NoAnswer,
    /// Its records, but only after this time.
    Delay(Duration),
    /// Its records, once the fault is changed or [healed](Server::heal).
    Held,
    /// Its records over TCP; over UDP an empty message that says it was cut.
    Truncated,
    /// Octets that are no message, behind the right identifier.
    Garbled,
}

/// The way a question came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// One datagram.
    Udp,
    /// A connection, which may carry several questions.
    Tcp,
}

/// One question that reached the server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    /// In lower case, without a dot behind it; empty for the root.
    pub name: String,
    /// The type of records asked for.
    pub kind: RecordType,
    /// How it came.
    pub over: Transport,
}

/// A running name server; it ends when it is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    tasks: [JoinHandle<()>; 2],
}

#[derive(Debug, Default)]
struct Shared {
    zone: Mutex<Zone>,
    asked: Mutex<Vec<Question>>,
    /// Counts what was changed, so that held questions look again.
    changes: watch::Sender<u64>,
}

impl Server {
    /// Starts a server that knows no name, on a free port of 127.0.0.1, the same for UDP and TCP.
    ///
    /// # Panics
    /// If no port can be had.
    pub async fn start() -> Server {
        let shared = Arc::new(Shared::default());
        let (address, tasks) = wire::serve(&shared).await;
        Server { address, shared, tasks }
    }

    /// Returns where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the time to live of records added from now on, in seconds. At first an hour.
    pub fn ttl(&self, seconds: u32) -> &Server {
        self.change(|zone| zone.ttl = seconds)
    }

    /// Sets the time to live of negative answers, in seconds. At first a minute; without one they carry no SOA record.
    pub fn negative_ttl(&self, seconds: Option<u32>) -> &Server {
        self.change(|zone| zone.negative_ttl = seconds)
    }

    /// Adds a mail exchanger to a name. `host`: any octets between dots, so that nonsense can be served too.
    pub fn mx(&self, name: &str, preference: u16, host: &str) -> &Server {
        self.add(name, RData::MX(MX::new(preference, zone::dns_name(host))))
    }

    /// Makes a name say that it takes no mail (RFC 7505).
    pub fn null_mx(&self, name: &str) -> &Server {
        self.mx(name, 0, ".")
    }

    /// Adds an IPv4 address to a name.
    pub fn a(&self, name: &str, address: impl Into<Ipv4Addr>) -> &Server {
        self.add(name, RData::A(A(address.into())))
    }

    /// Adds an IPv6 address to a name.
    ///
    /// # Panics
    /// If `address` is no IPv6 address.
    pub fn aaaa(&self, name: &str, address: &str) -> &Server {
        let address = address.parse().expect("the test gives an IPv6 address");
        self.add(name, RData::AAAA(AAAA(address)))
    }

    /// Adds a text to a name, in these strings of at most 255 octets each.
    pub fn txt(&self, name: &str, strings: &[&str]) -> &Server {
        self.add(name, RData::TXT(TXT::new(strings.iter().map(|string| (*string).to_owned()).collect())))
    }

    /// Makes a name, under which an address is found, point to another.
    pub fn ptr(&self, name: &str, target: &str) -> &Server {
        self.add(name, RData::PTR(PTR(zone::dns_name(target))))
    }

    /// Adds an address of either family to a name.
    pub fn address_of(&self, name: &str, address: IpAddr) -> &Server {
        match address {
            IpAddr::V4(address) => self.add(name, RData::A(A(address))),
            IpAddr::V6(address) => self.add(name, RData::AAAA(AAAA(address))),
        }
    }

    /// Makes a name an alias of another.
    pub fn cname(&self, name: &str, target: &str) -> &Server {
        self.add(name, RData::CNAME(CNAME(zone::dns_name(target))))
    }

    /// Makes a name exist without records.
    pub fn nodata(&self, name: &str) -> &Server {
        self.change(|zone| {
            zone.records.entry(zone::key(name)).or_default();
        })
    }

    /// Makes questions of any type about a name go wrong.
    pub fn fail(&self, name: &str, fault: Fault) -> &Server {
        self.change(|zone| {
            zone.faults.insert((zone::key(name), None), fault);
        })
    }

    /// Makes questions of one type about a name go wrong.
    pub fn fail_type(&self, name: &str, kind: RecordType, fault: Fault) -> &Server {
        self.change(|zone| {
            zone.faults.insert((zone::key(name), Some(kind)), fault);
        })
    }

    /// Ends what [`fail`](Server::fail) and [`fail_type`](Server::fail_type) began.
    pub fn heal(&self, name: &str) -> &Server {
        let name = zone::key(name);
        self.change(|zone| zone.faults.retain(|(faulty, _), _| *faulty != name))
    }

    /// Forgets a name: its records and its faults.
    pub fn remove(&self, name: &str) -> &Server {
        self.heal(name).change(|zone| {
            zone.records.remove(&zone::key(name));
        })
    }

    /// Returns all questions in the order in which they came.
    pub fn asked(&self) -> Vec<Question> {
        lock(&self.shared.asked).clone()
    }

    /// Returns how many questions of one type came about a name, over either transport.
    pub fn count(&self, name: &str, kind: RecordType) -> usize {
        let name = zone::key(name);
        lock(&self.shared.asked).iter().filter(|asked| asked.name == name && asked.kind == kind).count()
    }

    /// Waits until at least `number` questions of one type came about a name. Waits for ever if they never do.
    pub async fn wait_for(&self, name: &str, kind: RecordType, number: usize) {
        let mut changes = self.shared.changes.subscribe();
        while self.count(name, kind) < number {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    fn add(&self, name: &str, data: RData) -> &Server {
        self.change(|zone| zone.add(name, data))
    }

    fn change(&self, change: impl FnOnce(&mut Zone)) -> &Server {
        change(&mut lock(&self.shared.zone));
        self.shared.changed();
        self
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Shared {
    fn note(&self, question: Question) {
        lock(&self.asked).push(question);
        self.changed();
    }

    fn changed(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }
}

/// A test that panicked elsewhere must not hide its cause behind a poisoned lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
