//! A tenant's own component, asked after the operator's chain.
//!
//! In: a message that the chain has accepted and found to be the tenant's, or the settings that the chain gave one of its
//! queues. Out: what the component made of it within its bounds, and what it wanted beyond them. It always runs on a worker,
//! and what it takes of a CPU is told.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tollgate_message::{Draft, Edits, QueueName, Received};

use crate::{
    Answer, Chain, Event, Events, Failure, FailureKind, Fingerprint, Health, OnFailure, Outcome, Placement, Plugin,
    Settings, Step, Throttle,
    answered::Answered,
    chain::settle,
    fingerprint,
    room::NO_ROOM,
    scope::{Bounds, Clamp, Scope},
    watch::Called,
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
    /// Whether it is asked at all; stays with the component.
    pub health: Arc<Health>,
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
        let about = || Some(fingerprint(&draft.received));
        let (answer, cpu) = self.run(chain, Event::MessageReceived, ask, about).await;
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

    /// Asks the component what it sets for one of its queues, over what the chain set; returns that, or a [`Failure`] where
    /// there is no usable answer, and the CPU time that it took either way.
    pub async fn queue_config(
        &self,
        chain: &Chain,
        name: &QueueName,
        so_far: &Settings,
    ) -> (Result<Layer, Failure>, Duration) {
        let (plugin, question, settings) = (Arc::clone(&self.plugin), name.clone(), so_far.clone());
        let (layer, cpu) =
            self.run(chain, Event::QueueConfig, move || plugin.queue_config(&question, &settings), || None).await;
        let layer = layer.inspect_err(|failure| {
            tracing::warn!(plugin = failure.plugin, kind = failure.kind.word(), "{failure}");
        });
        let within = |layer: Option<Settings>| {
            let (settings, clamps) = self.bounds.clamp(so_far, &layer.unwrap_or_default());
            Layer { settings, clamps }
        };
        (layer.map(within), cpu)
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

    /// Asks the component, if its health allows it, and lets its health know how that went. `about`: the message that it is
    /// about.
    async fn run<T: Answered>(
        &self,
        chain: &Chain,
        event: Event,
        ask: impl FnOnce() -> Result<T, Failure> + Send + 'static,
        about: impl FnOnce() -> Option<Fingerprint>,
    ) -> (Result<T, Failure>, Duration) {
        let started = Instant::now();
        let failed = |kind, why: &str| (Err(self.failure(kind, why.to_owned())), Duration::ZERO);
        let (answer, cpu) = if self.health.may_ask(started) {
            let (ran, why) = match self.plugin.placement() {
                Placement::Room(room) => (room.run(ask).await, NO_ROOM),
                Placement::Inline | Placement::Worker => (chain.workers().run_for(&self.tenant, ask).await, NO_WORKER),
            };
            ran.unwrap_or_else(|| failed(FailureKind::Unavailable, why))
        } else {
            failed(FailureKind::Quarantined, QUARANTINED)
        };
        let outcome = answer.as_ref().map_or_else(|failure| failure.kind.word(), Answered::word);
        chain.watch().called(&Called { plugin: self.plugin.name(), event, outcome, took: started.elapsed() });
        match &answer {
            Ok(_) => self.health.answered(),
            Err(failure) if self.health.failed(Instant::now(), failure.kind, about()) => {
                tracing::error!(plugin = failure.plugin, "keeps failing and is not asked for a while");
            }
            Err(_) => {}
        }
        (answer, cpu)
    }

    fn nonsense(&self, detail: String) -> Failure {
        self.failure(FailureKind::Nonsense, detail)
    }

    fn failure(&self, kind: FailureKind, detail: String) -> Failure {
        Failure { plugin: self.plugin.name().to_owned(), kind, detail }
    }
}

const QUARANTINED: &str = "it kept failing and is not asked for a while";
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

#[cfg(test)]
mod tests {
    use tollgate_message::{Address, Envelope, MessageId, Origin, Session, Timestamp};

    use super::*;
    use crate::{OptionValue, Phase, QueueOption, Verdict, Workers, scope::Defaults, scripted::Scripted};

    fn draft() -> Draft {
        let (at, to) = (Timestamp::from_millis(1_000), Address::new("u@example.com"));
        let session = Session {
            origin: Origin::Smtp,
            authz_id: None,
            may_relay: true,
            peer: None,
            local: None,
            ehlo_domain: None,
            hostname: "mta.example".to_owned(),
        };
        let envelope = Envelope { sender: None, recipients: vec![to], smtputf8: false, eight_bit: false };
        let (id, content) = (MessageId::new(at), "Received: by us\r\nSubject: x\r\n\r\n".into());
        let mut draft = Draft::new(Received { id, at, envelope, session: Arc::new(session), content, size: 31 });
        draft.edits.meta.insert("tenant".to_owned(), "t".to_owned());
        draft
    }

    fn policy(plugin: Scripted, may_reject: bool) -> TenantPolicy {
        let defaults = Defaults {
            retry_interval: Duration::from_secs(1200),
            max_age: Duration::from_secs(3600),
            egress_pool: "unspecified".to_owned(),
        };
        let bounds = Arc::new(Bounds { may_reject, ..Bounds::new(defaults) });
        let (tenant, plugin) = (Arc::from("t"), Arc::new(plugin));
        TenantPolicy { tenant, plugin, bounds, on_failure: OnFailure::Reject, health: Arc::default() }
    }

    fn chain() -> Chain {
        let operators = Scripted::new("operator").on_queue(|_| Ok(None));
        let link = crate::Link::new(operators, Phase::Queue, OnFailure::Defer);
        Chain::new(vec![link], Workers::start(1).unwrap())
    }

    /// A component behind which there is no other check: whatever it does comes back.
    fn unchecked() -> Scripted {
        Scripted::new("tenant:t").on_message(|_, edits| {
            edits.header.remove("Received");
            edits.meta.insert("tenant".to_owned(), "other".to_owned());
            edits.meta.insert("campaign".to_owned(), "c".to_owned());
            Ok(Ok(Verdict::Accept))
        })
    }

    #[tokio::test]
    async fn what_a_component_does_out_of_scope_is_taken_back_whoever_let_it() {
        let mut draft = draft();
        let before = draft.edits.clone();

        let judgement = policy(unchecked(), true).message_received(&chain(), &mut draft).await;

        let queue = draft.queue_name().to_string();
        assert_eq!((judgement.end, judgement.step.outcome, judgement.taken_back.len()), (None, "accept", 2));
        assert_eq!((draft.edits.header == before.header, queue.as_str()), (true, "c:t@example.com"));
    }

    #[tokio::test]
    async fn an_answer_that_it_may_not_give_is_a_failure_and_leaves_nothing() {
        let refuses = Scripted::new("tenant:t").on_message(|_, edits| {
            edits.meta.insert("campaign".to_owned(), "c".to_owned());
            Ok(Err(OnFailure::Defer.refusal().unwrap()))
        });
        let mut draft = draft();
        let before = draft.edits.clone();

        let judgement = policy(refuses, false).message_received(&chain(), &mut draft).await;

        let refused = OnFailure::Reject.refusal().map(Outcome::Refuse);
        assert_eq!((judgement.end, judgement.step.outcome, draft.edits == before), (refused, "nonsense", true));
    }

    #[tokio::test]
    async fn a_layer_is_held_to_the_settings_before_it() {
        let wants = Scripted::new("tenant:t").on_queue(|_| {
            let mut settings = Settings::default();
            let day = OptionValue::Duration(Duration::from_secs(86_400));
            settings.set(QueueOption::MaxAge, day, None, &Arc::from("tenant:t")).unwrap();
            Ok(Some(settings))
        });
        let name = QueueName::new(None, Some("t"), "example.com", None);

        let layer = policy(wants, true).queue_config(&chain(), &name, &Settings::default()).await.0.unwrap();

        let clamps: Vec<String> = layer.clamps.iter().map(ToString::to_string).collect();
        let hour = Some(Duration::from_secs(3600));
        assert_eq!(layer.settings.duration(&QueueOption::MaxAge), hour);
        assert_eq!(clamps, ["max_age: wanted 1day, bound 1h by default"]);
    }

    #[tokio::test]
    async fn a_component_that_is_missing_fails_for_messages_and_has_no_say_about_queues() {
        let plugin = Arc::new(Missing { name: "tenant:t".to_owned(), reason: "gone".to_owned() });
        let missing = TenantPolicy { plugin, ..policy(unchecked(), true) };

        let handled = [Event::MessageReceived, Event::QueueConfig].map(|event| missing.handles(event));
        let judgement = missing.message_received(&chain(), &mut draft()).await;

        assert_eq!((handled, judgement.step.outcome, judgement.end.is_some()), ([true, false], "unavailable", true));
    }
}
