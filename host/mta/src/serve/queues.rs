//! The queues that are known, and the settings that policy gave them. Policy is asked once for a queue and
//! generation, not for a message.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use tollgate_message::{MessageId, QueueName, Schedule, Timestamp};
use tollgate_policy::{OptionValue, QueueOption, RefreshStrategy, Settings};
use tollgate_queue::{Entrance, FOREVER, NewMessage, QueueConfig};

use super::{generation::Generation, node::Node, tenants::Tenants};
use crate::{config::UNSPECIFIED, outcomes::UNDEFINED_POOL, settings};

/// Why mail for a queue cannot be taken.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum QueueError {
    #[error("plugin '{plugin}' gave queue {queue} the pool '{pool}', which is not defined")]
    UndefinedPool { queue: QueueName, pool: String, plugin: Arc<str> },
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
    provider: Option<String>,
    /// Whether every plugin of the chain had its say. If not, the next message for the queue asks anew.
    complete: bool,
    refresh: Refresh,
    /// The generation that answered, and when it was asked last.
    generation: u64,
    asked: Timestamp,
    /// The state of the tenant whose component answered; 0 where there is none.
    tenant: u64,
}

/// When settings are asked for anew.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Refresh {
    /// With the next generation.
    Epoch,
    /// This long after they were asked for, whatever the generation.
    Ttl(Duration),
}

/// What policy answered about a queue.
struct Answer {
    config: Arc<QueueConfig>,
    provider: Option<String>,
    complete: bool,
    refresh: Refresh,
}

impl Known {
    fn holds(&self, generation: u64, tenant: u64, now: Timestamp) -> bool {
        self.complete
            && self.tenant == tenant
            && match self.refresh {
                Refresh::Epoch => self.generation == generation,
                Refresh::Ttl(interval) => now < self.asked + interval,
            }
    }
}

impl Queues {
    /// Returns the name of a queue's pool.
    pub(crate) fn pool(&self, name: &QueueName) -> String {
        let known = self.get(name);
        known.and_then(|known| known.config.egress_pool.clone()).unwrap_or_else(|| UNSPECIFIED.to_owned())
    }

    /// Returns the pools that queues name.
    pub(crate) fn pools(&self) -> HashSet<String> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.values().filter_map(|known| known.config.egress_pool.clone()).collect()
    }

    /// Returns the name under which a queue's destination is summed up, if policy gave it one.
    pub(crate) fn provider(&self, name: &QueueName) -> Option<String> {
        self.get(name).and_then(|known| known.provider)
    }

    /// Returns whether every plugin had its say about a queue.
    pub(crate) fn is_complete(&self, name: &QueueName) -> bool {
        self.get(name).is_some_and(|known| known.complete)
    }

    /// Forgets queues, and names for which no queue came about in a while.
    fn forget(&self, gone: &[QueueName], now: Timestamp, is_queue: impl Fn(&QueueName) -> bool) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        gone.iter().for_each(|name| drop(known.remove(name)));
        known.retain(|name, known| now < known.asked + FORGOTTEN || is_queue(name));
    }

    fn get(&self, name: &QueueName) -> Option<Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Returns the queues whose settings are to be asked for anew.
    fn stale(&self, generation: u64, tenants: &Tenants, now: Timestamp) -> Vec<QueueName> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let stale = |name: &QueueName, known: &Known| {
            let tenant = revision(tenants, name);
            // Of a plugin that fails, not more is asked than this.
            let changed = known.generation != generation || known.tenant != tenant;
            !known.holds(generation, tenant, now) && (changed || known.asked + RETRY <= now)
        };
        known.iter().filter(|(name, known)| stale(name, known)).map(|(name, _)| name.clone()).collect()
    }

    fn put(&self, name: &QueueName, known: Known) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), known);
    }

    /// Notes that a queue keeps its settings, since no better ones can be had now.
    fn keep(&self, name: &QueueName, generation: u64, tenant: u64, asked: Timestamp) {
        if let Some(known) = self.known.write().unwrap_or_else(PoisonError::into_inner).get_mut(name) {
            (known.generation, known.tenant, known.asked, known.complete) = (generation, tenant, asked, false);
        }
    }
}

impl Node {
    /// Returns the settings of a queue; asks policy for them where it is new, or where what is known no longer holds.
    ///
    /// Where a plugin fails, the queue keeps its last good settings, or goes on without the plugin's layer, and the next
    /// message for it asks anew.
    ///
    /// # Errors
    /// [`QueueError`]; the mail is deferred. What is queued keeps its last good settings.
    pub(crate) async fn queue_config(self: &Arc<Self>, name: &QueueName) -> Result<Arc<QueueConfig>, QueueError> {
        let (generation, now) = (self.generation(), self.clock.now());
        let tenant = revision(&self.tenants, name);
        let known = self.queues.get(name);
        if let Some(known) = known.as_ref().filter(|known| known.holds(generation.number, tenant, now)) {
            return Ok(Arc::clone(&known.config));
        }
        let Answer { config, provider, complete, refresh } =
            self.ask(&generation, name).await.inspect_err(|error| {
                self.queues.keep(name, generation.number, tenant, now);
                self.count_undefined(error);
            })?;
        if let Some(known) = known.filter(|_| !complete) {
            self.queues.keep(name, generation.number, tenant, now);
            return Ok(known.config);
        }
        let (generation, asked) = (generation.number, now);
        let config_now = Arc::clone(&config);
        self.queues.put(name, Known { config: config_now, provider, complete, refresh, generation, asked, tenant });
        self.redefine(name, &config);
        Ok(config)
    }

    /// Asks for the settings of all queues anew whose settings no longer hold.
    pub(crate) async fn refresh_queues(self: &Arc<Self>) {
        let mut stale = self.queues.stale(self.generation().number, &self.tenants, self.clock.now());
        self.with_engine(|engine, _| stale.retain(|name| engine.queue(name).is_some()));
        for (n, name) in stale.iter().enumerate() {
            if let Err(error) = self.queue_config(name).await {
                tracing::error!(%error, "the queue keeps its last good settings");
            }
            if n % BATCH == 0 {
                tokio::task::yield_now().await;
            }
        }
    }

    async fn ask(self: &Arc<Self>, generation: &Generation, name: &QueueName) -> Result<Answer, QueueError> {
        let (mut settings, mut failures) = generation.chain.queue_config(name).await;
        failures.extend(self.add_layer_of_tenant(generation, name, &mut settings).await.err());
        let (shared, more) = generation.chain.throttles(name.tenant.as_deref(), name.campaign.as_deref()).await;
        failures.extend(more);
        let config = settings::queue_config(&settings).map_err(|reason| QueueError::Unusable(name.clone(), reason))?;
        if let Some(pool) = &config.egress_pool
            && !self.has_pool(generation, pool).await
        {
            let plugin = settings.written_by(&QueueOption::EgressPool).unwrap_or_else(|| Arc::from(""));
            return Err(QueueError::UndefinedPool { queue: name.clone(), pool: pool.clone(), plugin });
        }
        let throttles = settings::throttles(name, &settings, &shared);
        let paths = &generation.egress.paths;
        let route = settings::with_port(config.route, name.route(), paths.port_of(name.route()));
        let config = QueueConfig { throttles, limits: paths.limits_of(name.route()), route, ..config };
        let provider = settings.get(&QueueOption::ProviderName).map(OptionValue::text);
        let (config, complete) = (Arc::new(config), failures.is_empty());
        Ok(Answer { config, provider, complete, refresh: refresh(&settings) })
    }

    fn count_undefined(&self, error: &QueueError) {
        if let QueueError::UndefinedPool { plugin, .. } = error {
            self.metrics.policy("queue-config", plugin, UNDEFINED_POOL);
        }
    }

    /// Returns the name under which a queue's destination is summed up: the queue's, else that of its domain's section.
    pub(crate) fn provider(&self, name: &QueueName) -> Option<String> {
        let of_path = || self.generation().egress.paths.holding(name.route(), None).1.manner.provider_name.clone();
        self.queues.provider(name).or_else(of_path)
    }

    /// Returns the settings of a queue as far as they are known, else those that every queue has.
    pub(crate) fn known_config(&self, name: &QueueName) -> Arc<QueueConfig> {
        self.queues.get(name).map_or_else(Arc::default, |known| known.config)
    }

    /// Puts a message into the queue of this name; one that is held goes into a queue that is not served, and is kept
    /// there at any age until an operator decides.
    pub(crate) fn enqueue(self: &Arc<Self>, name: &QueueName, message: Arrival, config: &QueueConfig, held: bool) {
        let config = || if held { ageless(config) } else { config.clone() };
        self.with_engine(|engine, now| {
            let queue = engine.queue(name).unwrap_or_else(|| engine.define_queue(now, name.clone(), config()));
            if held {
                engine.park(queue, FOREVER);
            }
            let Arrival { id, due, attempts, schedule, entrance } = message;
            engine.insert(now, NewMessage { id, queue, due, attempts, schedule: schedule.map(Box::new), entrance });
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

    /// Forgets queues that were empty for their `reap_interval`.
    pub(crate) fn forget_idle_queues(self: &Arc<Self>) {
        self.with_engine(|engine, now| {
            let gone = engine.reap(now);
            self.queues.forget(&gone, now, |name| engine.queue(name).is_some());
        });
    }
}

/// Returns the state of the tenant that has a say about a queue; 0 where there is none.
fn revision(tenants: &Tenants, name: &QueueName) -> u64 {
    tenants.of(name).map_or(0, |tenant| tenant.revision)
}

/// How long the settings of a queue are remembered that never came about: its message was refused after all.
const FORGOTTEN: Duration = Duration::from_secs(60);
/// How long a queue goes on without the answer of a plugin that failed before it is asked again unasked.
const RETRY: Duration = Duration::from_secs(10);
/// How many queues are asked about before others get their turn at the thread.
const BATCH: usize = 64;

/// Returns when settings are asked for anew. Without a word of a plugin's with the next generation: its answers depend on
/// its configuration. One whose answers change with time says `Ttl`.
fn refresh(settings: &Settings) -> Refresh {
    let interval = settings.duration(&QueueOption::RefreshInterval).unwrap_or(MINUTE);
    match settings.get(&QueueOption::RefreshStrategy) {
        Some(OptionValue::Strategy(RefreshStrategy::Ttl)) => Refresh::Ttl(interval.max(Duration::from_secs(1))),
        _ => Refresh::Epoch,
    }
}

/// How long settings hold under `Ttl` where nothing else is said.
const MINUTE: Duration = Duration::from_secs(60);

/// A message on its way into a queue.
pub(crate) struct Arrival {
    pub(crate) id: MessageId,
    pub(crate) due: Timestamp,
    pub(crate) attempts: u32,
    pub(crate) schedule: Option<Schedule>,
    pub(crate) entrance: Entrance,
}

/// Returns settings under which no mail becomes too old.
pub(crate) fn ageless(config: &QueueConfig) -> QueueConfig {
    /// Longer than any mail waits.
    const ALWAYS: Duration = Duration::from_secs(100 * 365 * 86_400);
    QueueConfig { max_age: ALWAYS, ..config.clone() }
}

/// Returns the name of the queue in which mail is held that would be in this one.
pub(crate) fn held(name: &QueueName) -> QueueName {
    QueueName::explicit(&format!("{name}.hold.tollgate.internal"))
}
