//! Doing what the engine wants done, and telling it when time has passed.

use std::{sync::Arc, time::Duration};

use tollgate_policy::event::egress::Way;
use tollgate_queue::Action;

use super::{connection, node::Node, route};

/// Does one action. Never waits: whatever takes time becomes a task.
pub(crate) fn perform(node: &Arc<Node>, action: Action) {
    match action {
        // The lease is let go: no more connections are opened, and what waits is in the spool.
        Action::Connect { .. } if node.is_stopped() => {}
        Action::Connect { lease, source, site, domain, .. } => {
            tokio::spawn(connection::run(Arc::clone(node), lease, connection::Path { source, site, domain }));
        }
        Action::Limit { domain, source, site } => {
            let node = Arc::clone(node);
            tokio::spawn(async move {
                let way = Way { domain, source, site };
                let own = node.own_limits(way.clone()).await;
                node.with_engine(|engine, now| engine.limit_path(now, &way.source, &way.site, own));
            });
        }
        Action::Wake(id) => node.connections.wake(id),
        Action::Settled(settled) => node.settle(settled),
        Action::Resolve { queue, domain } => {
            let node = Arc::clone(node);
            tokio::spawn(async move {
                let answer = route::find(&node, &domain).await;
                node.with_engine(|engine, now| engine.resolved(now, queue, answer));
            });
        }
    }
}

/// Lets the engine know when something is due, for ever.
pub(crate) async fn keep_time(node: Arc<Node>) {
    let mut wake = node.wake.subscribe();
    loop {
        let due = *wake.borrow_and_update();
        match due {
            Some(due) => {
                let at = tokio::time::Instant::from_std(node.clock.instant(due));
                tokio::select! {
                    () = tokio::time::sleep_until(at) => node.with_engine(tollgate_queue::Engine::advance),
                    changed = wake.changed() => if changed.is_err() { return },
                }
            }
            None if wake.changed().await.is_err() => return,
            None => {}
        }
    }
}

/// Forgets idle queues, for ever; there may be one for every domain that mail was ever sent to. Asks for settings anew
/// that no longer hold.
pub(crate) async fn tidy(node: Arc<Node>) {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    for n in 0_u64.. {
        second.tick().await;
        node.refresh_egress().await;
        node.refresh_queues().await;
        if n.is_multiple_of(FORGET_EVERY) {
            node.forget_idle_queues();
        }
    }
}

/// Every so many seconds idle queues are forgotten: it takes a look at each queue.
const FORGET_EVERY: u64 = 10;
