//! What the scenarios share: the program as a process, a sink for a world, and eyes for what both did.
//!
//! Nothing here sleeps for a fixed time to let something happen: everything is waited for, with a deadline that is far
//! longer than anything takes on a slow machine. Ports are free ones of 127.0.0.1, and what a test starts ends with it.

mod configuration;
mod dialogue;
mod folder;
mod http;
mod mta;
mod records;
mod sink;
mod wait;

pub(crate) use configuration::{TOLLGATE, queues, with_plugin};
pub(crate) use dialogue::Dialogue;
pub(crate) use folder::Folder;
pub(crate) use http::{bring, get, post, post_from};
pub(crate) use mta::Mta;
pub(crate) use records::{line, text};
pub(crate) use sink::{Sink, free_address, senders, split_trace};
pub(crate) use wait::{wait_for, wait_until};

use std::net::SocketAddr;

use tollgate_peer::send;

pub(crate) const SENDER: &str = "sender@client.example";

/// Runs something asynchronous to its end.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Connects from an address of this machine; all of 127.0.0.0/8 are.
pub(crate) fn connect_from(from: &str, to: SocketAddr) -> std::net::TcpStream {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(from.parse().unwrap(), 0)).unwrap();
    let stream = block_on(async { socket.connect(to).await.unwrap().into_std().unwrap() });
    stream.set_nonblocking(false).unwrap();
    stream
}

/// Sends one message by SMTP and returns the reply to each recipient, ids left out.
pub(crate) fn send(to: SocketAddr, recipients: &[&str], message: &str) -> Vec<String> {
    let recipients: Vec<String> = recipients.iter().map(|recipient| (*recipient).to_owned()).collect();
    let sent = block_on(send::one(to, "client.example", SENDER, &recipients, message.as_bytes()));
    sent.unwrap().into_iter().map(|(_, reply)| without_ids(&reply.to_string())).collect()
}

/// Returns a reply without the ids behind a 250, which no test can know.
pub(crate) fn without_ids(reply: &str) -> String {
    reply.split(" ids=").next().unwrap_or_default().to_owned()
}
