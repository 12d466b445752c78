//! A tenant's own component, asked after the operator's chain.
//!
//! In: a message that the chain has accepted and found to be the tenant's, or the settings that the chain gave one of its
//! queues. Out: what the component made of it within its bounds, and what it wanted beyond them. It always runs on a worker,
//! and what it takes of a CPU is told.

use std::{sync::Arc, time::Duration, time::Instant};

use tollgate_message::{Draft, Edits, QueueName, Received};

use crate::{
    Answer, Chain, Event, Events, Failure, FailureKind, OnFailure, Outcome, Placement, Plugin, Settings, Step,
    Throttle,
    chain::settle,
    scope::{Bounds, Clamp, Scope},
};

/// A tenant's component with what the operator says about it.
#[derive(Clone)]
pub struct TenantPolicy {
    /// Whose it is.
    pub tenant: Arc<str>,
    /// Who answers.
    pub plugin: Arc<dyn Plugin>,
    /// What it may touch.
    pub bounds: Arc<Bounds>,
    /// What its failure means for a message; never to let it pass unjudged.
    pub on_failure: OnFailure,
}

/// What a component said about a message.
#[derive(Debug)]
pub struct Judgement {
    /// How the message ends; nothing where it goes on.
    pub end: Option<Outcome>,
    /// How asking it went.
    pub step: Step,
    /// What it wanted and did not get.
    pub clamps: Vec<Clamp>,
    /// What it did out of scope and was taken back: none of that should have been let through to here.
    pub taken_back: Vec<String>,
    /// CPU time that it took.
    pub cpu: Duration,
}

/// What a component set for a queue.
#[derive(Debug, Default)]
pub struct Layer {
    /// What it set, within its bounds.
    pub settings: Settings,
    /// What it wanted and did not get.
    pub clamps: Vec<Clamp>,
    /// CPU time that it took.
    pub cpu: Duration,
}

impl TenantPolicy {
    /// Returns whether the component handles an event. Of those that it handles, tenants' are asked these two.
    #[must_use]
    pub fn handles(&self, event: Event) -> bool {
        matches!(event, Event::MessageReceived | Event::QueueConfig) && self.plugin.events().contains(event)
    }

    /// Has the component judge a message, and leaves its edits in it. `chain`: the operator's, whose workers are used.
    ///
    /// # Cancel safety
    /// When dropped, the draft is as it was.
    pub async fn message_received(&self, chain: &Chain, draft: &mut Draft) -> Judgement {
        let started = Instant::now();
        let (plugin, received, edits) = (Arc::clone(&self.plugin), Arc::clone(&draft.received), draft.edits.clone());
        let ask = move || plugin.message_received(&received, edits);
        let (answer, cpu) = self.run(chain, ask).await;
        let mut told = Told::default();
        let answer = match answer {
            Ok((edits, answer)) => self.take(chain, draft, edits, answer, &mut told).await,
            Err(failure) => Err(failure),
        };
        if let Err(failure) = &answer {
            tracing::warn!(plugin = failure.plugin, kind = failure.kind.word(), "{failure}");
        }
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let (outcome, end) = settle(self.on_failure, answer);
        let step = Step { plugin: self.plugin.name().to_owned(), outcome, micros };
        Judgement { end, step, clamps: told.clamps, taken_back: told.taken_back, cpu }
    }

    /// Asks the component what it sets for one of its queues, over what the chain set.
    ///
    /// # Errors
    /// [`Failure`] where there is no usable answer.
    pub async fn queue_config(&self, chain: &Chain, name: &QueueName, so_far: &Settings) -> Result<Layer, Failure> {
        let (plugin, question, settings) = (Arc::clone(&self.plugin), name.clone(), so_far.clone());
        let (layer, cpu) = self.run(chain, move || plugin.queue_config(&question, &settings)).await;
        let layer = layer.inspect_err(|failure| {
            tracing::warn!(plugin = failure.plugin, kind = failure.kind.word(), "{failure}");
        })?;
        let (settings, clamps) = self.bounds.clamp(so_far, &layer.unwrap_or_default());
        Ok(Layer { settings, clamps, cpu })
    }

    /// Takes what came back into the draft, as far as it is in scope; nothing of it where it makes no sense.
    async fn take(
        &self,
        chain: &Chain,
        draft: &mut Draft,
        edits: Edits,
        answer: Answer,
        told: &mut Told,
    ) -> Result<Answer, Failure> {
        let scope = Scope::Tenant(Arc::clone(&self.bounds));
        scope.may_answer(&answer).map_err(|refused| self.nonsense(refused.to_string()))?;
        let (mut edits, taken_back) = self.bounds.confine(&draft.edits, edits);
        told.taken_back = taken_back;
        if edits.schedule != draft.edits.schedule
            && let Some(wanted) = edits.schedule.take()
        {
            let name = tollgate_message::draft::queue_name(&draft.received.envelope, &edits.meta);
            let (settings, _) = chain.queue_config(&name).await;
            let longest = self.bounds.longest_age(&settings);
            let confined = self.bounds.confine_schedule(wanted, draft.received.at, (longest.value, &longest.origin));
            let (schedule, clamp) = confined.map_err(|refused| self.nonsense(refused.to_string()))?;
            (edits.schedule, told.clamps) = (Some(schedule), clamp.into_iter().collect());
        }
        draft.edits = edits;
        Ok(answer)
    }

    async fn run<T: Send + 'static>(
        &self,
        chain: &Chain,
        ask: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> (Result<T, Failure>, Duration) {
        let ran = chain.workers().run_for(&self.tenant, ask).await;
        ran.unwrap_or_else(|| (Err(self.failure(FailureKind::Unavailable, NO_WORKER.to_owned())), Duration::ZERO))
    }

    fn nonsense(&self, detail: String) -> Failure {
        self.failure(FailureKind::Nonsense, detail)
    }

    fn failure(&self, kind: FailureKind, detail: String) -> Failure {
        Failure { plugin: self.plugin.name().to_owned(), kind, detail }
    }
}

const NO_WORKER: &str = "too many events of the tenant's wait for a policy worker";

/// What there is to tell besides the answer.
#[derive(Default)]
struct Told {
    clamps: Vec<Clamp>,
    taken_back: Vec<String>,
}

/// A component that should be there and cannot be run: mail that it was to judge meets its `on_failure`.
pub struct Missing {
    /// Its name.
    pub name: String,
    /// Why it cannot be run.
    pub reason: String,
}

impl Plugin for Missing {
    fn name(&self) -> &str {
        &self.name
    }

    /// Messages alone: queues do without.
    fn events(&self) -> Events {
        Events::default().with(Event::MessageReceived)
    }

    fn placement(&self) -> Placement {
        Placement::Worker
    }

    fn message_received(&self, _: &Arc<Received>, _: Edits) -> Result<(Edits, Answer), Failure> {
        let (plugin, detail) = (self.name.clone(), self.reason.clone());
        Err(Failure { plugin, kind: FailureKind::Unavailable, detail })
    }

    fn queue_config(&self, _: &QueueName, _: &Settings) -> Result<Option<Settings>, Failure> {
        Ok(None)
    }

    fn throttles(&self, _: Option<&str>, _: Option<&str>) -> Result<Vec<Throttle>, Failure> {
        Ok(Vec::new())
    }
}
