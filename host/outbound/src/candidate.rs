//! An address to try, with the name it was found under.

use std::fmt;
use std::net::SocketAddr;

/// One address to try.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// The name it was found under; the address itself if there was none.
    pub name: String,
    /// Address and port.
    pub addr: SocketAddr,
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.addr.ip().to_string() == self.name {
            return self.addr.fmt(f);
        }
        write!(f, "{} ({})", self.name, self.addr)
    }
}
