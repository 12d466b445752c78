//! Putting another configuration in force while mail flows.

use std::sync::Arc;

use tollgate_dns::SetupError;
use tollgate_inbound::http::BadPasswordHash;
use tollgate_policy::{Event, Watch};

use super::{doors::Doors, node::Node};
use crate::{config::Config, policy::Loaded, settings};

/// A running server, for whoever reloads its configuration.
#[derive(Clone)]
pub(crate) struct Handle {
    pub(super) node: Arc<Node>,
    pub(super) doors: Doors,
}

/// Why a configuration that was found right cannot be put in force.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApplyError {
    #[error(transparent)]
    Names(#[from] SetupError),
    #[error(transparent)]
    Password(#[from] BadPasswordHash),
}

impl Handle {
    /// Puts a configuration in force that has been read, loaded and found right; returns its number.
    ///
    /// Pools come first, so that no queue is given one that the engine does not know. From the swap on every message meets
    /// the new policy; queues that are there are asked about behind it, and a message for one that was not reached yet has
    /// it asked about at once. Waiting messages keep their due times. `tenants_at`: what [`Handle::tenants_at`] was before the
    /// configuration was read.
    ///
    /// # Errors
    /// [`ApplyError`]; nothing has changed then.
    pub(crate) async fn apply(&self, config: &Config, policy: Loaded, tenants_at: u64) -> Result<u64, ApplyError> {
        let node = &self.node;
        let chain = policy.chain.watched(Arc::clone(&node.calls) as Arc<dyn Watch>);
        let next = node.generation().next(config, chain, policy.plugins)?;
        let later = self.doors.replace(config)?;
        if !later.is_empty() {
            tracing::warn!("changes of {} take effect at the next start", later.join(", "));
        }
        let settings = settings::egress(&config.egress);
        node.with_engine(|engine, now| {
            settings.pools.into_iter().for_each(|pool| engine.define_pool(now, pool));
            engine.set_limits(now, settings.limits, settings.site_limits);
        });
        node.tenants.replace(policy.tenants, tenants_at, node.clock.now());
        let number = next.number;
        node.replace_generation(next);
        node.metrics.reload(true, number);
        node.refresh_egress().await;
        node.with_engine(|engine, now| engine.ask_paths(now, node.generation().chain.handles(Event::Egress)));
        node.refresh_queues().await;
        Ok(number)
    }

    /// Returns the state of the tenants' components, which change also without a reload.
    pub(crate) fn tenants_at(&self) -> u64 {
        self.node.tenants.revision()
    }

    /// Notes that a configuration was refused; returns the number of the one that stays in force.
    pub(crate) fn refuse(&self) -> u64 {
        let number = self.node.generation().number;
        self.node.metrics.reload(false, number);
        number
    }
}
