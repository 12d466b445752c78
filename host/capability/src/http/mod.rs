//! Requests over HTTP for one plugin: to hosts on its list, at addresses that are nobody's inside.
//!
//! A request is judged twice, and both must let it pass: by the name in its URL, which [`Allowed`] must have ([`allow`]), and
//! by the address that is then connected to, which must be a public one ([`address`]). The name is looked up once, and what was
//! judged is what is connected to, so a name that answers otherwise a moment later gains nothing. Redirects are not followed:
//! they come back as the response that they are. The operator may name an address for a plugin of its own, which then is
//! reached wherever it is.
//!
//! HTTP/1.1, in clear or over TLS ([`tls`]), one request for each connection.

pub mod address;
pub mod allow;
mod exchange;
mod request;
pub mod tls;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{net::TcpStream, time::timeout};
use tollgate_dns::Resolver;

use crate::Refused;
pub use allow::{Allowed, Pattern};
use request::{Checked, Host};
pub use request::{LARGEST_BODY, LARGEST_HEAD, MOST_FIELDS};
pub use tls::Trust;

/// How many addresses of a host are tried.
const ADDRESSES: usize = 4;
/// How long one may take to answer before the next is tried.
const CONNECT: Duration = Duration::from_secs(2);

/// Whoever fetches for a plugin.
#[derive(Clone, Debug)]
pub struct Client {
    /// Where it may go.
    pub allowed: Arc<Allowed>,
    /// Where the program itself listens: nobody is let in there by the back door.
    pub listeners: Arc<[SocketAddr]>,
    /// Nothing where the program asks no name server.
    pub resolver: Option<Resolver>,
    /// Whom it believes who somebody is.
    pub trust: Trust,
    /// Largest body of a response, in octets.
    pub largest: usize,
}

/// What a plugin wants fetched; not yet looked at.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Request {
    /// `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE` or `OPTIONS`.
    pub method: String,
    /// `https://host[:port]/path?query`, or `http:`.
    pub url: String,
    /// Header fields, name and value; those that frame the message are the host's.
    pub fields: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
    /// How long it may take; the event's own time at the most.
    pub timeout: Option<Duration>,
}

/// What came back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Response {
    /// The status code, 200 to 999.
    pub status: u16,
    /// Header fields in their order, names in lower case; octets that are no UTF-8 are replaced.
    pub fields: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Client {
    /// Makes a request and returns the response, whatever its status.
    ///
    /// # Errors
    /// [`Refused::Invalid`] for a request that is none; [`Refused::Denied`] for a host that is not on the list or an
    /// address that is not to be reached; [`Refused::TooLarge`] for a body, either way; [`Refused::Unavailable`] where nobody
    /// answers, or not in time, or what comes back is no HTTP.
    ///
    /// # Cancel safety
    /// When dropped, the connection is closed; the other side may have got the request.
    pub async fn fetch(&self, request: Request) -> Result<Response, Refused> {
        let time = request.timeout;
        let checked = Checked::of(request)?;
        let name = checked.to.host.to_string();
        let fetched = async {
            let stream = self.connect(&checked).await?;
            if !checked.to.is_secure {
                return exchange::run(stream, checked, self.largest).await;
            }
            let stream = self.trust.secure(stream, &checked.to.host).await?;
            exchange::run(stream, checked, self.largest).await
        };
        match time {
            None => fetched.await,
            Some(time) => timeout(time, fetched).await.unwrap_or_else(|_| {
                Err(Refused::Unavailable(format!("no answer from {name} within {} ms", time.as_millis())))
            }),
        }
    }

    /// Connects to the first address of the host that may be reached and answers.
    async fn connect(&self, request: &Checked) -> Result<TcpStream, Refused> {
        let (host, port) = (&request.to.host, request.to.port);
        if !self.allowed.has(host, port) {
            return Err(Refused::Denied(format!("{host}:{port} is not in `allow` of the plugin's section [http]")));
        }
        let addresses = self.addresses(host).await?;
        // ::ffff:127.0.0.1 is 127.0.0.1 in other words, for whoever judges and for whoever connects.
        let addresses = addresses.iter().map(IpAddr::to_canonical);
        let (open, closed): (Vec<IpAddr>, Vec<IpAddr>) =
            addresses.partition(|address| self.may_reach(SocketAddr::new(*address, port)));
        if let (true, Some(first)) = (open.is_empty(), closed.first()) {
            return Err(Refused::Denied(format!("{host} leads to {first}, which is inside; it is not connected to")));
        }
        for address in open.into_iter().take(ADDRESSES) {
            if let Ok(Ok(stream)) = timeout(CONNECT, TcpStream::connect((address, port))).await {
                return self.is_elsewhere(&stream).then_some(stream).ok_or_else(|| {
                    Refused::Denied(format!("{host}:{port} leads to a door of this program; it is not connected to"))
                });
            }
        }
        Err(Refused::Unavailable(format!("no connection to {host}:{port}")))
    }

    async fn addresses(&self, host: &Host) -> Result<Vec<IpAddr>, Refused> {
        match host {
            Host::Address(address) => Ok(vec![*address]),
            Host::Name(name) => {
                let unavailable = || Refused::Unavailable(format!("no address of {name} is known"));
                let resolver = self.resolver.as_ref().ok_or_else(unavailable)?;
                resolver.addresses(name).await.map(|found| found.addresses.clone()).map_err(|_| unavailable())
            }
        }
    }

    /// Returns whether an address may be connected to, whatever name led there.
    fn may_reach(&self, to: SocketAddr) -> bool {
        let named = self.allowed.names(to);
        named || (address::is_public(to.ip()) && !self.listeners.contains(&to))
    }

    /// Returns whether a connection leads out of this program. A listener at all addresses is known by its port, on a connection
    /// from this machine to itself.
    fn is_elsewhere(&self, stream: &TcpStream) -> bool {
        let (Ok(local), Ok(peer)) = (stream.local_addr(), stream.peer_addr()) else { return false };
        let is_ours = |listener: &SocketAddr| listener.ip().is_unspecified() && listener.port() == peer.port();
        local.ip() != peer.ip() || self.allowed.names(peer) || !self.listeners.iter().any(is_ours)
    }
}

#[cfg(test)]
mod tests;
