//! How mail leaves: of pools and sources the first answer counts, paths are laid one over the other.
//!
//! A plugin that fails is left out, and its failure returned beside, so that the caller can keep the last good answer.

use std::sync::Arc;

use super::{Chain, Link};
use crate::{
    Event, Failure, Plugin,
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
        for link in self.handling(Event::Egress) {
            let (plugin, way, so_far) = (Arc::clone(&link.plugin), way.clone(), settings.clone());
            match self.run(link, move || plugin.egress_path(&way, &so_far)).await {
                Ok(layer) => settings.merge(layer.unwrap_or_default()),
                Err(failure) => failures.push(failure),
            }
        }
        (settings, failures)
    }

    async fn first<T: Send + 'static>(
        &self,
        name: &str,
        ask: fn(&dyn Plugin, &str) -> Result<Option<T>, Failure>,
    ) -> (Option<T>, Vec<Failure>) {
        let mut failures = Vec::new();
        for link in self.handling(Event::Egress) {
            match self.ask_by_name(link, name, ask).await {
                Ok(Some(answer)) => return (Some(answer), failures),
                Ok(None) => {}
                Err(failure) => failures.push(failure),
            }
        }
        (None, failures)
    }

    async fn ask_by_name<T: Send + 'static>(
        &self,
        link: &Link,
        name: &str,
        ask: fn(&dyn Plugin, &str) -> Result<Option<T>, Failure>,
    ) -> Result<Option<T>, Failure> {
        let (plugin, name) = (Arc::clone(&link.plugin), name.to_owned());
        self.run(link, move || ask(&*plugin, &name)).await
    }
}
