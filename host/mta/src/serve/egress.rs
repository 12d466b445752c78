//! How mail leaves where no file says it: pools, sources and paths that plugins know, kept for as long as they hold.
//!
//! What a file defines is never asked about. An answer holds for the generation that gave it and for its time to live; then
//! it is asked for anew behind the mail, as long as somebody uses it. Where a plugin fails, its last good answer holds on.
//! A pool is usable only with all of its sources.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tollgate_message::Timestamp;
use tollgate_outbound::Source;
use tollgate_policy::{
    Event,
    event::egress::{self, SourceAnswer, Way},
};
use tollgate_queue::{OwnLimits, Pool};

use super::{generation::Generation, node::Node};
use crate::settings;

/// How long the last good answer of a plugin that failed stands in before the plugin is asked again.
const RETRY: Duration = Duration::from_secs(10);

/// The sources of a pool, each with its weight.
type Members = Vec<(String, u32)>;

/// What plugins said.
#[derive(Debug, Default)]
pub(crate) struct Egress {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// The sources of each pool; nothing for names that no plugin knows.
    pools: HashMap<String, Kept<Option<Members>>>,
    /// Never forgotten: mail that was promised to one goes out from its address and no other.
    sources: HashMap<String, Source>,
    paths: HashMap<Way, Kept<OwnLimits>>,
}

/// An answer, and for how long it holds.
#[derive(Clone, Debug)]
struct Kept<T> {
    value: T,
    generation: u64,
    until: Timestamp,
}

impl<T> Kept<T> {
    fn holds(&self, generation: &Generation, now: Timestamp) -> bool {
        self.generation == generation.number && now < self.until
    }
}

impl Egress {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a source that a plugin knows.
    fn source(&self, name: &str) -> Option<Source> {
        self.lock().sources.get(name).cloned()
    }
}

impl Node {
    /// Returns a source by name: a file's, else a plugin's, else one that a file had before. The system chooses the address of
    /// one that nobody defined.
    pub(crate) fn source(&self, name: &str) -> Source {
        let generation = self.generation();
        let known = if generation.egress.sources.contains_key(name) { None } else { self.egress.source(name) };
        known.unwrap_or_else(|| generation.source(name))
    }

    /// Returns whether there is a pool of this name, in the files or known to a plugin, which is asked where that is not known.
    pub(crate) async fn has_pool(self: &Arc<Self>, generation: &Generation, name: &str) -> bool {
        if generation.egress.pools.contains_key(name) {
            return true;
        }
        if !generation.chain.handles(Event::Egress) {
            return false;
        }
        let kept = self.egress.lock().pools.get(name).cloned();
        match kept {
            Some(kept) if kept.holds(generation, self.clock.now()) => kept.value.is_some(),
            kept => self.ask_pool(generation, name, kept.and_then(|kept| kept.value)).await,
        }
    }

    /// Asks for a pool and its sources, and tells the engine of it. Where a plugin fails and there is no last answer, none is
    /// kept either: the next message for the pool asks anew.
    async fn ask_pool(self: &Arc<Self>, generation: &Generation, name: &str, last: Option<Vec<(String, u32)>>) -> bool {
        let (answer, failures) = generation.chain.egress_pool(name).await;
        let (sources, ttl) = match answer {
            Some(pool) => (Some(pool.sources().to_vec()), pool.ttl),
            None if failures.is_empty() => (None, egress::TTL),
            None if last.is_none() => return false,
            None => (last, RETRY),
        };
        let shortest = self.ask_sources(generation, sources.as_deref().unwrap_or_default()).await;
        let sources = sources.filter(|_| shortest.is_some());
        if let Some(sources) = &sources {
            let pool = Pool { name: name.to_owned(), sources: sources.clone() };
            self.with_engine(|engine, now| engine.define_pool(now, pool));
        }
        let usable = sources.is_some();
        let kept = self.kept(generation, shortest.map_or(RETRY, |shortest| ttl.min(shortest)), sources);
        self.egress.lock().pools.insert(name.to_owned(), kept);
        usable
    }

    /// Asks for those sources of a pool that no file defines, and returns the shortest time for which one holds; nothing where
    /// one is not known.
    async fn ask_sources(&self, generation: &Generation, members: &[(String, u32)]) -> Option<Duration> {
        let mut shortest = Duration::MAX;
        for (name, _) in members {
            if generation.egress.sources.contains_key(name) {
                continue;
            }
            let Some(ttl) = self.ask_source(generation, name).await else {
                tracing::warn!(source = name, "no file and no plugin knows this source; its pool cannot be used");
                return None;
            };
            shortest = shortest.min(ttl);
        }
        Some(shortest)
    }

    async fn ask_source(&self, generation: &Generation, name: &str) -> Option<Duration> {
        let (answer, failures) = generation.chain.egress_source(name).await;
        match answer {
            Some(answer) => {
                self.egress.lock().sources.insert(name.to_owned(), source(name, &answer));
                Some(answer.ttl)
            }
            // What was known of it last is still there.
            None => self.egress.source(name).filter(|_| !failures.is_empty()).map(|_| RETRY),
        }
    }

    /// Returns what holds for one source at one site alone; asks where that is not known.
    pub(crate) async fn own_limits(&self, way: Way) -> OwnLimits {
        let generation = self.generation();
        let kept = self.egress.lock().paths.get(&way).cloned();
        if let Some(kept) = kept.as_ref().filter(|kept| kept.holds(&generation, self.clock.now())) {
            return kept.value;
        }
        let (path, failures) = generation.chain.egress_path(&way).await;
        let (value, ttl) = match kept {
            _ if failures.is_empty() => (settings::own_limits(&path), path.ttl.unwrap_or(egress::TTL)),
            Some(last) => (last.value, RETRY),
            None => (settings::own_limits(&path), RETRY),
        };
        let Way { domain, source, site } = &way;
        tracing::debug!(%domain, %source, site, %path, "what plugins say of a path");
        let kept = self.kept(&generation, ttl, value);
        self.egress.lock().paths.insert(way, kept);
        value
    }

    /// Asks anew for what no longer holds and is in use, and forgets the rest.
    pub(crate) async fn refresh_egress(self: &Arc<Self>) {
        let (generation, now) = (self.generation(), self.clock.now());
        let (pools, paths) = self.stale(&generation, now);
        for (name, last) in pools {
            self.ask_pool(&generation, &name, last).await;
        }
        for way in paths {
            let own = self.own_limits(way.clone()).await;
            self.with_engine(|engine, now| engine.limit_path(now, &way.source, &way.site, own));
        }
    }

    /// Returns the pools, with their last sources, and the ways that are in use and about which an answer no longer holds. Others
    /// like them are forgotten.
    fn stale(self: &Arc<Self>, generation: &Generation, now: Timestamp) -> (Vec<LastPool>, Vec<Way>) {
        let (pools, ways): (Vec<LastPool>, Vec<Way>) = {
            let known = self.egress.lock();
            let pools = known.pools.iter().filter(|(_, kept)| !kept.holds(generation, now));
            let ways = known.paths.iter().filter(|(_, kept)| !kept.holds(generation, now));
            (
                pools.map(|(name, kept)| (name.clone(), kept.value.clone())).collect(),
                ways.map(|(way, _)| way.clone()).collect(),
            )
        };
        if pools.is_empty() && ways.is_empty() {
            return (pools, ways);
        }
        let named = self.queues.pools();
        let wanted = |name: &String| named.contains(name) && !generation.egress.pools.contains_key(name);
        let (pools, unused): (Vec<_>, Vec<_>) = pools.into_iter().partition(|(name, _)| wanted(name));
        let asked = generation.chain.handles(Event::Egress);
        let (ways, untaken): (Vec<_>, Vec<_>) = self.with_engine(|engine, _| {
            ways.into_iter().partition(|way| asked && engine.has_path(&way.source, &way.site))
        });
        self.forget(unused, untaken);
        (pools, ways)
    }

    /// Forgets pools and ways.
    fn forget(&self, pools: Vec<LastPool>, ways: Vec<Way>) {
        let mut known = self.egress.lock();
        for (name, _) in pools {
            known.pools.remove(&name);
        }
        for way in ways {
            known.paths.remove(&way);
        }
    }

    fn kept<T>(&self, generation: &Generation, ttl: Duration, value: T) -> Kept<T> {
        Kept { value, generation: generation.number, until: self.clock.now() + ttl }
    }
}

/// A pool's name and the sources that it had last.
type LastPool = (String, Option<Vec<(String, u32)>>);

fn source(name: &str, answer: &SourceAnswer) -> Source {
    let ehlo_domain = answer.ehlo_domain().map(str::to_owned);
    Source { name: name.to_owned(), source_address: answer.source_address, ehlo_domain }
}
