//! How mail leaves: of pools and sources the first answer counts, paths are laid one over the other.
//!
//! A plugin that fails is left out, and its failure returned beside, so that the caller can keep the last good answer.

use super::Chain;
use crate::{
    Event, Failure, Plugin,
    answered::Answered,
    event::egress::{PathSettings, PoolAnswer, SourceAnswer, Way},
};

impl Chain {
    /// Asks for a pool that no file defines.
    pub async fn egress_pool(&self, name: &str) -> (Option<PoolAnswer>, Vec<Failure>) {
        self.first(name, |plugin, name| plugin.egress_pool(name)).await
    }

    /// Asks for a source that no file defines.
    pub async fn egress_source(&self, name: &str) -> (Option<SourceAnswer>, Vec<Failure>) {
        self.first(name, |plugin, name| plugin.egress_source(name)).await
    }

    /// Asks what holds on the way from a source to a site.
    pub async fn egress_path(&self, way: &Way) -> (PathSettings, Vec<Failure>) {
        let (mut settings, mut failures) = (PathSettings::default(), Vec::new());
        for asked in self.asked(Event::Egress, || format!("{}\0{}", way.source, way.site).into_bytes()) {
            let (way, so_far): (Way, PathSettings) = (way.clone(), settings.clone());
            match self.put(asked, move |plugin| plugin.egress_path(&way, &so_far), || None).await {
                Some(Ok(layer)) => settings.merge(layer.unwrap_or_default()),
                Some(Err(failure)) => failures.push(failure),
                None => {}
            }
        }
        (settings, failures)
    }

    async fn first<T>(
        &self,
        name: &str,
        ask: fn(&dyn Plugin, &str) -> Result<Option<T>, Failure>,
    ) -> (Option<T>, Vec<Failure>)
    where
        T: Send + 'static,
        Option<T>: Answered,
    {
        let mut failures = Vec::new();
        for asked in self.asked(Event::Egress, || name.as_bytes().to_vec()) {
            let name = name.to_owned();
            match self.put(asked, move |plugin| ask(plugin, &name), || None).await {
                Some(Ok(Some(answer))) => return (Some(answer), failures),
                Some(Ok(None)) | None => {}
                Some(Err(failure)) => failures.push(failure),
            }
        }
        (None, failures)
    }
}
