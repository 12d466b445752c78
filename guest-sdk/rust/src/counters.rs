//! Numbers that outlive an event, for plugins that were granted `counters`.
//!
//! How often did this sender write in the last hour? When was this triplet of client, sender and recipient seen first? The host
//! keeps the numbers in memory: they are this plugin's own (a tenant's component: the tenant's), all its instances count
//! together, and they are gone when the host starts anew. There is room for so many keys; what was added to least recently
//! makes room.
//!
//! ```
//! use tollgate_sdk::{Message, MessageReceived, PolicyError, Reply, Verdict, counters, defer, register};
//!
//! #[derive(Default)]
//! struct Cap;
//!
//! impl MessageReceived for Cap {
//!     fn message_received(&self, message: &Message) -> Result<Verdict, Reply> {
//!         let sender = message.sender().map_or_else(String::new, |sender| format!("{}@{}", sender.local_part, sender.domain));
//!         match counters::increment(&sender, 1, counters::HOUR_MS) {
//!             Ok(sent) if sent > 100 => Err(defer("4.7.1", "too many messages in an hour")),
//!             _ => Ok(Verdict::Accept),
//!         }
//!     }
//! }
//!
//! register!(Cap: message_received);
//! ```

#[cfg(target_family = "wasm")]
pub use crate::bindings::host::tollgate::policy::counters::{age_ms, get, increment, reset};
#[cfg(not(target_family = "wasm"))]
pub use crate::native::host::counters::{age_ms, get, increment, reset};

/// An hour in milliseconds.
pub const HOUR_MS: u64 = 60 * 60 * 1000;
/// A day in milliseconds.
pub const DAY_MS: u64 = 24 * HOUR_MS;
