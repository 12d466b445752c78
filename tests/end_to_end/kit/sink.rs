//! A sink with all that has arrived at it.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex},
};

use tokio::{runtime::Runtime, sync::mpsc};
use tollgate_peer::sink::{self, Arrived, Counter, SinkConfig};

use super::{wait::PATIENCE, wait_for};

/// A running sink; ends when dropped.
pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    pub(crate) counter: Counter,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    runtime: Option<Runtime>,
}

impl Sink {
    /// Starts a sink that does what the rules say, and accepts the rest.
    pub(crate) fn start(rules: &[&str]) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), rules)
    }

    /// Starts a sink at an address.
    pub(crate) fn start_at(listen: SocketAddr, rules: &[&str]) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (arrivals, mut arriving) = mpsc::channel(1024);
        let rules = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        let config = SinkConfig { listen, rules, arrivals: Some(arrivals), ..SinkConfig::default() };
        let sink = runtime.block_on(async { sink::Sink::bind(config).unwrap() });
        let (address, counter, arrived) = (sink.local_addr(), sink.counter(), Arc::default());
        runtime.spawn(sink.run(std::future::pending()));
        let kept: Arc<Mutex<Vec<Arrived>>> = Arc::clone(&arrived);
        runtime.spawn(async move {
            while let Some(message) = arriving.recv().await {
                kept.lock().unwrap().push(message);
            }
        });
        Self { address, counter, arrived, runtime: Some(runtime) }
    }

    /// Returns what has arrived so far.
    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }

    /// Waits until so many messages have arrived, and returns all of them.
    pub(crate) fn wait_for(&self, count: usize) -> Vec<Arrived> {
        wait_for(&format!("{count} messages at the sink"), || {
            Some(self.arrived()).filter(|arrived| arrived.len() >= count)
        })
    }

    /// Returns how often each recipient has got a message.
    pub(crate) fn recipients(&self) -> BTreeMap<String, usize> {
        let mut recipients = BTreeMap::new();
        for recipient in self.arrived().into_iter().flat_map(|message| message.to) {
            *recipients.entry(recipient).or_default() += 1;
        }
        recipients
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waited for, so that the port is free for another sink.
            runtime.shutdown_timeout(PATIENCE);
        }
    }
}

/// Returns an address at which nobody listens now.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Returns from where each message came, as `address name`.
pub(crate) fn senders(arrived: &[Arrived]) -> Vec<String> {
    arrived.iter().map(|message| format!("{} {}", message.peer.ip(), message.helo)).collect()
}

/// Splits a message into its first field, unfolded and without id and date, and the octets behind it.
pub(crate) fn split_trace(data: &[u8]) -> (String, Vec<u8>) {
    let ends = data.windows(3).position(|window| window.starts_with(b"\r\n") && !b" \t".contains(&window[2]));
    let (field, rest) = data.split_at(ends.unwrap() + 2);
    let field = String::from_utf8(field.to_vec()).unwrap();
    let words: Vec<&str> = field.split_whitespace().collect();
    (words.join(" ").split(" id ").next().unwrap().to_owned(), rest.to_vec())
}
