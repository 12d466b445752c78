//! A remembering program behind the doors, doors on free ports, and clients that speak raw octets.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tollgate_inbound::http::{HttpConfig, HttpServer, Services};
use tollgate_inbound::smtp::{Listener, ListenerConfig};
use tollgate_inbound::{BodyStore, BodyWrite, Submission, Submit, Transaction, Trigger, shutdown};
use tollgate_message::{Address, MessageId, Timestamp};
use tollgate_smtp::{EnhancedCode, Reply, TempReply};
use tollgate_spool::{Accepted, Body, BodyError, Discarded};

/// Longest wait for anything.
const DEADLINE: Duration = Duration::from_secs(20);

/// Accepts everything, except recipients that start with `no`; remembers it all.
pub(crate) struct Program {
    pub(crate) transactions: Mutex<Vec<Transaction>>,
    pub(crate) ending: AtomicBool,
    /// Verdicts that may be given.
    pub(crate) verdicts: Semaphore,
    pub(crate) asked: Notify,
    count: AtomicU64,
}

impl Program {
    pub(crate) fn new() -> Arc<Self> {
        let verdicts = Semaphore::new(Semaphore::MAX_PERMITS);
        let (transactions, ending, asked, count) =
            (Mutex::default(), AtomicBool::new(false), Notify::new(), AtomicU64::new(0));
        Arc::new(Self { transactions, ending, verdicts, asked, count })
    }

    /// Lets no verdict out until some are added.
    pub(crate) fn slow() -> Arc<Self> {
        let program = Self::new();
        program.verdicts.forget_permits(Semaphore::MAX_PERMITS);
        program
    }

    /// Returns each transaction in one line: protocol, sender, recipients, octets.
    pub(crate) fn seen(&self) -> Vec<String> {
        let line = |transaction: &Transaction| {
            let envelope = &transaction.envelope;
            let sender = envelope.sender.as_ref().map_or("<>", Address::as_str);
            let recipients: Vec<&str> = envelope.recipients.iter().map(Address::as_str).collect();
            let text = String::from_utf8_lossy(&transaction.content.head);
            format!("{} {sender} to {} {text:?}", transaction.protocol.as_str(), recipients.join(" "))
        };
        self.transactions.lock().unwrap().iter().map(line).collect()
    }
}

impl Submit for Program {
    fn ready(&self) -> Result<(), TempReply> {
        let refusal = TempReply::new(451, EnhancedCode::new(4, 3, 2), "Shutting down").unwrap();
        if self.ending.load(Ordering::SeqCst) { Err(refusal) } else { Ok(()) }
    }

    async fn submit(&self, transaction: Transaction) -> Submission {
        self.asked.notify_one();
        self.verdicts.acquire().await.unwrap().forget();
        let refused = transaction.envelope.recipients.iter().any(|recipient| recipient.as_str().starts_with("no"));
        self.transactions.lock().unwrap().push(transaction);
        if refused {
            return Submission::Refused(Reply::new(550, EnhancedCode::new(5, 7, 1), "Policy says\nno").unwrap());
        }
        let mut id = [0; 16];
        id[8..].copy_from_slice(&(self.count.fetch_add(1, Ordering::SeqCst) + 1).to_be_bytes());
        let receipt = Accepted::Discarded(Discarded::by_policy("test"));
        Submission::Accepted(vec![(MessageId::from_bytes(id), receipt)])
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(0)
    }
}

/// Counts the octets of bodies and keeps none.
#[derive(Default, Clone)]
pub(crate) struct Bodies {
    pub(crate) written: Arc<AtomicU64>,
    pub(crate) largest_write: Arc<AtomicUsize>,
    pub(crate) finished: Arc<AtomicUsize>,
    pub(crate) full: Arc<AtomicBool>,
}

impl BodyStore for Bodies {
    fn writer(&self) -> Box<dyn BodyWrite> {
        Box::new(self.clone())
    }
}

impl BodyWrite for Bodies {
    fn write(&mut self, octets: &[u8]) -> Result<(), BodyError> {
        if self.full.load(Ordering::SeqCst) {
            return Err(BodyError::Full);
        }
        self.written.fetch_add(octets.len() as u64, Ordering::SeqCst);
        self.largest_write.fetch_max(octets.len(), Ordering::SeqCst);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Body, BodyError> {
        self.finished.fetch_add(1, Ordering::SeqCst);
        Ok(Body::Inline(Bytes::new()))
    }
}

/// A door that is open.
pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    pub(crate) bodies: Bodies,
    pub(crate) trigger: Trigger,
    pub(crate) served: JoinHandle<()>,
}

pub(crate) fn listener() -> ListenerConfig {
    let mut config = ListenerConfig::new("main", "127.0.0.1:0".parse().unwrap(), "mx.example");
    config.relay_hosts = vec!["127.0.0.0/8".parse().unwrap()];
    config
}

pub(crate) fn open_smtp(config: ListenerConfig, program: &Arc<Program>) -> Door {
    let listener = Listener::bind(config).unwrap();
    let (address, bodies, (trigger, signal)) = (listener.local_addr(), Bodies::default(), shutdown::channel());
    let served = tokio::spawn(listener.serve(Arc::clone(program), Arc::new(bodies.clone()), signal));
    Door { address, bodies, trigger, served }
}

pub(crate) fn http() -> HttpConfig {
    HttpConfig::new("127.0.0.1:0".parse().unwrap(), "mx.example")
}

pub(crate) fn open_http(config: HttpConfig, program: &Arc<Program>) -> Door {
    let server = HttpServer::bind(config).unwrap();
    let (address, bodies, (trigger, signal)) = (server.local_addr(), Bodies::default(), shutdown::channel());
    let services = Services {
        submit: Arc::clone(program),
        bodies: Arc::new(bodies.clone()),
        metrics: Arc::new(|| "messages 1\n# EOF\n".to_owned()),
        routes: axum::Router::new(),
    };
    let served = tokio::spawn(server.serve(services, signal));
    Door { address, bodies, trigger, served }
}

/// Waits for something that must come.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(DEADLINE, what).await.expect("what was waited for did not come")
}

/// A client of octets.
pub(crate) struct Client(TcpStream);

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self(soon(TcpStream::connect(address)).await.unwrap())
    }

    pub(crate) async fn send(&mut self, octets: impl AsRef<[u8]>) {
        soon(self.0.write_all(octets.as_ref())).await.unwrap();
    }

    /// Reads until what was read ends with `end`.
    pub(crate) async fn until(&mut self, end: &str) -> String {
        let mut read = Vec::new();
        while !read.ends_with(end.as_bytes()) {
            match soon(self.0.read_u8()).await {
                Ok(octet) => read.push(octet),
                Err(error) => panic!("{error} behind {:?}", String::from_utf8_lossy(&read)),
            }
        }
        String::from_utf8(read).unwrap()
    }

    /// Reads to the end of the connection.
    pub(crate) async fn rest(&mut self) -> String {
        let mut read = Vec::new();
        soon(self.0.read_to_end(&mut read)).await.unwrap();
        String::from_utf8(read).unwrap()
    }
}

/// Sends everything at once and returns all that is said until the door closes.
pub(crate) async fn say(address: SocketAddr, octets: impl AsRef<[u8]>) -> String {
    let mut client = Client::connect(address).await;
    client.send(octets).await;
    client.rest().await
}
