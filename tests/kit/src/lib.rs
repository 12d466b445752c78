//! What tests share.

/// Plugins built as components.
pub mod guest {
    /// The stock plugin.
    pub const QUEUE_HELPER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/queue-helper.wasm"));
    /// The example that refuses mail without a subject.
    pub const HELLO: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/hello.wasm"));
    /// Does what the field `X-Do` of a message says; see `tests/guests/rogue`.
    pub const ROGUE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/rogue.wasm"));
}
