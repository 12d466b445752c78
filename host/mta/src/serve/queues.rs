//! The queues that are known, and the settings that policy gave them. Policy is asked once for a queue, not for a message.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use tollgate_message::{MessageId, QueueName, Schedule, Timestamp};
use tollgate_queue::{FOREVER, NewMessage, QueueConfig};

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

/// The settings of the queues that are known. The engine's numbers for queues are not kept: it forgets queues that are idle.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    known: RwLock<HashMap<QueueName, Known>>,
}

#[derive(Clone, Debug)]
struct Known {
    config: Arc<QueueConfig>,
    /// Whether every plugin of the chain had its say. If not, the next message for the queue asks anew.
    complete: bool,
}

impl Queues {
    /// Returns the name of a queue's pool.
    pub(crate) fn pool(&self, name: &QueueName) -> String {
        let known = self.get(name);
        known.and_then(|known| known.config.egress_pool.clone()).unwrap_or_else(|| UNSPECIFIED.to_owned())
    }

    /// Returns whether every plugin had its say about a queue.
    pub(crate) fn is_complete(&self, name: &QueueName) -> bool {
        self.get(name).is_some_and(|known| known.complete)
    }

    /// Forgets queues.
    fn forget(&self, names: &[QueueName]) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        names.iter().for_each(|name| drop(known.remove(name)));
    }

    fn get(&self, name: &QueueName) -> Option<Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn put(&self, name: &QueueName, config: &Arc<QueueConfig>, complete: bool) {
        let known = Known { config: Arc::clone(config), complete };
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), known);
    }
}

impl Node {
    /// Returns the settings of a queue; asks policy for them where it is new.
    ///
    /// Where a plugin fails, the queue goes on without its layer, and the next message for it asks anew.
    ///
    /// # Errors
    /// [`QueueError`]; the mail is deferred.
    pub(crate) async fn queue_config(self: &Arc<Self>, name: &QueueName) -> Result<Arc<QueueConfig>, QueueError> {
        if let Some(known) = self.queues.get(name).filter(|known| known.complete) {
            return Ok(known.config);
        }
        let (settings, failures) = self.chain.queue_config(name).await;
        for failure in &failures {
            self.metrics.policy(&failure.plugin, failure.kind.word(), 0);
        }
        let config = settings::queue_config(&settings).map_err(|reason| QueueError::Unusable(name.clone(), reason))?;
        if let Some(pool) = config.egress_pool.as_ref().filter(|pool| !self.egress.pools.contains_key(*pool)) {
            return Err(QueueError::UndefinedPool(name.clone(), pool.clone()));
        }
        let config = Arc::new(config);
        self.queues.put(name, &config, failures.is_empty());
        self.redefine(name, &config);
        Ok(config)
    }

    /// Returns the settings of a queue as far as they are known, else those that every queue has.
    pub(crate) fn known_config(&self, name: &QueueName) -> Arc<QueueConfig> {
        self.queues.get(name).map_or_else(Arc::default, |known| known.config)
    }

    /// Puts a message into the queue of this name; one that is held goes into a queue that is not served.
    pub(crate) fn enqueue(self: &Arc<Self>, name: &QueueName, message: Arrival, config: &QueueConfig, held: bool) {
        self.with_engine(|engine, now| {
            let queue = engine.queue(name).unwrap_or_else(|| engine.define_queue(now, name.clone(), config.clone()));
            if held {
                engine.park(queue, FOREVER);
            }
            let Arrival { id, due, attempts, schedule } = message;
            engine.insert(now, NewMessage { id, queue, due, attempts, schedule: schedule.map(Box::new) });
        });
    }

    /// Gives a queue that is there its new settings.
    fn redefine(self: &Arc<Self>, name: &QueueName, config: &QueueConfig) {
        self.with_engine(|engine, now| {
            if engine.queue(name).is_some() {
                engine.define_queue(now, name.clone(), config.clone());
            }
        });
    }

    /// Forgets queues that were empty for as long as an operator would expect them to be remembered.
    pub(crate) fn forget_idle_queues(self: &Arc<Self>) {
        let gone = self.with_engine(|engine, now| engine.reap(now, REMEMBERED));
        self.queues.forget(&gone);
    }
}

/// How long an empty queue is remembered.
const REMEMBERED: Duration = Duration::from_secs(600);

/// A message on its way into a queue.
pub(crate) struct Arrival {
    pub(crate) id: MessageId,
    pub(crate) due: Timestamp,
    pub(crate) attempts: u32,
    pub(crate) schedule: Option<Schedule>,
}

/// Returns the name of the queue in which mail is held that would be in this one.
pub(crate) fn held(name: &QueueName) -> QueueName {
    QueueName::explicit(&format!("{name}.hold.tollgate.internal"))
}
