//! Log records on their way to plugins, behind everything else.
//!
//! Whoever writes a record leaves its text here and goes on. One task hands batches over, one after the other; where plugins do
//! not keep up, records are dropped and counted. The log has them all.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;
use tollgate_policy::event::record::{Batch, LARGEST};

use super::node::Node;

/// How many records may wait for plugins.
const WAITING: usize = 10_000;

/// How long the task rests after a batch that was not full: records gather meanwhile, and a plugin is not called for each.
const REST: Duration = Duration::from_millis(50);

/// The records that wait for plugins.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    waiting: Mutex<Waiting>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    records: VecDeque<String>,
    closed: bool,
}

impl Feed {
    /// Leaves a record; returns whether there was room for it.
    pub(crate) fn offer(&self, record: String) -> bool {
        let mut waiting = self.lock();
        if waiting.records.len() >= WAITING {
            return false;
        }
        waiting.records.push_back(record);
        drop(waiting);
        self.wake.notify_one();
        true
    }

    /// Says that no more will come: what waits is handed over, then the task ends.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_one();
    }

    /// Returns the next batch; nothing once there will be none.
    async fn next(&self) -> Option<Batch> {
        loop {
            {
                let mut waiting = self.lock();
                let count = waiting.records.len().min(LARGEST);
                if count > 0 {
                    return Some(waiting.records.drain(..count).collect());
                }
                if waiting.closed {
                    return None;
                }
            }
            // One permit is kept for whoever comes too early, so nothing is missed in between.
            self.wake.notified().await;
        }
    }

    fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hands records over until the feed is closed and empty.
pub(crate) async fn hand_over(node: Arc<Node>) {
    while let Some(batch) = node.feed.next().await {
        let count = batch.len();
        for failure in node.generation().chain.record(&batch).await {
            node.metrics.records_dropped(failure.kind.word(), count as u64);
        }
        if count < LARGEST && !node.feed.is_closed() {
            tokio::time::sleep(REST).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_waits_comes_in_batches_in_order_and_what_is_too_much_is_not_taken() {
        let feed = Feed::default();
        let taken = (0..WAITING + 2).filter(|number| feed.offer(number.to_string())).count();
        feed.close();

        let (mut sizes, mut last) = (Vec::new(), None);
        while let Some(batch) = feed.next().await {
            sizes.push(batch.len());
            last = batch.last().cloned();
        }

        let expected = (WAITING, vec![LARGEST; WAITING / LARGEST], Some((WAITING - 1).to_string()));
        assert_eq!((taken, sizes, last), expected);
    }
}
