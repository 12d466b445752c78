//! Requests over HTTP, for plugins that were granted `http-client`: to hosts that the operator lists, over TLS or in clear,
//! without redirects.
//!
//! ```
//! use tollgate_sdk::{Message, MessageReceived, Reply, Verdict, defer, http, register, reject};
//!
//! #[derive(Default)]
//! struct Asks;
//!
//! impl MessageReceived for Asks {
//!     fn message_received(&self, message: &Message) -> Result<Verdict, Reply> {
//!         let request = http::Request { timeout_ms: Some(1000), ..http::get(&format!("https://api.example/{}", message.id())) };
//!         match http::fetch(&request) {
//!             Ok(response) if response.status == 403 => Err(reject("5.7.1", "not wanted here")),
//!             Ok(_) => Ok(Verdict::Accept),
//!             Err(_) => Err(defer("4.3.0", "try again later")),
//!         }
//!     }
//! }
//!
//! register!(Asks: message_received);
//! ```

#[cfg(target_family = "wasm")]
pub use crate::bindings::waiting::tollgate::policy::http_client::fetch;
pub use crate::bindings::waiting::tollgate::policy::http_client::{Request, Response};
#[cfg(not(target_family = "wasm"))]
pub use crate::native::host::http_client::fetch;

/// Returns a request for what a URL names.
///
/// ```
/// let request = tollgate_sdk::http::get("https://list.example/");
/// assert_eq!((&*request.method, request.body.len()), ("GET", 0));
/// ```
#[must_use]
pub fn get(url: &str) -> Request {
    Request { method: "GET".to_owned(), url: url.to_owned(), headers: Vec::new(), body: Vec::new(), timeout_ms: None }
}
