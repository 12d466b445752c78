//! What tests share.

mod message;

pub use message::received;

/// Plugins built as components.
pub mod guest {
    /// The stock plugin.
    pub const QUEUE_HELPER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/queue-helper.wasm"));
    /// The example that refuses mail without a subject.
    pub const HELLO: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/hello.wasm"));
    /// Does what the field `X-Do` of a message says; see `tests/guests/rogue`.
    pub const ROGUE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/rogue.wasm"));
    /// Judges sessions, defines egress, moves what was put off, counts records; see `tests/guests/gatekeeper`.
    pub const GATEKEEPER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/gatekeeper.wasm"));
    /// Wants what the field `X-Try` of a message, or the campaign of a queue, says; see `tests/guests/greedy`.
    pub const GREEDY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/greedy.wasm"));
    /// Is told of messages in brief, and does what the field `X-Try` says; see `tests/guests/curt`.
    pub const CURT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/curt.wasm"));
    /// Keeps values, looks names up and fetches, as the field `X-Do` of a message says; see `tests/guests/errand`.
    pub const ERRAND: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/errand.wasm"));
    /// Counts, as the field `X-Do` of a message says; see `tests/guests/keeper`.
    pub const KEEPER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/keeper.wasm"));
    /// Breaks one clause of the contract of all plugins, the one that its file names; see `tests/guests/faulty`.
    pub const FAULTY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/faulty.wasm"));
    /// The example that takes the tenant out of a header.
    pub const TENANT_HEADER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/tollgate-example-tenant-header.wasm"));
    /// The example whose egress pool is named after the tenant.
    pub const TENANT_POOL: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/tollgate-example-tenant-pool.wasm"));
    /// The example that lays a tenant's parameters over global ones.
    pub const TENANT_PARAMETERS: &[u8] =
        include_bytes!(concat!(env!("OUT_DIR"), "/tollgate-example-tenant-parameters.wasm"));
}
