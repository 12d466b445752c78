//! What mail goes out through: pools, sites, and for each pair of them a lane with its ready queues.
//!
//! Lanes, sites and ready queues come about with the first mail for them, and go when nobody uses them. Two pools with a
//! source in common have two lanes to a site that feed one ready queue, so limits hold for the source, not for the pool.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use tollgate_message::Timestamp;

use super::{Action, EgressSettings, connections::Connection};
use crate::{
    ready::{Limits, OwnLimits, Pool, Shared, Site, lane::Lane, pool, ready_queue::ReadyQueue, site::smtp_key},
    table::Table,
};

/// Pools, sites, lanes, ready queues and connections.
#[derive(Debug)]
pub(super) struct Egress {
    limits: Limits,
    site_limits: HashMap<String, Limits>,
    /// Whether somebody says what holds for a source at a site alone.
    asks: bool,
    /// Those about whom nobody was asked yet.
    pub(super) questions: Vec<Action>,
    /// Ready queues that send nothing, by name, with the time until when; one that comes about later is in it, too.
    pub(super) suspended: HashMap<String, Timestamp>,
    pools: Vec<Pool>,
    pool_names: HashMap<String, u32>,
    /// By what no other site has. Sorted, so that what is dropped first, and whose number is used next, is always the same.
    site_keys: BTreeMap<String, u32>,
    pub(super) sites: Table<SiteState>,
    pub(super) lanes: Table<Lane>,
    pub(super) readies: Table<ReadyQueue>,
    pub(super) connections: Table<Connection>,
    pub(super) serial: u64,
    /// How many connections there are that go by each name of a shared limit.
    shared_connections: HashMap<Arc<str>, u32>,
}

/// A site with what leads to it.
#[derive(Debug)]
pub(super) struct SiteState {
    pub(super) site: Arc<Site>,
    /// The domain whose mail led here first.
    domain: Arc<str>,
    /// Limits from the queue that leads here.
    given: Option<Limits>,
    lanes: Vec<u32>,
    readies: Vec<u32>,
}

impl Egress {
    pub(super) fn new(settings: EgressSettings) -> Self {
        let mut egress = Self {
            limits: settings.limits,
            site_limits: settings.site_limits,
            asks: false,
            questions: Vec::new(),
            suspended: HashMap::new(),
            pools: Vec::new(),
            pool_names: HashMap::new(),
            site_keys: BTreeMap::new(),
            sites: Table::new(),
            lanes: Table::new(),
            readies: Table::new(),
            connections: Table::new(),
            serial: 0,
            shared_connections: HashMap::new(),
        };
        for pool in [Pool::unspecified()].into_iter().chain(settings.pools) {
            egress.define_pool(pool);
        }
        egress
    }

    /// Takes a new or changed pool, and returns the lanes that are now different.
    pub(super) fn define_pool(&mut self, mut pool: Pool) -> Vec<u32> {
        pool.sources.retain(|(_, weight)| *weight > 0);
        let Some(&index) = self.pool_names.get(&pool.name) else {
            let index = u32::try_from(self.pools.len()).expect("pools are written by hand");
            self.pool_names.insert(pool.name.clone(), index);
            self.pools.push(pool);
            return Vec::new();
        };
        if self.pools[index as usize] == pool {
            return Vec::new();
        }
        self.pools[index as usize] = pool;
        let sites = self.sites.iter().flat_map(|(site, state)| state.lanes.iter().map(move |lane| (*lane, site)));
        let changed: Vec<_> = sites.filter(|(lane, _)| self.lanes[*lane].pool == index).collect();
        for (lane, site) in &changed {
            self.connect_lane(*lane, *site);
        }
        changed.into_iter().map(|(lane, _)| lane).collect()
    }

    /// Takes new limits, and returns the ready queues, all of which may be under others now.
    pub(super) fn set_limits(&mut self, limits: Limits, by_site: HashMap<String, Limits>) -> Vec<u32> {
        (self.limits, self.site_limits) = (limits, by_site);
        let sites: Vec<u32> = self.site_keys.values().copied().collect();
        sites.into_iter().flat_map(|site| self.limit_site(site)).collect()
    }

    /// Has what holds for each source at each site alone asked for from now on, or no longer. Returns the ready queues whose
    /// limits have changed by that; those that are asked about send under the limits that they had.
    pub(super) fn ask_paths(&mut self, asks: bool) -> Vec<u32> {
        self.asks = asks;
        self.questions.clear();
        let readies: Vec<u32> = self.readies.iter().map(|(ready, _)| ready).collect();
        if asks {
            self.questions = readies.iter().filter_map(|ready| self.question(*ready)).collect();
            return Vec::new();
        }
        for ready in &readies {
            let limits = self.limits_of(self.readies[*ready].site);
            self.readies[*ready].limit(OwnLimits::default(), limits);
        }
        readies
    }

    /// Takes what holds for a source at a site alone, and returns the ready queues of the site: lanes may have waited for this.
    pub(super) fn limit_path(&mut self, source: &str, site: &str, own: OwnLimits) -> Vec<u32> {
        // Whoever answers after nobody is asked any more has nothing to say.
        let Some(ready) = self.path(source, site).filter(|_| self.asks) else { return Vec::new() };
        let site = self.readies[ready].site;
        let limits = self.limits_of(site);
        self.readies[ready].limit(own, limits);
        self.sites[site].readies.clone()
    }

    /// Returns the ready queue of a source and a site, if there is one.
    pub(super) fn path(&self, source: &str, site: &str) -> Option<u32> {
        let state = &self.sites[*self.site_keys.get(&smtp_key(site))?];
        state.readies.iter().copied().find(|ready| &*self.readies[*ready].source == source)
    }

    /// Returns what to ask about a ready queue; nothing about one whose mail stays here.
    fn question(&self, ready: u32) -> Option<Action> {
        let ready = &self.readies[ready];
        let SiteState { site, domain, .. } = &self.sites[ready.site];
        let limit =
            || Action::Limit { domain: Arc::clone(domain), source: Arc::clone(&ready.source), site: site.name.clone() };
        (!site.is_here()).then(limit)
    }

    /// Returns the site of a ready queue, and the domain whose mail led there first.
    pub(super) fn site_of(&self, ready: u32) -> (Arc<Site>, Arc<str>) {
        let SiteState { site, domain, .. } = &self.sites[self.readies[ready].site];
        (Arc::clone(site), Arc::clone(domain))
    }

    /// Returns whether there are as many connections already as a ready queue may have together with others.
    pub(super) fn is_crowded_out(&self, ready: u32) -> bool {
        let mut shared = self.readies[ready].limits.shared.connection_limits.iter();
        shared.any(|(name, limit)| self.shared_connections.get(name).is_some_and(|count| count >= limit))
    }

    /// Counts a connection of a ready queue with those of others; returns as what it counts.
    pub(super) fn share_connection(&mut self, ready: u32) -> Arc<Shared> {
        let shared = Arc::clone(&self.readies[ready].limits.shared);
        for (name, _) in &shared.connection_limits {
            *self.shared_connections.entry(Arc::clone(name)).or_default() += 1;
        }
        shared
    }

    /// Counts a connection no more; returns the ready queues that waited for one such to end.
    pub(super) fn unshare_connection(&mut self, shared: &Shared) -> Vec<u32> {
        let names: Vec<_> = shared.connection_limits.iter().map(|(name, _)| name).collect();
        for name in &names {
            let Some(count) = self.shared_connections.get_mut(*name) else { continue };
            *count -= 1;
            if *count == 0 {
                self.shared_connections.remove(*name);
            }
        }
        if names.is_empty() {
            return Vec::new();
        }
        let has_name =
            |ready: &ReadyQueue| ready.limits.shared.connection_limits.iter().any(|(name, _)| names.contains(&name));
        let freed = self.readies.iter().filter(|(_, ready)| ready.crowded_out && has_name(ready));
        let freed: Vec<u32> = freed.map(|(index, _)| index).collect();
        for ready in &freed {
            self.readies[*ready].crowded_out = false;
        }
        freed
    }

    /// Gives a site that is there the limits of a queue that leads to it, and returns its ready queues.
    pub(super) fn give_limits(&mut self, site: &Site, given: Option<Limits>) -> Vec<u32> {
        let Some(&site) = self.site_keys.get(&site.key()) else {
            return Vec::new();
        };
        self.sites[site].given = given;
        self.limit_site(site)
    }

    fn limit_site(&mut self, site: u32) -> Vec<u32> {
        let (limits, readies) = (self.limits_of(site), self.sites[site].readies.clone());
        for ready in &readies {
            self.readies[*ready].limit_by_site(limits.clone());
        }
        readies
    }

    /// Returns what holds at a site: what its queue says, else what is said for the site, else what holds everywhere.
    fn limits_of(&self, site: u32) -> Limits {
        let SiteState { site, given, .. } = &self.sites[site];
        given.as_ref().or_else(|| self.site_limits.get(&site.name)).unwrap_or(&self.limits).clone()
    }

    /// Returns the lane of this pool's mail to this site, `None` if the pool is unknown or has no source. A new site gets
    /// the limits of the queue.
    pub(super) fn lane(
        &mut self,
        site: &Arc<Site>,
        domain: &str,
        pool: Option<&str>,
        given: Option<Limits>,
    ) -> Option<u32> {
        let pool = *self.pool_names.get(pool.unwrap_or(pool::UNSPECIFIED))?;
        if self.pools[pool as usize].sources.is_empty() {
            return None;
        }
        let site = self.site(site, domain, given);
        let known = self.sites[site].lanes.iter().copied().find(|lane| self.lanes[*lane].pool == pool);
        Some(known.unwrap_or_else(|| {
            let lane = self.lanes.insert(Lane::new(pool));
            self.sites[site].lanes.push(lane);
            self.connect_lane(lane, site);
            lane
        }))
    }

    /// Picks the ready queue that gets a lane's next message, `None` where none has room.
    pub(super) fn pick(&mut self, lane: u32) -> Option<u32> {
        let readies = &self.readies;
        pool::pick(&mut self.lanes[lane].candidates, |ready| readies[ready].has_room())
    }

    /// Returns whether any ready queue of a lane has room. Not before the limits of all of them are known, or those that are
    /// answered about first would get more than their share.
    pub(super) fn has_room(&self, lane: u32) -> bool {
        let readies = || self.lanes[lane].candidates.iter().map(|candidate| &self.readies[candidate.ready]);
        readies().all(|ready| !ready.asked) && readies().any(ReadyQueue::has_room)
    }

    /// Returns whether any source of a lane has a connection to its site, or is opening one.
    pub(super) fn has_connection(&self, lane: u32) -> bool {
        self.lanes[lane].candidates.iter().any(|candidate| self.readies[candidate.ready].connections > 0)
    }

    /// Returns the ready queues that were promised messages of a scheduled queue.
    pub(super) fn readies_with(&self, queue: u32) -> Vec<u32> {
        let readies = self.readies.iter().filter(|(_, ready)| ready.buffer.has(queue));
        readies.map(|(index, _)| index).collect()
    }

    /// Returns the number of the ready queue of this name.
    pub(super) fn ready_by_name(&self, name: &str) -> Option<u32> {
        self.readies.iter().find(|(_, ready)| ready.name == name).map(|(index, _)| index)
    }

    /// Drops the sites that have no mail and no connections; returns the ready queues that are gone, with their looks.
    pub(super) fn reap(&mut self) -> Vec<(u32, Option<Timestamp>)> {
        let unused = |site: &u32| {
            let state = &self.sites[*site];
            state.lanes.iter().all(|lane| self.lanes[*lane].turns.is_empty())
                && state.readies.iter().all(|ready| self.readies[*ready].is_unused())
        };
        let keys = self.site_keys.iter().filter(|(_, site)| unused(site));
        let keys: Vec<_> = keys.map(|(key, _)| key.clone()).collect();
        let mut gone = Vec::new();
        for state in keys.into_iter().filter_map(|key| self.sites.remove(self.site_keys.remove(&key)?)) {
            state.lanes.into_iter().for_each(|lane| drop(self.lanes.remove(lane)));
            gone.extend(state.readies.into_iter().filter_map(|ready| Some((ready, self.readies.remove(ready)?.look))));
        }
        gone
    }

    /// Returns the site's number, with the hosts that were found last.
    fn site(&mut self, site: &Arc<Site>, domain: &str, given: Option<Limits>) -> u32 {
        let key = site.key();
        if let Some(&index) = self.site_keys.get(&key) {
            self.sites[index].site = Arc::clone(site);
            return index;
        }
        let (lanes, readies) = (Vec::new(), Vec::new());
        let state = SiteState { site: Arc::clone(site), domain: domain.into(), given, lanes, readies };
        let index = self.sites.insert(state);
        self.site_keys.insert(key, index);
        index
    }

    /// Joins a lane to the ready queues of its pool's sources. Those that a change leaves out finish what they have.
    fn connect_lane(&mut self, lane: u32, site: u32) {
        for candidate in std::mem::take(&mut self.lanes[lane].candidates) {
            self.readies[candidate.ready].lanes.retain(|other| *other != lane);
        }
        let sources = self.pools[self.lanes[lane].pool as usize].sources.clone();
        let candidates: Vec<_> = sources.iter().map(|(source, weight)| (self.ready(source, site), *weight)).collect();
        for (ready, _) in &candidates {
            self.readies[*ready].lanes.push(lane);
        }
        self.lanes[lane].set_candidates(candidates);
    }

    fn ready(&mut self, source: &str, site: u32) -> u32 {
        let state = &self.sites[site];
        let known = state.readies.iter().copied().find(|ready| &*self.readies[*ready].source == source);
        if let Some(ready) = known {
            return ready;
        }
        let mut ready = ReadyQueue::new(source, site, &state.site, self.limits_of(site));
        ready.suspended = self.suspended.contains_key(&ready.name);
        let ready = self.readies.insert(ready);
        self.sites[site].readies.push(ready);
        let question = self.question(ready).filter(|_| self.asks);
        self.readies[ready].asked = question.is_some();
        self.questions.extend(question);
        ready
    }
}
