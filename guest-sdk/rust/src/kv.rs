//! Values that outlive the host, for plugins that were granted `kv`.
//!
//! A plugin that may wait is asked on threads of its own, so this costs others nothing; each [`set`] waits for the disk.
//!
//! ```
//! use tollgate_sdk::{Message, MessageReceived, Reply, Verdict, kv, defer, register};
//!
//! #[derive(Default)]
//! struct Seen;
//!
//! impl MessageReceived for Seen {
//!     fn message_received(&self, message: &Message) -> Result<Verdict, Reply> {
//!         let busy = |_| defer("4.3.0", "try again later");
//!         let id = message.first_header("Message-ID").unwrap_or_default();
//!         if kv::get(&id).map_err(busy)?.is_some() {
//!             return Ok(Verdict::Discard);
//!         }
//!         kv::set(&id, message.id().as_bytes(), Some(kv::DAY_MS)).map_err(busy)?;
//!         Ok(Verdict::Accept)
//!     }
//! }
//!
//! register!(Seen: message_received);
//! ```

pub use crate::bindings::waiting::tollgate::policy::kv::{delete, get, set};
pub use crate::counters::DAY_MS;
