//! Where connections come from: a local address, and the name that goes with it.
//!
//! A candidate comes in, a connected socket comes out, bound to the source's address if it has one. Which source sends
//! what is decided elsewhere. A candidate of another address family than the source's is refused without trying.

use std::net::{IpAddr, SocketAddr};

use tokio::net::{TcpSocket, TcpStream};

use crate::Fault;

/// An egress source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    /// Its name in the configuration, for messages to people.
    pub name: String,
    /// The local address to send from; the system chooses if there is none.
    pub source_address: Option<IpAddr>,
    /// The name to greet with, in place of the host's own.
    pub ehlo_domain: Option<String>,
}

impl Source {
    /// Connects; the caller keeps the time.
    pub(crate) async fn connect(&self, to: SocketAddr) -> Result<TcpStream, Fault> {
        let socket = self.socket(to)?;
        let stream = socket.connect(to).await?;
        // Commands are written whole, so there is nothing to gather, and gathering costs a delayed ACK of the peer.
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn socket(&self, to: SocketAddr) -> Result<TcpSocket, Fault> {
        if let Some(address) = self.source_address.filter(|address| address.is_ipv4() != to.is_ipv4()) {
            return Err(Fault::Family { name: self.name.clone(), address });
        }
        let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if let Some(address) = self.source_address {
            let bound = socket.bind(SocketAddr::new(address, 0));
            bound.map_err(|error| Fault::Bind { name: self.name.clone(), address, error })?;
        }
        Ok(socket)
    }
}
