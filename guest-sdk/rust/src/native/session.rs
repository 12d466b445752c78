//! A session that is open.

use crate::Origin;

/// A session, as a test has made it; see [`crate::testing::Session`].
#[derive(Clone, Debug)]
pub struct Session(pub(crate) crate::testing::Session);

#[allow(missing_docs, reason = "wit/v0.1/host.wit documents every one of these")]
impl Session {
    pub fn origin(&self) -> Origin {
        self.0.origin
    }

    pub fn listener(&self) -> String {
        self.0.listener.clone()
    }

    pub fn hostname(&self) -> String {
        self.0.hostname.clone()
    }

    pub fn peer_address(&self) -> String {
        self.0.peer.ip().to_canonical().to_string()
    }

    pub fn peer_port(&self) -> u16 {
        self.0.peer.port()
    }

    pub fn local_address(&self) -> String {
        self.0.local.ip().to_canonical().to_string()
    }

    pub fn local_port(&self) -> u16 {
        self.0.local.port()
    }

    pub fn ehlo_domain(&self) -> Option<String> {
        self.0.ehlo_domain.clone()
    }

    pub fn authz_id(&self) -> Option<String> {
        self.0.authz_id.clone()
    }

    pub fn may_relay(&self) -> bool {
        self.0.may_relay
    }
}
