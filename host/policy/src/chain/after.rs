//! What comes after an attempt: where mail waits that was put off, and who hears of what happened.

use std::{sync::Arc, time::Instant};

use super::{Asked, Chain, Step, step};
use crate::{
    Event, Failure, Plugin,
    event::{
        record::Batch,
        requeue::{Changes, Queued},
    },
    fingerprint::of_queued,
};

impl Chain {
    /// Asks when and where a message waits; each plugin sees the changes of those before it. One that fails changes nothing.
    pub async fn requeue(&self, queued: Queued) -> (Changes, Vec<Step>) {
        let (queued, mut changes, mut trail) = (Arc::new(queued), Changes::default(), Vec::new());
        let id = queued.id.to_bytes();
        for asked in self.asked(Event::Requeue, || id.to_vec()) {
            let started = Instant::now();
            let (question, before) = (Arc::clone(&queued), changes.clone());
            let (ask, about) =
                (move |plugin: &dyn Plugin| plugin.requeue(&question, before), || Some(of_queued(&queued)));
            let Some((link, answer)) = asked.link.zip(self.put(asked, ask, about).await) else { continue };
            let word = match answer {
                Ok(after) if after == changes => "pass",
                Ok(after) => {
                    changes = after;
                    "requeue"
                }
                Err(failure) => failure.kind.word(),
            };
            trail.push(step(link, word, started));
        }
        (changes, trail)
    }

    /// Hands log records to every plugin that takes them, rivals among them, on workers whatever else: nobody waits for this.
    /// Returns the failures, for each of which the plugin has lost the batch.
    pub async fn record(&self, records: &Batch) -> Vec<Failure> {
        let mut failures = Vec::new();
        for link in self.links().filter(|link| link.handles(Event::Record)) {
            let (asked, records) =
                (Asked { event: Event::Record, link: Some(link), shadow: None }, Arc::clone(records));
            let taken = self.put(asked, move |plugin| plugin.record(&records), || None).await;
            failures.extend(taken.and_then(Result::err));
        }
        failures
    }
}
