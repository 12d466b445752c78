//! What of people's mail does not go into a file of events.
//!
//! A value that is not kept becomes a digest of it, keyed for this recording alone: equal values stay equal, so that what a
//! plugin does with them can still be seen, and nobody can find a value by trying out likely ones.

use std::net::{IpAddr, SocketAddr};

use serde_json::{Map, Value};
use tollgate_message::{Meta, meta};

/// What is kept, and the key of what is not.
#[derive(Clone, Debug)]
pub struct Redaction {
    key: [u8; 32],
    headers: Vec<String>,
    everything: bool,
}

/// Headers whose values are kept in any case: they say how a message is made, and whose it is to us.
const STRUCTURE: [&str; 5] =
    ["MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Auto-Submitted", "Precedence"];

impl Redaction {
    /// Returns the one that keeps these headers, besides those that say how a message is made, and domains.
    #[must_use]
    pub fn keeping(headers: Vec<String>, key: [u8; 32]) -> Self {
        Self { key, headers, everything: false }
    }

    /// Returns the one that keeps everything, bodies too.
    #[must_use]
    pub fn none() -> Self {
        Self { key: [0; 32], headers: Vec::new(), everything: true }
    }

    /// Returns a mailbox: its domain is kept.
    #[must_use]
    pub fn address(&self, address: &str) -> String {
        match address.rsplit_once('@') {
            _ if self.everything => address.to_owned(),
            Some((local, domain)) => format!("{}@{domain}", self.digest(local)),
            None => self.digest(address),
        }
    }

    /// Returns the value of a header field.
    #[must_use]
    pub fn header(&self, name: &str, value: &str) -> String {
        let kept = STRUCTURE.into_iter().chain(self.headers.iter().map(String::as_str));
        let is_kept = self.everything || kept.into_iter().any(|kept| kept.eq_ignore_ascii_case(name));
        if is_kept || value.is_empty() { value.to_owned() } else { self.digest(value) }
    }

    /// Returns an address: the network that it is in.
    #[must_use]
    pub fn peer(&self, peer: SocketAddr) -> SocketAddr {
        if self.everything {
            return peer;
        }
        let ip = match peer.ip() {
            IpAddr::V4(ip) => IpAddr::from((u32::from(ip) & 0xffff_ff00).to_be_bytes()),
            IpAddr::V6(ip) => IpAddr::from((u128::from(ip) & (u128::MAX << 80)).to_be_bytes()),
        };
        SocketAddr::new(ip, 0)
    }

    pub(super) fn meta(&self, meta: &Meta) -> Value {
        let value = |key: &str, value: &str| match meta::QUEUE_KEYS.contains(&key) || self.everything {
            true => value.to_owned(),
            false => self.digest(value),
        };
        Value::Object(meta.iter().map(|(key, text)| (key.clone(), value(key, text).into())).collect::<Map<_, _>>())
    }

    pub(super) fn keeps_body(&self) -> bool {
        self.everything
    }

    fn digest(&self, value: &str) -> String {
        format!("x{}", &blake3::keyed_hash(&self.key, value.as_bytes()).to_hex()[..12])
    }
}
