//! Tenants' own components: who is asked about a tenant's mail and queues, and how much CPU time that may take.
//!
//! A component is asked about messages that the operator's chain has accepted and that are the tenant's for sure, and about
//! that tenant's queues; see [`tollgate_policy::TenantPolicy`] for what it may do. What holds for a tenant is replaced alone
//! or by a reload, and a message stays with what it met first. A component that cannot be loaded leaves the last good one in
//! place; where there was none, mail that it was to judge meets its `on_failure`.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use tollgate_control::record::PolicyStep;
use tollgate_message::{Draft, QueueName, Timestamp, meta::TENANT};
use tollgate_policy::{CpuBudget, Event, Failure, FailureKind, Outcome, Refusal, Settings, TenantPolicy, scope::Clamp};
use tollgate_smtp::TempReply;

use super::{generation::Generation, node::Node, reception::temporary, usage::Place};
use crate::{
    outcomes::OVER_SHARE,
    policy::{LoadedTenant, Own, Ready},
};

/// How long an event of a tenant waits that is over its share of CPU time, before it is deferred.
const PATIENCE: Duration = Duration::from_secs(1);

/// The tenants that the configuration names.
#[derive(Default)]
pub(crate) struct Tenants {
    current: ArcSwap<BTreeMap<Arc<str>, Arc<Tenant>>>,
    /// Counts up with everything that comes into force for a tenant.
    revisions: AtomicU64,
    /// What tenants have taken of a core; it outlives what is replaced.
    budgets: Mutex<HashMap<Arc<str>, CpuBudget>>,
}

/// What holds for a tenant.
pub(crate) struct Tenant {
    pub(crate) loaded: LoadedTenant,
    pub(crate) policy: Option<TenantPolicy>,
    /// When its component came into force, if it is one that works.
    pub(crate) since: Option<Timestamp>,
    /// Tells one state of the tenant's from another.
    pub(crate) revision: u64,
    /// What was said already of what it may not have: once is enough.
    told: Mutex<BTreeSet<String>>,
}

impl Tenants {
    /// Returns what holds for a tenant.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Tenant>> {
        self.current.load().get(name).cloned()
    }

    /// Returns what holds for the tenant of a queue.
    pub(crate) fn of(&self, queue: &QueueName) -> Option<Arc<Tenant>> {
        self.get(queue.tenant.as_deref()?)
    }

    /// Returns all tenants.
    pub(crate) fn all(&self) -> Arc<BTreeMap<Arc<str>, Arc<Tenant>>> {
        self.current.load_full()
    }

    /// Returns the state of all tenants together; whatever comes into force later has a higher one.
    pub(crate) fn revision(&self) -> u64 {
        self.revisions.load(Ordering::SeqCst)
    }

    /// Puts in force what a configuration says. `read_at`: the state of the tenants when it was read; a component that was
    /// sent since then stays.
    pub(crate) fn replace(&self, loaded: BTreeMap<Arc<str>, LoadedTenant>, read_at: u64, now: Timestamp) {
        let before = self.all();
        let next = loaded.into_iter().map(|(name, mut loaded)| {
            let before = before.get(&name);
            if let Some(own) = before.and_then(|before| before.stays(&loaded, read_at)) {
                if matches!(loaded.own, Own::Broken(_)) {
                    tracing::error!(tenant = &*name, "keeps its last good component");
                }
                loaded.own = own;
            }
            let tenant = self.tenant(&name, loaded, before.map(Arc::as_ref), now);
            (name, tenant)
        });
        let next: BTreeMap<_, _> = next.collect();
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        budgets.retain(|name, _| next.contains_key(name));
        drop(budgets);
        self.current.store(Arc::new(next));
    }

    /// Puts a tenant's component in force alone, or takes it away.
    pub(crate) fn put(&self, name: &Arc<str>, own: Own, now: Timestamp) {
        let all = self.all();
        let Some(before) = all.get(name) else { return };
        let loaded = LoadedTenant { config: before.loaded.config.clone(), own };
        let tenant = self.tenant(name, loaded, Some(before), now);
        self.current.rcu(|all| {
            let mut all = BTreeMap::clone(all);
            all.insert(Arc::clone(name), Arc::clone(&tenant));
            all
        });
    }

    fn tenant(&self, name: &Arc<str>, loaded: LoadedTenant, before: Option<&Tenant>, now: Timestamp) -> Arc<Tenant> {
        let since = loaded.ready().map(|ready| {
            let is_same = |other: &Ready| (&other.digest, other.grants) == (&ready.digest, ready.grants);
            let same = before.filter(|before| before.loaded.ready().is_some_and(is_same));
            same.and_then(|before| before.since).unwrap_or(now)
        });
        let revision = self.revisions.fetch_add(1, Ordering::SeqCst) + 1;
        let policy = loaded.policy(name);
        Arc::new(Tenant { loaded, policy, since, revision, told: Mutex::default() })
    }

    /// Returns how long an event of a tenant has to wait until it may start.
    fn wait(&self, name: &Arc<str>, share: u32, now: Timestamp) -> Duration {
        self.with_budget(name, share, now, |budget| budget.wait(now))
    }

    fn charge(&self, name: &Arc<str>, share: u32, now: Timestamp, spent: Duration) {
        self.with_budget(name, share, now, |budget| budget.charge(now, spent));
    }

    fn with_budget<T>(&self, name: &Arc<str>, share: u32, now: Timestamp, act: impl FnOnce(&mut CpuBudget) -> T) -> T {
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        let budget = budgets.entry(Arc::clone(name)).or_insert_with(|| CpuBudget::new(share, now));
        budget.set_share(share, now);
        act(budget)
    }
}

impl LoadedTenant {
    pub(crate) fn ready(&self) -> Option<&Ready> {
        match &self.own {
            Own::Ready(ready) => Some(ready),
            Own::None | Own::Broken(_) => None,
        }
    }
}

impl Tenant {
    /// Returns the component that stays although this was loaded: the last good one instead of one that cannot be run, and
    /// what was sent after it was read.
    fn stays(&self, loaded: &LoadedTenant, read_at: u64) -> Option<Own> {
        let policy = loaded.config.policy.as_ref()?;
        let sent_since = policy.uploaded && self.is_uploaded() && self.revision > read_at;
        match &loaded.own {
            Own::Broken(_) => self.loaded.ready().filter(|_| self.may_still(policy)).cloned().map(Own::Ready),
            _ if sent_since => Some(self.loaded.own.clone()),
            _ => None,
        }
    }

    /// Returns whether everything that its component was granted is granted still: a last good one that is not is not good.
    fn may_still(&self, now: &crate::config::TenantPolicy) -> bool {
        let Some(before) = &self.loaded.config.policy else { return false };
        let granted = |capability| now.plugin.grants.contains(capability);
        before.plugin.grants.iter().all(granted) && before.plugin.hosts == now.plugin.hosts
    }

    pub(crate) fn is_uploaded(&self) -> bool {
        self.loaded.config.policy.as_ref().is_some_and(|policy| policy.uploaded)
    }

    fn share(&self) -> u32 {
        self.loaded.config.policy.as_ref().map_or(0, |policy| policy.cpu_share)
    }

    /// Says what the component wanted and did not get; of each thing once.
    fn tell(&self, name: &str, clamps: &[Clamp]) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for clamp in clamps.iter().filter(|clamp| told.insert(clamp.what.clone())) {
            tracing::warn!(tenant = name, "a tenant's component wants more than it may have: {clamp}");
        }
    }
}

/// Returns the tenant whose component is asked about a message: the one whose queue it goes into, unless the metadata has
/// another for it.
fn whose<'a>(draft: &Draft, queue: &'a QueueName) -> Option<&'a str> {
    let tenant = queue.tenant.as_deref()?;
    let named = draft.edits.meta.get(TENANT).map(String::as_str).filter(|named| !named.trim().is_empty());
    named.is_none_or(|named| named == tenant).then_some(tenant)
}

impl Node {
    /// Has whoever judges a tenant's mail judge a message that would be taken; returns what becomes of it, and its place in
    /// the tenant's quota.
    pub(super) async fn judge_as_tenants(
        &self,
        generation: &Generation,
        draft: &mut Draft,
        outcome: Outcome,
        trail: &mut Vec<PolicyStep>,
    ) -> (Outcome, Option<Place>) {
        let queue = draft.queue_name();
        if !matches!(outcome, Outcome::Accept | Outcome::Hold(_)) {
            return (outcome, None);
        }
        let place = match self.tenants.of(&queue).zip(queue.tenant.as_deref()) {
            Some((tenant, name)) => match self.usage.receive(name, &tenant.loaded.config.quota) {
                Ok(place) => Some(place),
                Err(over) => return (Outcome::Refuse(Refusal::Defer(over.reply(name))), None),
            },
            None => None,
        };
        // What the operator holds is nobody else's to judge.
        let end = match outcome {
            Outcome::Accept => self.ask_tenant(generation, draft, &queue, trail).await,
            held => Some(held),
        };
        (end.unwrap_or(Outcome::Accept), place)
    }

    /// Counts a message against the quota of the tenant whose it is.
    pub(super) fn store_for_tenant(
        &self,
        place: Option<Place>,
        queue: &QueueName,
        octets: u64,
    ) -> Result<Option<Place>, TempReply> {
        let Some((mut place, tenant)) = place.zip(self.tenants.of(queue)) else { return Ok(None) };
        let stored = place.store(queue, octets, &tenant.loaded.config.quota);
        stored.map_err(|over| over.reply(queue.tenant.as_deref().unwrap_or_default()))?;
        Ok(Some(place))
    }

    /// Has a tenant's own component judge a message that goes into a queue of the tenant's; returns how the message ends, or
    /// nothing where it goes on.
    async fn ask_tenant(
        &self,
        generation: &Generation,
        draft: &mut Draft,
        queue: &QueueName,
        trail: &mut Vec<PolicyStep>,
    ) -> Option<Outcome> {
        let tenant = self.tenants.get(whose(draft, queue)?)?;
        let policy = tenant.policy.as_ref().filter(|policy| policy.handles(Event::MessageReceived))?;
        if !self.admits(&tenant, policy).await {
            let text = "the tenant's policy has used up its share of CPU time, try again later";
            self.metrics.policy(Event::MessageReceived.name(), policy.plugin.name(), OVER_SHARE);
            return Some(Outcome::Refuse(Refusal::Defer(temporary(451, 3, 2, text))));
        }
        let judgement = policy.message_received(&generation.chain, draft).await;
        self.tenants.charge(&policy.tenant, tenant.share(), self.clock.now(), judgement.cpu);
        tenant.tell(&policy.tenant, &judgement.clamps);
        for what in &judgement.taken_back {
            tracing::error!(
                tenant = &*policy.tenant,
                "a tenant's component was let do what it may not; taken back: {what}"
            );
        }
        let step = judgement.step;
        trail.push(PolicyStep { plugin: step.plugin, outcome: step.outcome.to_owned(), micros: step.micros });
        judgement.end
    }

    /// Puts what a tenant's component sets for a queue over what the chain set.
    ///
    /// # Errors
    /// [`Failure`] where it has no usable answer; the settings are as they were.
    pub(super) async fn add_layer_of_tenant(
        &self,
        generation: &Generation,
        name: &QueueName,
        settings: &mut Settings,
    ) -> Result<(), Failure> {
        let Some(tenant) = self.tenants.of(name) else { return Ok(()) };
        let Some(policy) = tenant.policy.as_ref().filter(|policy| policy.handles(Event::QueueConfig)) else {
            return Ok(());
        };
        if !self.admits(&tenant, policy).await {
            let (plugin, detail) = (policy.plugin.name().to_owned(), "over its share of CPU time (limits.cpu_share)");
            return Err(Failure { plugin, kind: FailureKind::Unavailable, detail: detail.to_owned() });
        }
        let (layer, cpu) = policy.queue_config(&generation.chain, name, settings).await;
        // What fails costs as much as what does not.
        self.tenants.charge(&policy.tenant, tenant.share(), self.clock.now(), cpu);
        let layer = layer?;
        tenant.tell(&policy.tenant, &layer.clamps);
        settings.merge(layer.settings);
        Ok(())
    }

    /// Waits until a tenant's event may start, for a while; returns whether it may.
    async fn admits(&self, tenant: &Tenant, policy: &TenantPolicy) -> bool {
        let wait = |now| self.tenants.wait(&policy.tenant, tenant.share(), now);
        let first = wait(self.clock.now());
        if first.is_zero() {
            return true;
        }
        if first > PATIENCE {
            return false;
        }
        tokio::time::sleep(first).await;
        // Others of the tenant's may have come first; who has waited once does not wait again.
        wait(self.clock.now()).is_zero()
    }
}
