//! Ready queues: mail that may go now, by source and site.
//!
//! A *site* is a set of hosts that many domains share, and a *lane* is one pool's mail to one site. A ready queue with
//! room pulls: its lanes give it the next message, fairly over tenants and then over their queues (`fairness`), and the
//! pool's weights decide which source a message gets ([`pool`]). Above is the scheduled queue, which keeps what finds no
//! room; below is the outbound stage, which asks for one message at a time for each of its connections.
//!
//! Connections rise with the mail that waits, ever more slowly towards the limit, and a refused one stops the rise: a site
//! that turns away the eleventh connection keeps ten.

pub(crate) mod fairness;
pub(crate) mod lane;
pub mod limits;
pub mod pool;
pub(crate) mod ready_queue;
pub mod site;

pub use limits::{Limits, OwnLimits, Shared};
pub use pool::Pool;
pub use site::{Hosts, Maildir, Site};
