//! A session that is open.

use crate::Origin;

/// A session, as a test has made it; see [`crate::testing::Session`].
///
/// ```
/// let session: tollgate_sdk::Session = tollgate_sdk::testing::Session::from(([192, 0, 2, 7], 4711).into()).build();
/// assert_eq!(session.peer_port(), 4711);
/// ```
#[derive(Clone, Debug)]
pub struct Session(pub(crate) crate::testing::Session);

impl Session {
    /// Returns through which door the client came. Over HTTP a session is a request, of which only `auth` hears.
    ///
    /// ```
    /// # let session = tollgate_sdk::testing::Session::from(([192, 0, 2, 7], 4711).into()).build();
    /// assert_eq!(session.origin(), tollgate_sdk::Origin::Smtp);
    /// ```
    pub fn origin(&self) -> Origin {
        self.0.origin
    }

    /// Returns the listener's name in `tollgate.toml`; `http` over HTTP.
    ///
    /// ```
    /// # let session = tollgate_sdk::testing::Session::from(([192, 0, 2, 7], 4711).into()).build();
    /// assert_eq!(session.listener(), "main");
    /// ```
    pub fn listener(&self) -> String {
        self.0.listener.clone()
    }

    /// Returns our name at this listener.
    ///
    /// ```
    /// # let session = tollgate_sdk::testing::Session::from(([192, 0, 2, 7], 4711).into()).build();
    /// assert_eq!(session.hostname(), "mta.example");
    /// ```
    pub fn hostname(&self) -> String {
        self.0.hostname.clone()
    }

    /// Returns the client's address, without the port; IPv4 is never written inside IPv6.
    ///
    /// ```
    /// # let session = tollgate_sdk::testing::Session::from(([192, 0, 2, 7], 4711).into()).build();
    /// assert_eq!(session.peer_address(), "192.0.2.7");
    /// ```
    pub fn peer_address(&self) -> String {
        self.0.peer.ip().to_canonical().to_string()
    }

    /// Returns the client's port.
    ///
    /// ```
    /// # let session = tollgate_sdk::testing::Session::from(([192, 0, 2, 7], 4711).into()).build();
    /// assert_eq!(session.peer_port(), 4711);
    /// ```
    pub fn peer_port(&self) -> u16 {
        self.0.peer.port()
    }

    /// Returns the address that the client connected to, without the port.
    ///
    /// ```
    /// # let session = tollgate_sdk::testing::Session::from(([192, 0, 2, 7], 4711).into()).build();
    /// assert_eq!(session.local_address(), "198.51.100.1");
    /// ```
    pub fn local_address(&self) -> String {
        self.0.local.ip().to_canonical().to_string()
    }

    /// Returns the port that the client connected to.
    ///
    /// ```
    /// # let session = tollgate_sdk::testing::Session::from(([192, 0, 2, 7], 4711).into()).build();
    /// assert_eq!(session.local_port(), 25);
    /// ```
    pub fn local_port(&self) -> u16 {
        self.0.local.port()
    }

    /// Returns the name that the client gave with the last EHLO or HELO that was not refused, as sent: its word and nothing
    /// more. Absent before there was one.
    ///
    /// ```
    /// # let session = tollgate_sdk::testing::Session::from(([192, 0, 2, 7], 4711).into()).build();
    /// // It has said nothing yet.
    /// assert_eq!(session.ehlo_domain(), None);
    /// ```
    pub fn ehlo_domain(&self) -> Option<String> {
        self.0.ehlo_domain.clone()
    }

    /// Returns the authenticated identity of the session.
    ///
    /// ```
    /// # let session = tollgate_sdk::testing::Session::from(([192, 0, 2, 7], 4711).into()).build();
    /// assert_eq!(session.authz_id(), None);
    /// ```
    pub fn authz_id(&self) -> Option<String> {
        self.0.authz_id.clone()
    }

    /// Returns whether the session may send to any domain.
    ///
    /// ```
    /// # let session = tollgate_sdk::testing::Session::from(([192, 0, 2, 7], 4711).into()).build();
    /// assert!(!session.may_relay());
    /// ```
    pub fn may_relay(&self) -> bool {
        self.0.may_relay
    }
}
