//! Listening sockets: bound before anything else starts, accepted from whatever happens.
//!
//! Binding is apart from serving so that a port in use is found while nothing has been promised yet.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};

/// Connections that the system may hold ready; it takes less if `net.core.somaxconn` says so.
const BACKLOG: i32 = 1024;

/// How long to wait after an accept that failed for want of something (descriptors, memory).
const PAUSE: Duration = Duration::from_millis(100);

/// Why a listener could not be set up. The operator's to mend.
#[derive(Debug, thiserror::Error)]
#[error("{listener} cannot listen on {address}: {source}")]
pub struct BindError {
    /// Which listener, as the configuration names it.
    pub listener: String,
    /// The address asked for.
    pub address: SocketAddr,
    /// What the system said.
    pub source: io::Error,
}

/// Listens on an address. Must be called inside a runtime.
pub(crate) fn bind(listener: &str, address: SocketAddr) -> Result<TcpListener, BindError> {
    open(address).map_err(|source| BindError { listener: listener.to_owned(), address, source })
}

/// A restart must not wait for the connections of the last run to time out, hence `SO_REUSEADDR`; on Linux it does not
/// let two programs listen at once.
fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Waits for a connection. Failed accepts are the network's or the system's fault and never end a listener.
///
/// # Cancel safety
/// Cancel safe.
pub(crate) async fn accept(listener: &TcpListener) -> (TcpStream, Ends) {
    loop {
        match listener.accept().await.and_then(|(stream, peer)| Ok((Ends::of(&stream, peer)?, stream))) {
            Ok((ends, stream)) => return (stream, ends),
            Err(error) if is_the_peers(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, InvalidInput, NotConnected};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | InvalidInput | NotConnected)
}

/// The two addresses of a connection. IPv4 inside IPv6 is unwrapped, so that both match the same networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// The client's.
    pub peer: SocketAddr,
    /// Ours.
    pub local: SocketAddr,
}

impl Ends {
    /// Also turns Nagle's algorithm off: replies are written whole, waiting only delays them.
    fn of(stream: &TcpStream, peer: SocketAddr) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { peer: canonical(peer), local: canonical(stream.local_addr()?) })
    }
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Returns whether one of the networks holds the address.
pub(crate) fn is_in(networks: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    networks.iter().any(|network| network.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv4_peer_inside_ipv6_matches_ipv4_networks() {
        let networks: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];

        let seen = ["::ffff:10.1.2.3", "10.1.2.3", "::ffff:11.1.2.3", "fd00::1", "::1"]
            .map(|address| is_in(&networks, address.parse().unwrap()));

        assert_eq!(seen, [true, true, false, true, false]);
    }
}
