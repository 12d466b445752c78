//! The plugins, asked as the running program asks them.
//!
//! In: a chain, tenants' components, and a message or the name of a queue. Out: what they said, nothing added. A plugin that has
//! no answer about a queue makes the question fail; one that has none about a message is part of the answer, since the operator
//! has chosen what that means.

use std::{collections::BTreeMap, sync::Arc};

use tollgate_config::Rate;
use tollgate_inbound::Caller;
use tollgate_message::{Draft, Edits, QueueName, Timestamp};
use tollgate_policy::{
    Chain, Decision, Event, Failure, OptionValue, Outcome, QueueOption, Scope, Settings, TenantPolicy, scope::Clamp,
};
use tollgate_queue::{
    QueueConfig,
    scheduled::retry::{self, Plan},
};

use crate::{
    config::{Identities, SourceConfig},
    serve::Claim,
};

/// The tenants that have components of their own.
pub(super) type Tenants = BTreeMap<Arc<str>, TenantPolicy>;

/// What the plugins did with a message.
#[derive(Debug)]
pub(super) struct Judged {
    /// What policy may edit, as it was before.
    pub(super) before: Edits,
    pub(super) draft: Draft,
    /// What policy decided, and the claim of the sender's identity behind it.
    pub(super) decision: Decision,
    /// The tenant as which the sender's identity has to send.
    pub(super) bound: Option<String>,
    /// Whether it is for the sender's identity that the message is refused, and not for policy.
    pub(super) disowned: bool,
    /// When it may go out: at reception, or when its schedule lets it.
    pub(super) due: Timestamp,
    /// Where it goes, unless it is refused or discarded.
    pub(super) queue: Option<Queue>,
    /// What the tenant's component wanted for the message and did not get.
    pub(super) clamps: Vec<Clamp>,
}

/// What the plugins set for a queue.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) name: QueueName,
    pub(super) settings: Settings,
    /// What the tenant's component wanted and did not get.
    pub(super) clamps: Vec<Clamp>,
    /// The rates that hold back its mail, widest scope first.
    pub(super) throttles: Vec<Throttle>,
    /// What the settings say about attempts.
    pub(super) timing: QueueConfig,
    pub(super) plan: Plan,
    /// The pool that the settings name, where a plugin knows it. What a file says of one comes first.
    pub(super) pool: Option<PluginPool>,
}

/// A pool as plugins know it.
#[derive(Debug)]
pub(super) struct PluginPool {
    /// Its sources, with their weights.
    pub(super) members: Vec<(String, u32)>,
    /// Those of them that plugins know.
    pub(super) sources: BTreeMap<String, SourceConfig>,
}

/// A rate and what it counts.
#[derive(Debug)]
pub(super) struct Throttle {
    pub(super) scope: &'static str,
    pub(super) key: String,
    pub(super) rate: Rate,
}

/// Puts a message of this caller through policy, and asks about the queue that it gets.
///
/// # Errors
/// The plugins that had no answer about the queue.
pub(super) async fn message(
    chain: &Chain,
    identities: &Identities,
    tenants: &Tenants,
    caller: &Caller,
    mut draft: Draft,
) -> Result<Judged, Vec<Failure>> {
    let before = draft.edits.clone();
    let claim = Claim::make(identities, caller, &mut draft);
    let bound = claim.bound().map(str::to_owned);
    let mut decision = chain.message_received(&mut draft).await;
    let refused = matches!(decision.outcome, Outcome::Refuse(_));
    decision.outcome = claim.hold(decision.outcome, &draft, &draft.queue_name());
    let disowned = !refused && matches!(decision.outcome, Outcome::Refuse(_));
    let clamps = tenant(chain, tenants, &mut draft, &mut decision).await;
    let goes_on = matches!(decision.outcome, Outcome::Accept | Outcome::Hold(_));
    let queue = if goes_on { Some(queue(chain, tenants, draft.queue_name()).await?) } else { None };
    let now = draft.received.at;
    let due = draft.edits.schedule.as_ref().map_or(now, |schedule| schedule.adjust(now));
    Ok(Judged { before, draft, decision, bound, disowned, due, queue, clamps })
}

/// Has the tenant's own component judge a message that the chain accepts.
async fn tenant(chain: &Chain, tenants: &Tenants, draft: &mut Draft, decision: &mut Decision) -> Vec<Clamp> {
    let queue = draft.queue_name();
    let policy = of(tenants, &queue).filter(|policy| policy.handles(Event::MessageReceived));
    let Some(policy) = policy.filter(|_| decision.outcome == Outcome::Accept) else { return Vec::new() };
    let judgement = policy.message_received(chain, draft).await;
    decision.trail.push(judgement.step);
    decision.outcome = judgement.end.unwrap_or(Outcome::Accept);
    judgement.clamps
}

fn of<'a>(tenants: &'a Tenants, queue: &QueueName) -> Option<&'a TenantPolicy> {
    tenants.get(queue.tenant.as_deref()?)
}

/// Asks about a queue.
///
/// # Errors
/// The plugins that had no answer.
pub(super) async fn queue(chain: &Chain, tenants: &Tenants, name: QueueName) -> Result<Queue, Vec<Failure>> {
    let (mut settings, mut failures) = chain.queue_config(&name).await;
    let mut clamps = Vec::new();
    if let Some(policy) = of(tenants, &name).filter(|policy| policy.handles(Event::QueueConfig)) {
        match policy.queue_config(chain, &name, &settings).await.0 {
            Ok(layer) => {
                settings.merge(layer.settings);
                clamps = layer.clamps;
            }
            Err(failure) => failures.push(failure),
        }
    }
    let (shared, more) = chain.throttles(name.tenant.as_deref(), name.campaign.as_deref()).await;
    failures.extend(more);
    let (pool, more) = pool(chain, &settings).await;
    failures.extend(more);
    if !failures.is_empty() {
        return Err(failures);
    }
    let throttles = throttles(&name, &settings, shared);
    let timing = timing(&settings);
    let plan = retry::plan(&timing);
    Ok(Queue { name, settings, clamps, throttles, timing, plan, pool })
}

/// Asks for the pool that settings name, and for its sources.
async fn pool(chain: &Chain, settings: &Settings) -> (Option<PluginPool>, Vec<Failure>) {
    let Some(OptionValue::Text(name)) = settings.get(&QueueOption::EgressPool) else { return (None, Vec::new()) };
    let (answer, mut failures) = chain.egress_pool(name).await;
    let Some(answer) = answer else { return (None, failures) };
    let mut sources = BTreeMap::new();
    for (name, _) in answer.sources() {
        let (source, more) = chain.egress_source(name).await;
        failures.extend(more);
        if let Some(source) = source {
            let (source_address, ehlo_domain) = (source.source_address, source.ehlo_domain().map(str::to_owned));
            sources.insert(name.clone(), SourceConfig { source_address, ehlo_domain, ..SourceConfig::default() });
        }
    }
    (Some(PluginPool { members: answer.sources().to_vec(), sources }), failures)
}

fn throttles(name: &QueueName, settings: &Settings, mut shared: Vec<tollgate_policy::Throttle>) -> Vec<Throttle> {
    shared.sort_by_key(|throttle| throttle.scope == Scope::TenantCampaign);
    let shared = shared.into_iter().map(|throttle| {
        let scope = match throttle.scope {
            Scope::Tenant => "tenant",
            Scope::TenantCampaign => "tenant-campaign",
        };
        Throttle { scope, key: throttle.key, rate: throttle.rate }
    });
    let own = match settings.get(&QueueOption::MaxMessageRate) {
        Some(OptionValue::Rate(rate)) => Some(Throttle { scope: "queue", key: name.to_string(), rate: *rate }),
        _ => None,
    };
    shared.chain(own).collect()
}

/// Returns what the settings say about attempts. A route that cannot be served has no part in that.
fn timing(settings: &Settings) -> QueueConfig {
    let defaults = QueueConfig::default();
    QueueConfig {
        retry_interval: settings.duration(&QueueOption::RetryInterval).unwrap_or(defaults.retry_interval),
        max_retry_interval: settings.duration(&QueueOption::MaxRetryInterval),
        max_age: settings.duration(&QueueOption::MaxAge).unwrap_or(defaults.max_age),
        ..defaults
    }
}
