//! What a client wants before there is a message, for whoever else has a say in it.
//!
//! The doors' own rules come first: who may not relay is refused here, whatever others would say. A [`Visit`] goes out
//! through the [`crate::Submit`] seam, and what comes back can refuse and no more.

use std::sync::Arc;

use tollgate_message::{Address, Session};

/// A client in a session, and what it wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The listener's name in the configuration.
    pub listener: Arc<str>,
    /// What is known of the client by now.
    pub session: Session,
    /// What it wants.
    pub wish: Wish,
}

/// What a client wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// To be greeted.
    Connect,
    /// To go by this name.
    Hello(String),
    /// To send as this sender; `None` is the null sender.
    Mail(Option<Address>),
    /// To send to this recipient.
    Rcpt {
        /// The sender of the transaction.
        sender: Option<Address>,
        /// The recipient.
        recipient: Address,
    },
}
