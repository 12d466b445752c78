//! Numbers that the plugin shows to whoever watches the host: `tollgate_plugin_counter_total{plugin,name}` in `/metrics`.
//!
//! They are declared while the plugin is configured, 32 at the most, so a plugin that counts has `configure` among its events.
//!
//! ```
//! use tollgate_sdk::{Configure, Configured, File, Message, MessageReceived, Refused, Reply, Verdict, metrics, register};
//!
//! struct Counting;
//!
//! impl Configure for Counting {
//!     fn configure(_files: Vec<File>) -> Result<Configured<Self>, Refused> {
//!         metrics::declare("without_subject", "Messages without a subject").expect("a good name");
//!         Ok(Configured { plugin: Self, diagnostics: Vec::new(), references: Vec::new() })
//!     }
//! }
//!
//! impl MessageReceived for Counting {
//!     fn message_received(&self, message: &Message) -> Result<Verdict, Reply> {
//!         if message.first_header("Subject").is_none() {
//!             metrics::increment("without_subject", 1).expect("declared above");
//!         }
//!         Ok(Verdict::Accept)
//!     }
//! }
//!
//! register!(Counting: configure, message_received);
//! ```

#[cfg(target_family = "wasm")]
pub use crate::bindings::host::tollgate::policy::metrics::{declare, increment};
#[cfg(not(target_family = "wasm"))]
pub use crate::native::host::metrics::{declare, increment};
