//! What all parts of the running program share.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};

use tokio::sync::{Notify, oneshot, watch};
use tollgate_control::{Metrics, Records};
use tollgate_dns::SetupError;
use tollgate_message::Timestamp;
use tollgate_policy::{Chain, Event, Watch};
use tollgate_queue::{Action, ConnectionId, Engine, Settled};
use tollgate_spool::{Health, Spool};

use super::{
    calls::Calls,
    clock::Clock,
    dispatch,
    egress::Egress,
    feed::Feed,
    fresh::Fresh,
    generation::{self, Current, Generation},
    outcome::{self, Settlement},
    queues::Queues,
    tenants::Tenants,
    usage::Usage,
};
use crate::{config::Config, policy::Plugins, settings};

/// How many actions are taken out of the engine before others get their turn at it.
const ACTIONS: usize = 256;

/// The shared state.
pub(crate) struct Node {
    pub(crate) clock: Clock,
    pub(crate) spool: Spool,
    generation: Current,
    pub(crate) queues: Queues,
    pub(crate) egress: Egress,
    pub(crate) tenants: Tenants,
    pub(crate) usage: Arc<Usage>,
    pub(crate) fresh: Fresh,
    pub(crate) records: Records,
    pub(crate) feed: Feed,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) calls: Arc<Calls>,
    pub(crate) hostname: String,
    pub(crate) connections: Connections,
    pub(crate) wake: watch::Sender<Option<Timestamp>>,
    settlements: mpsc::Sender<Settlement>,
    engine: Mutex<Engine>,
    draining: AtomicBool,
}

impl Node {
    pub(crate) fn new(
        config: &Config,
        (chain, plugins): (Chain, Plugins),
        spool: Spool,
        records: Records,
    ) -> Result<Arc<Self>, SetupError> {
        let metrics = Arc::default();
        let calls = Calls::new(&metrics);
        let generation = Generation::first(config, chain.watched(Arc::clone(&calls) as Arc<dyn Watch>), plugins)?;
        let clock = Clock::start();
        let seed = clock.now().as_millis();
        let (settlements, waiting) = mpsc::channel();
        let mut engine = Engine::new(settings::egress(&config.egress), seed);
        engine.ask_paths(clock.now(), generation.chain.handles(Event::Egress));
        let node = Arc::new(Self {
            settlements,
            engine: Mutex::new(engine),
            clock,
            spool,
            generation: generation::current(generation),
            queues: Queues::default(),
            egress: Egress::default(),
            tenants: Tenants::default(),
            usage: Arc::default(),
            fresh: Fresh::default(),
            records,
            feed: Feed::default(),
            metrics,
            calls,
            hostname: config.hostname(),
            connections: Connections::default(),
            wake: watch::Sender::new(None),
            draining: AtomicBool::new(false),
        });
        let weak = Arc::downgrade(&node);
        thread::spawn(move || outcome::keep_settling(&weak, &waiting));
        Ok(node)
    }

    /// Returns the configuration in force.
    pub(crate) fn generation(&self) -> Arc<Generation> {
        self.generation.load_full()
    }

    /// Puts another configuration in force.
    pub(crate) fn replace_generation(&self, next: Generation) {
        self.generation.store(Arc::new(next));
    }

    /// Has a decision of the engine's taken to the spool and the log.
    pub(crate) fn settle(&self, settled: Settled) {
        // The thread ends only with this sender.
        drop(self.settlements.send(Settlement::Decided(settled)));
    }

    /// Waits until all decisions so far are taken there.
    pub(crate) async fn all_settled(&self) {
        let (done, wait) = oneshot::channel();
        drop(self.settlements.send(Settlement::Barrier(done)));
        drop(wait.await);
    }

    /// Does something with the engine, then everything that the engine wants done for it.
    ///
    /// The engine is never held while something is waited for.
    pub(crate) fn with_engine<T>(self: &Arc<Self>, act: impl FnOnce(&mut Engine, Timestamp) -> T) -> T {
        let now = self.clock.now();
        let mut engine = self.lock();
        let result = act(&mut engine, now);
        let mut actions = self.take_actions(&mut engine, now);
        drop(engine);
        while !actions.is_empty() {
            let more = actions.len() == ACTIONS;
            actions.drain(..).for_each(|action| dispatch::perform(self, action));
            if more {
                actions = self.take_actions(&mut self.lock(), self.clock.now());
            }
        }
        result
    }

    /// Takes what the engine wants done, and sets the timer. The engine is held meanwhile, or two threads could set the
    /// timer in the wrong order and the earlier time would be lost.
    fn take_actions(&self, engine: &mut Engine, now: Timestamp) -> Vec<Action> {
        let actions = std::iter::from_fn(|| engine.next_action(now)).take(ACTIONS).collect();
        let wake = engine.next_wake();
        self.wake.send_if_modified(|before| std::mem::replace(before, wake) != wake);
        actions
    }

    /// From now on no message is handed out for delivery, and no transaction is taken.
    pub(crate) fn begin_drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
        self.connections.wake_all();
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    /// Returns whether nothing may be sent: the program ends, or what is sent could not be noted and would be sent again.
    pub(crate) fn is_stopped(&self) -> bool {
        self.is_draining() || self.spool.health() == Health::Poisoned
    }

    pub(crate) fn totals(&self) -> tollgate_queue::Totals {
        self.lock().totals()
    }

    fn lock(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connections that are open or being opened, each with what wakes it.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    open: Mutex<HashMap<ConnectionId, Arc<Notify>>>,
    gone: Notify,
}

impl Connections {
    pub(crate) fn enter(&self, id: ConnectionId) -> Arc<Notify> {
        let wake = Arc::new(Notify::new());
        self.lock().insert(id, Arc::clone(&wake));
        wake
    }

    pub(crate) fn leave(&self, id: ConnectionId) {
        self.lock().remove(&id);
        self.gone.notify_waiters();
    }

    pub(crate) fn wake(&self, id: ConnectionId) {
        if let Some(wake) = self.lock().get(&id) {
            wake.notify_one();
        }
    }

    fn wake_all(&self) {
        self.lock().values().for_each(|wake| wake.notify_one());
    }

    /// Waits until no connection is left.
    pub(crate) async fn drained(&self) {
        loop {
            let gone = self.gone.notified();
            tokio::pin!(gone);
            // Enabled before the look, so that a connection that leaves in between is not missed.
            gone.as_mut().enable();
            if self.lock().is_empty() {
                return;
            }
            gone.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ConnectionId, Arc<Notify>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
