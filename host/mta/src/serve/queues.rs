//! The queues that are known, and the settings that policy gave them. Policy is asked once for a queue, not for a message.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use tollgate_message::QueueName;
use tollgate_queue::{FOREVER, QueueConfig, QueueIndex};

use super::node::Node;
use crate::{config::UNSPECIFIED, settings};

/// Why mail for a queue cannot be taken.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum QueueError {
    #[error("the settings of queue {0} name the pool '{1}', which is not defined")]
    UndefinedPool(QueueName, String),
    #[error("the settings of queue {0} cannot be used: {1}")]
    Unusable(QueueName, String),
}

#[derive(Debug, Default)]
pub(crate) struct Queues {
    known: RwLock<HashMap<QueueName, QueueIndex>>,
    pools: RwLock<HashMap<QueueIndex, Arc<str>>>,
}

impl Queues {
    /// Returns the name of a queue's pool.
    pub(crate) fn pool(&self, index: QueueIndex) -> Option<String> {
        self.pools.read().unwrap_or_else(PoisonError::into_inner).get(&index).map(|pool| pool.to_string())
    }

    fn index(&self, name: &QueueName) -> Option<QueueIndex> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(name).copied()
    }

    /// Notes that policy need not be asked again.
    fn remember(&self, name: &QueueName, index: QueueIndex) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), index);
    }

    fn set_pool(&self, index: QueueIndex, pool: &str) {
        self.pools.write().unwrap_or_else(PoisonError::into_inner).insert(index, Arc::from(pool));
    }
}

impl Node {
    /// Returns the queue of this name; asks policy for its settings where it is new.
    ///
    /// Where a plugin fails, the queue goes on without its layer, and the next message for it asks anew.
    ///
    /// # Errors
    /// [`QueueError`]; the mail is deferred.
    pub(crate) async fn queue(self: &Arc<Self>, name: &QueueName) -> Result<QueueIndex, QueueError> {
        if let Some(index) = self.queues.index(name) {
            return Ok(index);
        }
        let (settings, failures) = self.chain.queue_config(name).await;
        for failure in &failures {
            self.metrics.policy(&failure.plugin, failure.kind.word(), 0);
        }
        let config = settings::queue_config(&settings).map_err(|reason| QueueError::Unusable(name.clone(), reason))?;
        if let Some(pool) = config.egress_pool.as_ref().filter(|pool| !self.egress.pools.contains_key(*pool)) {
            return Err(QueueError::UndefinedPool(name.clone(), pool.clone()));
        }
        let index = self.define(name, config);
        if failures.is_empty() {
            self.queues.remember(name, index);
        }
        Ok(index)
    }

    /// Returns the queue of this name with the settings that every queue has by default, where policy cannot be asked.
    pub(crate) fn default_queue(self: &Arc<Self>, name: &QueueName) -> QueueIndex {
        let known = self.queues.index(name);
        known.unwrap_or_else(|| {
            let index = self.define(name, QueueConfig::default());
            self.queues.remember(name, index);
            index
        })
    }

    /// Returns a queue that is not served.
    pub(crate) fn held_queue(self: &Arc<Self>, name: &QueueName) -> QueueIndex {
        let index = self.default_queue(name);
        self.with_engine(|engine, _| engine.park(index, FOREVER));
        index
    }

    fn define(self: &Arc<Self>, name: &QueueName, config: QueueConfig) -> QueueIndex {
        let pool = config.egress_pool.clone().unwrap_or_else(|| UNSPECIFIED.to_owned());
        let index = self.with_engine(|engine, now| engine.define_queue(now, name.clone(), config));
        self.queues.set_pool(index, &pool);
        index
    }
}

/// Returns the name of the queue in which mail is held that would be in this one.
pub(crate) fn held(name: &QueueName) -> QueueName {
    QueueName::explicit(&format!("{name}.hold.tollgate.internal"))
}
