//! Several plugins, asked in the order of their phases.
//!
//! For a message the first refusal or final verdict ends the chain; edits of a plugin hold for those after it. For settings
//! every plugin adds a layer. A failure never changes or loses a message: it becomes the decision that the operator chose.
//! What is asked about sessions is in `session`, how mail leaves in `egress`, and what comes after an attempt in `after`.

mod after;
mod egress;
mod session;

use std::{sync::Arc, time::Instant};

use tollgate_message::{Draft, QueueName};

use crate::{
    Answer, Event, Failure, FailureKind, Fingerprint, Health, OnFailure, Phase, Placement, Plugin, Refusal, Settings,
    Throttle, Verdict, Workers, fingerprint,
};

/// A plugin in a chain.
pub struct Link {
    /// Who answers.
    pub plugin: Arc<dyn Plugin>,
    /// When it is asked.
    pub phase: Phase,
    /// What its failure means for a message.
    pub on_failure: OnFailure,
    /// Whether it is asked at all; outlives a reload that leaves the plugin as it is.
    pub health: Arc<Health>,
}

impl Link {
    /// Returns a plugin's place in a chain, in good health.
    pub fn new(plugin: impl Plugin + 'static, phase: Phase, on_failure: OnFailure) -> Self {
        Self { plugin: Arc::new(plugin), phase, on_failure, health: Arc::default() }
    }
}

/// Plugins in the order in which they are asked.
pub struct Chain {
    links: Vec<Link>,
    workers: Workers,
}

/// What the chain decided about a message.
#[derive(Debug)]
pub struct Decision {
    /// The decision.
    pub outcome: Outcome,
    /// Which plugins were asked, and how that went, in order.
    pub trail: Vec<Step>,
}

/// A decision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// No plugin objects.
    Accept,
    /// A plugin wants the message gone without a word.
    Discard,
    /// A plugin wants the message kept where it is not served, under this reason.
    Hold(String),
    /// The sender reads this.
    Refuse(Refusal),
}

/// One plugin asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// Its name.
    pub plugin: String,
    /// `accept`, `discard`, `hold`, `defer`, `reject`, `requeue`, `pass` for nothing to say, or the word of a failure.
    pub outcome: &'static str,
    /// How long it took.
    pub micros: u64,
}

impl Chain {
    /// Returns the chain of these plugins; of one phase they keep the order given.
    #[must_use]
    pub fn new(mut links: Vec<Link>, workers: Workers) -> Self {
        links.sort_by_key(|link| link.phase);
        Self { links, workers }
    }

    /// Asks what becomes of a message, and leaves the edits of the plugins in it.
    ///
    /// # Cancel safety
    /// When dropped, the draft may hold the edits of some plugins; nothing else has happened.
    pub async fn message_received(&self, draft: &mut Draft) -> Decision {
        let mut trail = Vec::with_capacity(self.links.len());
        for link in self.handling(Event::MessageReceived) {
            let started = Instant::now();
            let answer = self.judge(link, draft).await;
            let (word, end) = settle(link.on_failure, answer);
            trail.push(step(link, word, started));
            if let Some(outcome) = end {
                return Decision { outcome, trail };
            }
        }
        Decision { outcome: Outcome::Accept, trail }
    }

    /// Asks for a queue's settings: every layer over the one before, each value with its origin.
    ///
    /// A plugin that fails is left out, and its failure returned beside, so that the caller can keep the last good answer.
    pub async fn queue_config(&self, name: &QueueName) -> (Settings, Vec<Failure>) {
        let (mut settings, mut failures) = (Settings::default(), Vec::new());
        for link in self.handling(Event::QueueConfig) {
            let (plugin, question, so_far) = (Arc::clone(&link.plugin), name.clone(), settings.clone());
            match self.run(link, move || plugin.queue_config(&question, &so_far)).await {
                Ok(layer) => settings.merge(layer.unwrap_or_default()),
                Err(failure) => failures.push(failure),
            }
        }
        (settings, failures)
    }

    /// Asks for the rates that the queues of a tenant and campaign share.
    pub async fn throttles(&self, tenant: Option<&str>, campaign: Option<&str>) -> (Vec<Throttle>, Vec<Failure>) {
        let (mut throttles, mut failures) = (Vec::new(), Vec::new());
        for link in self.handling(Event::Throttles) {
            let (tenant, campaign) = (tenant.map(str::to_owned), campaign.map(str::to_owned));
            let plugin = Arc::clone(&link.plugin);
            match self.run(link, move || plugin.throttles(tenant.as_deref(), campaign.as_deref())).await {
                Ok(mut more) => throttles.append(&mut more),
                Err(failure) => failures.push(failure),
            }
        }
        (throttles, failures)
    }

    /// Returns the workers, for those who are asked after the chain.
    pub(crate) fn workers(&self) -> &Workers {
        &self.workers
    }

    /// Returns the plugins, in the order of their phases.
    pub fn plugins(&self) -> impl Iterator<Item = &dyn Plugin> {
        self.links.iter().map(|link| &*link.plugin)
    }

    /// Returns the names of the plugins that are asked for an event, in their order.
    pub fn handlers(&self, event: Event) -> impl Iterator<Item = &str> {
        self.handling(event).map(|link| link.plugin.name())
    }

    /// Returns whether any plugin is asked at this event.
    #[must_use]
    pub fn handles(&self, event: Event) -> bool {
        self.handling(event).next().is_some()
    }

    fn handling(&self, event: Event) -> impl Iterator<Item = &Link> {
        let may = move |link: &Link| event.is_for_tenants() || link.phase != Phase::Tenant;
        self.links.iter().filter(move |link| may(link) && link.plugin.events().contains(event))
    }

    async fn judge(&self, link: &Link, draft: &mut Draft) -> Result<Answer, Failure> {
        let (plugin, received, edits) = (Arc::clone(&link.plugin), Arc::clone(&draft.received), draft.edits.clone());
        let about = || Some(fingerprint(&draft.received));
        let answer = self.run_about(link, move || plugin.message_received(&received, edits), about).await;
        let (edits, answer) = answer?;
        draft.edits = edits;
        Ok(answer)
    }

    async fn run<T: Send + 'static>(
        &self,
        link: &Link,
        ask: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.run_about(link, ask, || None).await
    }

    /// Runs something where nobody waits for it, wherever the plugin runs otherwise.
    async fn run_on_worker<T: Send + 'static>(
        &self,
        link: &Link,
        ask: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let placement = match link.plugin.placement() {
            Placement::Inline => Placement::Worker,
            elsewhere => elsewhere,
        };
        self.run_at(link, placement, ask, || None).await
    }

    /// As [`Self::run`]; `about`: what it is about that may have broken the plugin, and may come again.
    async fn run_about<T: Send + 'static>(
        &self,
        link: &Link,
        ask: impl FnOnce() -> Result<T, Failure> + Send + 'static,
        about: impl FnOnce() -> Option<Fingerprint>,
    ) -> Result<T, Failure> {
        self.run_at(link, link.plugin.placement(), ask, about).await
    }

    /// Asks a plugin, if its health allows it, and lets its health know how that went.
    async fn run_at<T: Send + 'static>(
        &self,
        link: &Link,
        placement: Placement,
        ask: impl FnOnce() -> Result<T, Failure> + Send + 'static,
        about: impl FnOnce() -> Option<Fingerprint>,
    ) -> Result<T, Failure> {
        if !link.health.may_ask(Instant::now()) {
            return Err(quarantined(link));
        }
        let answer = match placement {
            Placement::Inline => ask(),
            Placement::Worker => self.workers.run(ask).await.unwrap_or_else(|| Err(no_worker(link, NO_WORKER))),
            Placement::Room(room) => {
                let ran = room.run(ask).await.map(|(answer, _)| answer);
                ran.unwrap_or_else(|| Err(no_worker(link, NO_ROOM)))
            }
        };
        match &answer {
            Ok(_) => link.health.answered(),
            Err(failure) => note(link, failure, about()),
        }
        answer
    }
}

/// Turns an answer into the word for the trail and, where the chain ends with it, its outcome.
pub(crate) fn settle(on_failure: OnFailure, answer: Result<Answer, Failure>) -> (&'static str, Option<Outcome>) {
    match answer {
        Ok(Ok(Verdict::Accept)) => ("accept", None),
        Ok(Ok(Verdict::Discard)) => ("discard", Some(Outcome::Discard)),
        Ok(Ok(Verdict::Hold(reason))) => ("hold", Some(Outcome::Hold(reason))),
        Ok(Err(refusal)) => (refusal.word(), Some(Outcome::Refuse(refusal))),
        Err(failure) => (failure.kind.word(), on_failure.refusal().map(Outcome::Refuse)),
    }
}

fn note(link: &Link, failure: &Failure, message: Option<Fingerprint>) {
    let plugin = link.plugin.name();
    tracing::warn!(plugin, kind = failure.kind.word(), "{failure}");
    if link.health.failed(Instant::now(), failure.kind, message) {
        tracing::error!(
            plugin,
            "the plugin keeps failing and is not asked for a while; its failure means what on_failure says"
        );
    }
}

fn quarantined(link: &Link) -> Failure {
    let detail = "it kept failing and is not asked for a while".to_owned();
    Failure { plugin: link.plugin.name().to_owned(), kind: FailureKind::Quarantined, detail }
}

/// Returns a step of the trail that began at this time.
fn step(link: &Link, outcome: &'static str, started: Instant) -> Step {
    let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    Step { plugin: link.plugin.name().to_owned(), outcome, micros }
}

const NO_WORKER: &str = "too many events wait for a policy worker";
/// Why a plugin that may wait could not be run.
pub(crate) const NO_ROOM: &str = "too many of its events wait until others are done (limits.at_once)";

fn no_worker(link: &Link, why: &str) -> Failure {
    Failure { plugin: link.plugin.name().to_owned(), kind: FailureKind::Unavailable, detail: why.to_owned() }
}

#[cfg(test)]
mod tests;
