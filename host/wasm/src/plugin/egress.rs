//! How mail leaves, asked of a guest.

use std::sync::Arc;

use tollgate_policy::{
    Failure,
    event::egress::{PathSettings, PoolAnswer, SourceAnswer, Way},
};
use wasmtime::{Store, component::Resource};

use super::Inner;
use crate::{
    bindings::{
        egress::exports::tollgate::policy::egress::Guest as Functions, host::tollgate::policy::types::PolicyError,
    },
    capability::egress_settings::PathHandle,
    state::HostState,
};

/// What a guest returns: a resource of the host's, nothing, or why it has no answer.
type Returned<H> = Result<Option<Resource<H>>, PolicyError>;

pub(super) fn pool(plugin: &Arc<Inner>, name: &str) -> Result<Option<PoolAnswer>, Failure> {
    let answer = ask(plugin, |functions, store| functions.call_get_pool(store, name))?;
    usable(plugin, &format!("the pool '{name}'"), answer.map(|found| found.map(|handle| handle.0)))
}

pub(super) fn source(plugin: &Arc<Inner>, name: &str) -> Result<Option<SourceAnswer>, Failure> {
    let answer = ask(plugin, |functions, store| functions.call_get_source(store, name))?;
    usable(plugin, &format!("the source '{name}'"), answer.map(|found| found.map(|handle| handle.0)))
}

pub(super) fn path(plugin: &Arc<Inner>, way: &Way, so_far: &PathSettings) -> Result<Option<PathSettings>, Failure> {
    let Way { domain, source, site } = way;
    let answer = ask(plugin, |functions, store| {
        let handle = store.data_mut().table.push(PathHandle(so_far.clone()))?;
        let borrowed = Resource::new_borrow(handle.rep());
        let answer = functions.call_get_path(&mut *store, domain, source, site, borrowed)?;
        store.data_mut().table.delete(handle)?;
        Ok(answer)
    })?;
    usable(plugin, &format!("the way from {source} to {site}"), answer.map(|found| found.map(|handle| handle.0)))
}

/// Runs one function and takes out of the guest's table what it returns.
fn ask<H: Send + 'static>(
    plugin: &Arc<Inner>,
    call: impl FnOnce(&Functions, &mut Store<HostState>) -> wasmtime::Result<Returned<H>>,
) -> Result<Result<Option<H>, PolicyError>, Failure> {
    let mut guest = plugin.take()?;
    let answer = guest.event(|event| {
        let (functions, store) = event.egress()?;
        let returned = call(functions.tollgate_policy_egress(), store)?;
        let table = &mut store.data_mut().table;
        match returned {
            Ok(Some(handle)) => Ok(Ok(Some(table.delete(handle)?))),
            Ok(None) => Ok(Ok(None)),
            Err(error) => Ok(Err(error)),
        }
    })?;
    plugin.give_back(guest);
    Ok(answer)
}

fn usable<T>(plugin: &Inner, what: &str, answer: Result<Option<T>, PolicyError>) -> Result<Option<T>, Failure> {
    answer.map_err(|error| plugin.no_answer(&format!("about {what}"), &error))
}
