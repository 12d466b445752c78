//! Look-ups of names, for plugins that were granted `dns`.
//!
//! What does not exist is an empty list. Whoever runs a name server can read what is asked for: put nothing into a name that is
//! not theirs to know.
//!
//! ```
//! use tollgate_sdk::{Mailbox, Reply, Session, SmtpSession, dns, register, reject};
//!
//! #[derive(Default)]
//! struct SenderTakesMail;
//!
//! impl SmtpSession for SenderTakesMail {
//!     fn mail(&self, _session: &Session, sender: Option<&Mailbox>) -> Result<(), Reply> {
//!         let Some(sender) = sender else { return Ok(()) };
//!         match dns::mail_exchangers(&sender.domain) {
//!             Ok(hosts) if hosts.is_empty() => Err(reject("5.1.8", "the sender's domain takes no mail")),
//!             // Where nobody knows, the doubt is the sender's gain.
//!             _ => Ok(()),
//!         }
//!     }
//! }
//!
//! register!(SenderTakesMail: smtp_session);
//! ```

#[cfg(target_family = "wasm")]
pub use crate::bindings::waiting::tollgate::policy::dns::{addresses, mail_exchangers, names, texts};
#[cfg(not(target_family = "wasm"))]
pub use crate::native::host::dns::{addresses, mail_exchangers, names, texts};
