//! The words by which calls of plugins are counted, besides those of failures.

/// The outcomes that are answers.
pub(crate) const ANSWERS: [&str; 8] = ["accept", "discard", "hold", "defer", "reject", "requeue", "answer", "pass"];
/// A tenant's policy was not asked: it had used up its share of CPU time.
pub(crate) const OVER_SHARE: &str = "over-share";
/// A plugin put a queue into an egress pool that nobody defines.
pub(crate) const UNDEFINED_POOL: &str = "undefined-pool";
