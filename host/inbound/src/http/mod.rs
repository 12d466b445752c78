//! The HTTP door: messages by injection, whether the program lives, and its metrics.
//!
//! Requests come in; transactions and JSON answers go out. Every request passes the [`Gate`] before its body is read,
//! liveness excepted. Administration is not here: whoever offers it brings its routes along ([`Services::routes`]).
//!
//! * `server`: sockets, limits and time-outs. `api`: what the paths do. `body`, `inject`: a request to transactions.
//! * `gate`: who may. `passwords`, `tokens`: whether a secret is right. `failure`: how no is said.
//!
//! Rules: RFC 9110 and 9112; paths and fields are KumoMTA's where the meaning is the same.

mod api;
mod body;
mod failure;
mod gate;
mod inject;
mod passwords;
mod server;
mod tokens;

pub use api::Services;
pub use failure::Failure;
pub use gate::Gate;
pub use passwords::{BadPasswordHash, Passwords};
pub use server::{HttpConfig, HttpHandle, HttpServer, SetupError};
pub use tokens::{BadTokenHash, TokenHash, Tokens};

pub use crate::caller::Caller;
pub use crate::socket::Ends;
