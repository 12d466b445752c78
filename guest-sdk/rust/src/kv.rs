//! Values that outlive the host, for plugins that were granted `kv`.
//!
//! A plugin that may wait is asked on threads of its own, so this costs others nothing; each [`set`] waits for the disk.
//!
//! A value holds from the moment it is set, whatever becomes of the message: one that is refused later comes again. So what is
//! kept had better be true either way, as here: the first mail from a domain is put off, and remembered.
//!
//! ```
//! use tollgate_sdk::{Message, MessageReceived, Reply, Verdict, kv, defer, register};
//!
//! #[derive(Default)]
//! struct Greylist;
//!
//! impl MessageReceived for Greylist {
//!     fn message_received(&self, message: &Message) -> Result<Verdict, Reply> {
//!         let busy = |_| defer("4.3.0", "try again later");
//!         let sender = message.sender().map_or_else(String::new, |sender| sender.domain);
//!         if kv::get(&format!("known/{sender}")).map_err(busy)?.is_some() {
//!             return Ok(Verdict::Accept);
//!         }
//!         kv::set(&format!("known/{sender}"), b"", Some(kv::DAY_MS)).map_err(busy)?;
//!         Err(defer("4.7.1", "we do not know you yet, try again later"))
//!     }
//! }
//!
//! register!(Greylist: message_received);
//! ```

#[cfg(target_family = "wasm")]
pub use crate::bindings::waiting::tollgate::policy::kv::{delete, get, set};
pub use crate::counters::DAY_MS;
#[cfg(not(target_family = "wasm"))]
pub use crate::native::host::kv::{delete, get, set};
