//! How one scheduled queue behaves: resolved values, nothing left to look up.
//!
//! Policy merges what files and plugins say and hands over one of these per queue. Values are not judged here; what a
//! file may say is checked where it is read.

use std::time::Duration;

use crate::{
    ready::{Limits, Maildir},
    throttle::Throttle,
};

/// Retry behaviour, egress pool and route of a scheduled queue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueueConfig {
    /// The wait after the first failed attempt; it doubles with each further one. Whole seconds, at least one; less
    /// counts as one second.
    pub retry_interval: Duration,
    /// The longest wait between attempts; `None` lets it double without end. Wins over `retry_interval` where smaller.
    pub max_retry_interval: Option<Duration>,
    /// The age at which no further attempt is planned.
    pub max_age: Duration,
    /// The pool whose sources send the mail; `None` is the pool `unspecified`.
    pub egress_pool: Option<String>,
    /// Where the mail goes.
    pub route: Route,
    /// The rates that its messages keep on their way to ready queues, its own and those that it shares; each lets a
    /// message through or none is charged.
    pub throttles: Vec<Throttle>,
    /// What holds at the site that the queue leads to, if it is the first to lead there; `None` is the node's limits.
    pub limits: Option<Limits>,
    /// How long the queue is remembered when it is empty.
    pub reap_interval: Duration,
}

/// How the next hops of a queue are found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Route {
    /// By the mail exchangers of the routing domain, else the domain; an address literal there is the hop itself.
    #[default]
    ByMx,
    /// By these hops in this order, without a look-up: a name, `name:port`, `[address]` or `[address]:port`.
    MxList(Vec<String>),
    /// Into mailboxes of this machine; the queue's pool has no say.
    Maildir(Maildir),
    /// Nowhere: each due message ends as discarded.
    Discard,
}

impl Default for QueueConfig {
    /// Returns the values of a queue about which nobody said anything: 20 minutes doubling without end, 7 days, by MX, no
    /// rates, remembered for 10 minutes.
    fn default() -> Self {
        Self {
            retry_interval: Duration::from_secs(20 * 60),
            max_retry_interval: None,
            max_age: Duration::from_secs(7 * 24 * 3600),
            egress_pool: None,
            route: Route::ByMx,
            throttles: Vec::new(),
            limits: None,
            reap_interval: Duration::from_secs(10 * 60),
        }
    }
}
