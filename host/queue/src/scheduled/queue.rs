//! One scheduled queue: its name, its configuration, its due messages, and its administrative mark.
//!
//! A queue is parked (suspended) as a whole: its messages are not touched, they keep their due times and pile up in its
//! list of due messages, and whoever serves queues passes it by. Whether it is served, and by whom, is its
//! [`Standing`]; [`crate::engine`] moves it from one to the next.
//!
//! Invariant: a queue with due messages that is not parked stands anywhere but at rest.

use std::sync::Arc;

use tollgate_message::{QueueName, Timestamp};

use super::{QueueConfig, Route, list::List};
use crate::{
    engine::{Cause, FOREVER, Ticket},
    ready::Site,
};

/// Who looks after a queue's due messages.
#[derive(Clone, Debug)]
pub(crate) enum Standing {
    /// Nobody: there are none, or the queue is parked.
    Rest,
    /// The shell is finding out where they go.
    Resolving,
    /// This lane serves them.
    Lane(u32),
    /// They wait for a bucket to let one of them through.
    Throttled(Ticket),
    /// The first `left` of them end with `cause`, a few at a time.
    Swept {
        /// How many are still to end.
        left: u32,
        /// What becomes of them.
        cause: Cause,
    },
}

/// A scheduled queue.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) name: Arc<QueueName>,
    pub(crate) config: QueueConfig,
    /// The tenant's number, for fair shares.
    pub(crate) tenant: u32,
    /// The engine's numbers for the buckets of its throttles.
    pub(crate) buckets: Vec<u32>,
    pub(crate) due: List,
    /// All its messages, wherever they are.
    pub(crate) messages: u32,
    /// Those in buffers of ready queues.
    pub(crate) ready: u32,
    pub(crate) in_flight: u32,
    /// Until when it is not served.
    pub(crate) parked: Option<Timestamp>,
    pub(crate) standing: Standing,
    /// Where its mail goes, and until when that holds.
    pub(crate) site: Option<(Arc<Site>, Timestamp)>,
    /// When its due messages are looked over for their age.
    pub(crate) look: Option<Timestamp>,
    /// When it was last given a message or a configuration.
    pub(crate) touched: Timestamp,
}

/// Where a queue's mail goes, as far as is known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Destination {
    /// To this site.
    Site(Arc<Site>),
    /// Nowhere, on purpose.
    Discard,
    /// Not known: the name in the route has to be resolved.
    Unresolved,
}

impl Queue {
    pub(crate) fn new(name: Arc<QueueName>, tenant: u32, config: QueueConfig, now: Timestamp) -> Self {
        let mut queue = Self {
            name,
            config: QueueConfig::default(),
            tenant,
            buckets: Vec::new(),
            due: List::new(),
            messages: 0,
            ready: 0,
            in_flight: 0,
            parked: None,
            standing: Standing::Rest,
            site: None,
            look: None,
            touched: now,
        };
        queue.configure(config);
        queue
    }

    /// Takes a new configuration; forgets where the mail goes, so that a new route is followed.
    pub(crate) fn configure(&mut self, config: QueueConfig) {
        self.config = config;
        self.site = self.fixed_site().map(|site| (Arc::new(site), FOREVER));
    }

    /// Returns where the mail goes at this time.
    pub(crate) fn destination(&self, now: Timestamp) -> Destination {
        match (&self.config.route, &self.site) {
            (Route::Discard, _) => Destination::Discard,
            (_, Some((site, until))) if now < *until => Destination::Site(Arc::clone(site)),
            _ => Destination::Unresolved,
        }
    }

    /// Returns whether the queue is not to be served.
    pub(crate) fn is_parked(&self) -> bool {
        self.parked.is_some()
    }

    /// Returns the site that needs no look-up: a list of hops, an address literal, or mailboxes here.
    fn fixed_site(&self) -> Option<Site> {
        let route = self.name.route();
        match &self.config.route {
            Route::MxList(hops) => Some(Site::of_mx_list(hops)),
            Route::Maildir(maildir) => Some(Site::of_maildir(route, maildir)),
            Route::ByMx if route.starts_with('[') => Some(Site::of_literal(route)),
            Route::ByMx | Route::Discard => None,
        }
    }
}
