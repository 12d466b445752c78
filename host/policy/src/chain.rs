//! Several plugins, asked in the order of their phases.
//!
//! For a message the first refusal or final verdict ends the chain; edits of a plugin hold for those after it. For settings
//! every plugin adds a layer. A failure never changes or loses a message: it becomes the decision that the operator chose.
//! What is asked about sessions is in `session`, how mail leaves in `egress`, and what comes after an attempt in `after`; `put`
//! is how each is asked, `seat` who.

mod after;
mod egress;
mod put;
mod seat;
mod session;

use std::{sync::Arc, time::Instant};

use tollgate_message::{Draft, QueueName};

use seat::{Asked, Seat};
pub use seat::{Mode, Share};

use crate::{
    Answer, Event, Failure, Health, OnFailure, Phase, Plugin, Refusal, Settings, Throttle, Verdict, Watch, Workers,
    fingerprint,
};

/// A plugin in a chain.
#[derive(Clone)]
pub struct Link {
    /// Who answers.
    pub plugin: Arc<dyn Plugin>,
    /// When it is asked.
    pub phase: Phase,
    /// What its failure means for a message.
    pub on_failure: OnFailure,
    /// Whether it is asked at all; outlives a reload that leaves the plugin as it is.
    pub health: Arc<Health>,
    /// What it has to say.
    pub mode: Mode,
    /// The plugin whose place it is to take, where it does not decide.
    pub instead_of: Option<String>,
}

impl Link {
    /// Returns a plugin's place in a chain, in good health.
    pub fn new(plugin: impl Plugin + 'static, phase: Phase, on_failure: OnFailure) -> Self {
        let (plugin, health) = (Arc::new(plugin), Arc::default());
        Self { plugin, phase, on_failure, health, mode: Mode::Decides, instead_of: None }
    }

    /// Returns whether it is asked at an event.
    #[must_use]
    pub fn handles(&self, event: Event) -> bool {
        (event.is_for_tenants() || self.phase != Phase::Tenant) && self.plugin.events().contains(event)
    }
}

/// Plugins in the order in which they are asked.
pub struct Chain {
    seats: Vec<Seat>,
    workers: Workers,
    watch: Arc<dyn Watch>,
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
        Self { seats: Seat::take(links), workers, watch: Arc::new(()) }
    }

    /// Returns the chain with somebody who is told of what is asked.
    #[must_use]
    pub fn watched(self, watch: Arc<dyn Watch>) -> Self {
        Self { watch, ..self }
    }

    /// Asks what becomes of a message, and leaves the edits of the plugins in it.
    ///
    /// # Cancel safety
    /// When dropped, the draft may hold the edits of some plugins; nothing else has happened.
    pub async fn message_received(&self, draft: &mut Draft) -> Decision {
        let (received, mut trail) = (Arc::clone(&draft.received), Vec::with_capacity(self.seats.len()));
        for asked in self.asked(Event::MessageReceived, || fingerprint(&received).to_vec()) {
            let started = Instant::now();
            let Some((link, answer)) = asked.link.zip(self.judge(asked, draft).await) else { continue };
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
        for asked in self.asked(Event::QueueConfig, || name.to_string().into_bytes()) {
            let (question, so_far): (QueueName, Settings) = (name.clone(), settings.clone());
            match self.put(asked, move |plugin| plugin.queue_config(&question, &so_far), || None).await {
                Some(Ok(layer)) => settings.merge(layer.unwrap_or_default()),
                Some(Err(failure)) => failures.push(failure),
                None => {}
            }
        }
        (settings, failures)
    }

    /// Asks for the rates that the queues of a tenant and campaign share.
    pub async fn throttles(&self, tenant: Option<&str>, campaign: Option<&str>) -> (Vec<Throttle>, Vec<Failure>) {
        let (mut throttles, mut failures) = (Vec::new(), Vec::new());
        let key = || [tenant, campaign].map(Option::unwrap_or_default).join("\0").into_bytes();
        for asked in self.asked(Event::Throttles, key) {
            let (tenant, campaign) = (tenant.map(str::to_owned), campaign.map(str::to_owned));
            let ask = move |plugin: &dyn Plugin| plugin.throttles(tenant.as_deref(), campaign.as_deref());
            match self.put(asked, ask, || None).await {
                Some(Ok(mut more)) => throttles.append(&mut more),
                Some(Err(failure)) => failures.push(failure),
                None => {}
            }
        }
        (throttles, failures)
    }

    /// Returns the workers, for those who are asked after the chain.
    pub(crate) fn workers(&self) -> &Workers {
        &self.workers
    }

    /// Returns who is told of what is asked.
    pub(crate) fn watch(&self) -> &dyn Watch {
        &*self.watch
    }

    /// Returns all plugins, in the order in which they are asked, rivals behind those whose place they want.
    pub fn links(&self) -> impl Iterator<Item = &Link> {
        self.seats.iter().flat_map(Seat::links)
    }

    /// Returns whether any plugin is asked at this event.
    #[must_use]
    pub fn handles(&self, event: Event) -> bool {
        self.links().any(|link| link.handles(event))
    }

    /// Returns the places that are asked about something.
    fn asked<'a>(&'a self, event: Event, what: impl Fn() -> Vec<u8> + 'a) -> impl Iterator<Item = Asked<'a>> {
        self.seats.iter().filter_map(move |seat| seat.asked(event, &what))
    }

    async fn judge(&self, asked: Asked<'_>, draft: &mut Draft) -> Option<Result<Answer, Failure>> {
        let (received, edits) = (Arc::clone(&draft.received), draft.edits.clone());
        let about = || Some(fingerprint(&draft.received));
        let answer = self.put(asked, move |plugin| plugin.message_received(&received, edits), about).await?;
        Some(answer.map(|(edits, answer)| {
            draft.edits = edits;
            answer
        }))
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

/// Returns a step of the trail that began at this time.
fn step(link: &Link, outcome: &'static str, started: Instant) -> Step {
    let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    Step { plugin: link.plugin.name().to_owned(), outcome, micros }
}

#[cfg(test)]
mod tests;
