//! Putting one event to one place of the chain.
//!
//! Everything that is asked goes through here: health says whether a plugin is asked at all and hears how it went, the plugin's
//! placement says on which thread it runs, whoever watches is told, and a shadow is asked behind the answer, on a worker, so
//! that nobody waits for it.

use std::{sync::Arc, time::Instant};

use tollgate_message::{Edits, QueueName, Received};

use super::{Chain, Link, seat::Asked};
use crate::{
    Answer, Event, Events, Failure, FailureKind, Fingerprint, Placement, Plugin, Settings, Throttle, Verdict,
    answered::Answered,
    room::NO_ROOM,
    watch::{Called, Shadowed},
};

/// Longest difference that is told, in characters.
const DIFFERENCE: usize = 400;

impl Chain {
    /// Puts something to a place and returns the answer of who decides there; nothing where nobody does. `about`: what it is
    /// about that may have broken the plugin, and may come again.
    pub(super) async fn put<T: Answered>(
        &self,
        asked: Asked<'_>,
        ask: impl FnOnce(&dyn Plugin) -> Result<T, Failure> + Clone + Send + 'static,
        about: impl FnOnce() -> Option<Fingerprint>,
    ) -> Option<Result<T, Failure>> {
        let Asked { event, link, shadow } = asked;
        let Some(shadow) = shadow else { return Some(self.run(link?, event, ask, about).await) };
        let answer = match link {
            Some(link) => self.run(link, event, ask.clone(), about).await,
            None => ask.clone()(&Nobody),
        };
        self.shadow(shadow, event, ask, answer.clone());
        link.is_some().then_some(answer)
    }

    /// Asks a plugin, if its health allows it, and lets its health and whoever watches know how that went.
    async fn run<T: Answered>(
        &self,
        link: &Link,
        event: Event,
        ask: impl FnOnce(&dyn Plugin) -> Result<T, Failure> + Send + 'static,
        about: impl FnOnce() -> Option<Fingerprint>,
    ) -> Result<T, Failure> {
        let started = Instant::now();
        if !link.health.may_ask(started) {
            let answer = Err(quarantined(link));
            self.told(link, event, &answer, started);
            return answer;
        }
        // Nobody waits for what becomes of records, so they are no reason to hold up a thread.
        let answer = match link.plugin.placement() {
            Placement::Inline if event != Event::Record => ask(&*link.plugin),
            Placement::Inline | Placement::Worker => {
                let plugin = Arc::clone(&link.plugin);
                let ran = self.workers.run(move || ask(&*plugin)).await;
                ran.unwrap_or_else(|| Err(unavailable(link, NO_WORKER)))
            }
            Placement::Room(room) => {
                let plugin = Arc::clone(&link.plugin);
                let ran = room.run(move || ask(&*plugin)).await.map(|(answer, _)| answer);
                ran.unwrap_or_else(|| Err(unavailable(link, NO_ROOM)))
            }
        };
        self.told(link, event, &answer, started);
        match &answer {
            Ok(_) => link.health.answered(),
            Err(failure) => note(link, failure, about()),
        }
        answer
    }

    fn told<T: Answered>(&self, link: &Link, event: Event, answer: &Result<T, Failure>, started: Instant) {
        let outcome = answer.as_ref().map_or_else(|failure| failure.kind.word(), Answered::word);
        self.watch.called(&Called { plugin: link.plugin.name(), event, outcome, took: started.elapsed() });
    }

    /// Asks a shadow where nobody waits for it and has the difference told. Where there is no room, it is not asked.
    fn shadow<T: Answered>(
        &self,
        link: &Link,
        event: Event,
        ask: impl FnOnce(&dyn Plugin) -> Result<T, Failure> + Send + 'static,
        decided: Result<T, Failure>,
    ) {
        if !link.health.may_ask(Instant::now()) {
            return;
        }
        let (plugin, health, watch) = (Arc::clone(&link.plugin), Arc::clone(&link.health), Arc::clone(&self.watch));
        let job = move || {
            let started = Instant::now();
            let answer = ask(&*plugin);
            let outcome = answer.as_ref().map_or_else(|failure| failure.kind.word(), Answered::word);
            watch.called(&Called { plugin: plugin.name(), event, outcome, took: started.elapsed() });
            let difference = match (&answer, &decided) {
                (Ok(answer), Ok(decided)) => answer.difference(decided),
                (Err(failure), _) => Some(failure.to_string()),
                (Ok(_), Err(failure)) => Some(format!("an answer, where {failure}")),
            };
            match answer {
                Ok(_) => health.answered(),
                Err(failure) => drop(health.failed(Instant::now(), failure.kind, None)),
            }
            let difference = difference.map(|text| text.chars().take(DIFFERENCE).collect());
            watch.shadowed(&Shadowed { plugin: plugin.name().to_owned(), event, difference });
        };
        let taken = match link.plugin.placement() {
            Placement::Inline | Placement::Worker => self.workers.run_aside(job),
            Placement::Room(room) => room.run_aside(job),
        };
        if !taken {
            // It may have been a probe: then another is due.
            link.health.failed(Instant::now(), FailureKind::Unavailable, None);
        }
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

const NO_WORKER: &str = "too many events wait for a policy worker";

fn unavailable(link: &Link, why: &str) -> Failure {
    Failure { plugin: link.plugin.name().to_owned(), kind: FailureKind::Unavailable, detail: why.to_owned() }
}

/// Whoever has nothing to say: what a shadow without a holder of its place is compared with.
struct Nobody;

impl Plugin for Nobody {
    fn name(&self) -> &str {
        ""
    }

    fn events(&self) -> Events {
        Events::default()
    }

    fn placement(&self) -> Placement {
        Placement::Inline
    }

    fn message_received(&self, _: &Arc<Received>, edits: Edits) -> Result<(Edits, Answer), Failure> {
        Ok((edits, Ok(Verdict::Accept)))
    }

    fn queue_config(&self, _: &QueueName, _: &Settings) -> Result<Option<Settings>, Failure> {
        Ok(None)
    }

    fn throttles(&self, _: Option<&str>, _: Option<&str>) -> Result<Vec<Throttle>, Failure> {
        Ok(Vec::new())
    }
}
