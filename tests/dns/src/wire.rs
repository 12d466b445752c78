//! The sockets: datagrams and connections in, [`Zone`](crate::zone::Zone)'s answers out.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use hickory_proto::op::{Message, Query};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinHandle;

use crate::{Fault, Question, Shared, Transport, lock, zone};

/// Binds one port for both transports and serves it.
pub(crate) async fn serve(shared: &Arc<Shared>) -> (SocketAddr, [JoinHandle<()>; 2]) {
    let (udp, tcp) = bind().await;
    let address = tcp.local_addr().expect("a bound socket has an address");
    let tasks = [tokio::spawn(serve_udp(Arc::clone(shared), udp)), tokio::spawn(serve_tcp(Arc::clone(shared), tcp))];
    (address, tasks)
}

/// A port that is free for TCP may be taken for UDP, so another is tried.
async fn bind() -> (UdpSocket, TcpListener) {
    for _ in 0..100 {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("127.0.0.1 has a free port");
        let address = tcp.local_addr().expect("a bound socket has an address");
        if let Ok(udp) = UdpSocket::bind(address).await {
            return (udp, tcp);
        }
    }
    panic!("no port of 127.0.0.1 is free for both UDP and TCP");
}

async fn serve_udp(shared: Arc<Shared>, socket: UdpSocket) {
    let socket = Arc::new(socket);
    let mut datagram = vec![0; 65_535];
    loop {
        // An error here is news of an asker that went away.
        let Ok((length, asker)) = socket.recv_from(&mut datagram).await else { continue };
        let (shared, socket, request) = (Arc::clone(&shared), Arc::clone(&socket), datagram[..length].to_vec());
        tokio::spawn(async move {
            if let Some(reply) = respond(&shared, &request, Transport::Udp).await {
                let _gone_is_fine = socket.send_to(&reply, asker).await;
            }
        });
    }
}

async fn serve_tcp(shared: Arc<Shared>, listener: TcpListener) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let _gone_is_fine = converse(&shared, stream).await;
        });
    }
}

/// Answers the questions of one connection, one after the other.
async fn converse(shared: &Shared, mut stream: TcpStream) -> io::Result<()> {
    loop {
        let mut request = vec![0; usize::from(stream.read_u16().await?)];
        stream.read_exact(&mut request).await?;
        let Some(reply) = respond(shared, &request, Transport::Tcp).await else { continue };
        let length = u16::try_from(reply.len()).map_err(io::Error::other)?;
        stream.write_all(&[&length.to_be_bytes(), reply.as_slice()].concat()).await?;
    }
}

/// Returns what to send, if anything.
async fn respond(shared: &Shared, request: &[u8], over: Transport) -> Option<Vec<u8>> {
    let request = Message::from_vec(request).ok()?;
    let query = request.queries.first()?;
    let (name, kind) = (zone::key(&query.name().to_ascii()), query.query_type());
    shared.note(Question { name: name.clone(), kind, over });
    release(shared, &name, query).await;
    let fault = lock(&shared.zone).fault(&name, kind);
    match fault {
        Some(Fault::NoAnswer | Fault::Held) => None,
        Some(Fault::Garbled) => Some([&request.metadata.id.to_be_bytes()[..], b"nonsense"].concat()),
        Some(Fault::Rcode(code)) => zone::reply(&request, code).to_vec().ok(),
        Some(Fault::Truncated) if over == Transport::Udp => answer(shared, &request, query).truncate().to_vec().ok(),
        Some(Fault::Delay(time)) => {
            tokio::time::sleep(time).await;
            fit(&answer(shared, &request, query), &request, over)
        }
        Some(Fault::Truncated) | None => fit(&answer(shared, &request, query), &request, over),
    }
}

/// Waits while the question is held.
async fn release(shared: &Shared, name: &str, query: &Query) {
    let mut changes = shared.changes.subscribe();
    while lock(&shared.zone).fault(name, query.query_type()) == Some(Fault::Held) {
        if changes.changed().await.is_err() {
            return;
        }
    }
}

fn answer(shared: &Shared, request: &Message, query: &Query) -> Message {
    lock(&shared.zone).answer(request, query)
}

/// Cuts an answer that is larger than the asker takes over UDP (RFC 6891 §6.2.3).
fn fit(answer: &Message, request: &Message, over: Transport) -> Option<Vec<u8>> {
    let whole = answer.to_vec().ok()?;
    if over == Transport::Udp && whole.len() > usize::from(request.max_payload()) {
        return answer.truncate().to_vec().ok();
    }
    Some(whole)
}
