//! What comes after an attempt: where mail waits that was put off, and who hears of what happened.

use std::{sync::Arc, time::Instant};

use super::{Chain, Step, step};
use crate::{
    Event, Failure,
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
        for link in self.handling(Event::Requeue) {
            let started = Instant::now();
            let (plugin, asked, before) = (Arc::clone(&link.plugin), Arc::clone(&queued), changes.clone());
            let about = || Some(of_queued(&queued));
            let word = match self.run_about(link, move || plugin.requeue(&asked, before), about).await {
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

    /// Hands log records to every plugin that takes them, on workers whatever else: nobody waits for this. Returns the failures,
    /// for each of which the plugin has lost the batch.
    pub async fn record(&self, records: &Batch) -> Vec<Failure> {
        let mut failures = Vec::new();
        for link in self.handling(Event::Record) {
            let (plugin, records) = (Arc::clone(&link.plugin), Arc::clone(records));
            failures.extend(self.run_on_worker(link, move || plugin.record(&records)).await.err());
        }
        failures
    }
}
