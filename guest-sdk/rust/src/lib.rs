//! Write Tollgate policy plugins in Rust.
//!
//! A plugin is a type that implements a trait for each event it handles, and one line that registers them:
//!
//! ```
//! use tollgate_sdk::{Message, MessageReceived, Reply, Verdict, register};
//!
//! #[derive(Default)]
//! struct NoEmptySubject;
//!
//! impl MessageReceived for NoEmptySubject {
//!     fn message_received(&self, message: &Message) -> Result<Verdict, Reply> {
//!         match message.first_header("Subject") {
//!             Some(subject) if !subject.is_empty() => Ok(Verdict::Accept),
//!             _ => Err(tollgate_sdk::reject("5.6.0", "a subject is needed here")),
//!         }
//!     }
//! }
//!
//! register!(NoEmptySubject: message_received);
//! ```
//!
//! Built for `wasm32-unknown-unknown` and wrapped as a component, it exports just the events that it registers, and the
//! host calls just those. It can do what the host offers (see `wit/`) and nothing else: no files, no network, no clock but
//! the host's coarse one. A panic is logged with its place and ends the instance; the host answers for the message.

#![forbid(unsafe_op_in_unsafe_fn)]

#[cfg(any(test, all(target_family = "wasm", feature = "allocator")))]
#[allow(unsafe_code, reason = "an allocator hands out memory")]
mod allocator;
#[allow(
    missing_docs,
    unsafe_code,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::allow_attributes_without_reason,
    reason = "generated from wit/, which documents every item"
)]
pub mod bindings;
#[cfg(feature = "config")]
pub mod config;
pub mod counters;
pub mod dns;
mod event;
#[cfg(all(target_family = "wasm", feature = "allocator"))]
#[allow(unsafe_code, reason = "an allocator hands out memory")]
mod heap;
pub mod http;
pub mod kv;
pub mod log;
mod metadata;
pub mod metrics;
#[cfg(not(target_family = "wasm"))]
#[doc(hidden)]
pub mod native;
mod panic;
mod register;
#[cfg(not(target_family = "wasm"))]
pub mod testing;

use std::fmt;

#[cfg(target_family = "wasm")]
pub use bindings::host::tollgate::policy::{
    clock,
    egress_settings::{EgressPath, EgressPool, EgressSource},
    message::Message,
    queue_settings::QueueConfig as Settings,
    queued_message::QueuedMessage,
    session::Session,
};
pub use bindings::{
    configure::exports::tollgate::policy::configure::{
        Diagnostic, File, Loaded, Reference, ReferenceKind, Refused, Severity,
    },
    host::tollgate::policy::{
        message::{Answer, Edit, Origin, Question},
        queue_settings::{RefreshStrategy, Setting},
        types::{Mailbox, PolicyError, QueueName, Rate, Reply},
    },
    message_received::exports::tollgate::policy::message_received::Verdict,
    throttles::exports::tollgate::policy::throttles::{Scope, Throttle},
};
pub use event::{
    Configure, Configured, Egress, MessageBrief, MessageReceived, QueueBrief, QueueConfig, Record, Requeue,
    SmtpSession, Throttles,
};
#[cfg(not(target_family = "wasm"))]
pub use native::{
    egress::{EgressPath, EgressPool, EgressSource},
    host::clock,
    message::Message,
    queued::QueuedMessage,
    session::Session,
    settings::Settings,
};
/// A setting of a queue, and where it was written (`queues.toml:12`), for people.
///
/// ```
/// use tollgate_sdk::{Setting, Written};
///
/// let age: Written = (Setting::MaxAge(86_400_000), Some("queues.toml:12".to_owned()));
/// assert_eq!(age.1.as_deref(), Some("queues.toml:12"));
/// ```
pub type Written = (Setting, Option<String>);
/// Most octets that a value of metadata has.
///
/// ```
/// let fits = |value: &str| value.len() <= tollgate_sdk::LONGEST_META;
/// assert_eq!((fits("spring"), fits(&"x".repeat(20_000))), (true, false));
/// ```
pub const LONGEST_META: usize = 16 << 10;
/// Runs what configures a plugin, apart from the memory that events take; called by what `register!` writes.
#[doc(hidden)]
pub fn __configuring<T>(configure: impl FnOnce() -> T) -> T {
    #[cfg(all(target_family = "wasm", feature = "allocator"))]
    ALLOCATOR.close(true);
    let configured = configure();
    #[cfg(all(target_family = "wasm", feature = "allocator"))]
    ALLOCATOR.close(false);
    configured
}
#[cfg(all(target_family = "wasm", feature = "allocator"))]
#[global_allocator]
static ALLOCATOR: allocator::Blocks = allocator::Blocks::new();
#[doc(hidden)]
pub use bindings::message_brief::exports::tollgate::policy::message_brief::Judgement as __Judgement;
#[doc(hidden)]
pub const __SDK: &str = concat!("tollgate-sdk ", env!("CARGO_PKG_VERSION"));
#[doc(hidden)]
pub use metadata::{json as __json, json_len as __json_len};
#[doc(hidden)]
pub use panic::install as install_panic_hook;

pub mod brief {
    //! What is asked of every message by a plugin that is told of them in brief.

    pub use crate::bindings::message_brief::exports::tollgate::policy::message_brief::Question;
}

pub mod domains {
    //! Domain names as the host compares them.

    /// Returns the form in which domains are compared: lower-case A-labels, no trailing dot.
    #[must_use]
    #[cfg(all(target_family = "wasm", not(feature = "domains")))]
    pub fn normalize(domain: &str) -> String {
        crate::bindings::host::tollgate::policy::domains::normalize(domain)
    }

    /// Returns the form in which domains are compared: lower-case A-labels, no trailing dot.
    ///
    /// With the feature `domains`, and in tests on the machine at hand, by the host's own code and without a call to it.
    ///
    /// ```
    /// assert_eq!(tollgate_sdk::domains::normalize("BÜCHER.example."), "xn--bcher-kva.example");
    /// ```
    #[must_use]
    #[cfg(any(not(target_family = "wasm"), feature = "domains"))]
    pub fn normalize(domain: &str) -> String {
        tollgate_config::domain::normalize(domain)
    }
}

/// `params.toml:3:1 message`, with as much of the place as is known.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            f.write_str(file)?;
            for number in [self.line, self.column].into_iter().flatten() {
                write!(f, ":{number}")?;
            }
            f.write_str(" ")?;
        }
        f.write_str(&self.message)
    }
}

/// Returns a judgement as it crosses to the host.
#[doc(hidden)]
#[must_use]
pub fn __judgement(edits: Vec<Edit>, verdict: Result<Verdict, Reply>) -> __Judgement {
    use bindings::message_brief::exports::tollgate::policy::message_brief::Verdict as Brief;
    let verdict = match verdict {
        Ok(Verdict::Accept) => Brief::Accept,
        Ok(Verdict::Discard) => Brief::Discard,
        Ok(Verdict::Hold(reason)) => Brief::Hold(reason),
        Err(reply) => Brief::Refuse(reply),
    };
    __Judgement { edits, verdict }
}

/// Returns a permanent refusal, `550` with this enhanced code (`5.x.y`, RFC 3463) and text.
///
/// ```
/// let reply = tollgate_sdk::reject("5.7.1", "not for you");
/// assert_eq!((reply.code, reply.enhanced.as_deref(), &*reply.text), (550, Some("5.7.1"), "not for you"));
/// ```
#[must_use]
pub fn reject(enhanced: &str, text: &str) -> Reply {
    Reply { code: 550, enhanced: Some(enhanced.to_owned()), text: text.to_owned() }
}

/// Returns a temporary refusal, `451` with this enhanced code (`4.x.y`, RFC 3463) and text.
///
/// ```
/// let reply = tollgate_sdk::defer("4.7.0", "not now");
/// assert_eq!((reply.code, reply.enhanced.as_deref()), (451, Some("4.7.0")));
/// ```
#[must_use]
pub fn defer(enhanced: &str, text: &str) -> Reply {
    Reply { code: 451, enhanced: Some(enhanced.to_owned()), text: text.to_owned() }
}
