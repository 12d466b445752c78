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
    #[error("no plugin could give settings for queue {0}: {1}")]
    Failed(QueueName, String),
}

/// A queue that is known.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) name: QueueName,
    pub(crate) pool: String,
}

#[derive(Debug, Default)]
pub(crate) struct Queues {
    known: RwLock<HashMap<QueueName, QueueIndex>>,
    by_index: RwLock<HashMap<QueueIndex, Arc<Queue>>>,
}

impl Queues {
    /// Returns a queue by its index.
    pub(crate) fn get(&self, index: QueueIndex) -> Option<Arc<Queue>> {
        self.by_index.read().unwrap_or_else(PoisonError::into_inner).get(&index).cloned()
    }

    fn index(&self, name: &QueueName) -> Option<QueueIndex> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(name).copied()
    }

    fn learn(&self, name: &QueueName, index: QueueIndex, pool: String) {
        let queue = Arc::new(Queue { name: name.clone(), pool });
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), index);
        self.by_index.write().unwrap_or_else(PoisonError::into_inner).insert(index, queue);
    }
}

impl Node {
    /// Returns the queue of this name; asks policy for its settings where it is new.
    ///
    /// # Errors
    /// [`QueueError`]; the mail is deferred, and the next message for the queue asks anew.
    pub(crate) async fn queue(self: &Arc<Self>, name: &QueueName) -> Result<QueueIndex, QueueError> {
        if let Some(index) = self.queues.index(name) {
            return Ok(index);
        }
        let (settings, failures) = self.chain.queue_config(name).await;
        if let Some(failure) = failures.first() {
            return Err(QueueError::Failed(name.clone(), failure.to_string()));
        }
        let config = settings::queue_config(&settings).map_err(|reason| QueueError::Unusable(name.clone(), reason))?;
        if let Some(pool) = config.egress_pool.as_ref().filter(|pool| !self.egress.pools.contains_key(*pool)) {
            return Err(QueueError::UndefinedPool(name.clone(), pool.clone()));
        }
        Ok(self.define(name, config))
    }

    /// Returns the queue of this name with the settings that every queue has by default, where policy cannot be asked.
    pub(crate) fn default_queue(self: &Arc<Self>, name: &QueueName) -> QueueIndex {
        self.queues.index(name).unwrap_or_else(|| self.define(name, QueueConfig::default()))
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
        self.queues.learn(name, index, pool);
        index
    }
}

/// Returns the name of the queue in which mail is held that would be in this one.
pub(crate) fn held(name: &QueueName) -> QueueName {
    QueueName::explicit(&format!("{name}.hold.tollgate.internal"))
}
