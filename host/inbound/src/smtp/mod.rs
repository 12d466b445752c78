//! The SMTP door: listeners that accept connections, and sessions that drive the protocol over them.
//!
//! Connections come in, transactions go out. The order of commands and every rule about octets is
//! [`tollgate_smtp::server`]'s; here are sockets, time-outs, limits, and who may relay.

mod envelope;
mod listener;
mod session;

pub use listener::{Listener, ListenerConfig, ListenerHandle};
