//! How often a tenant sends its component: so many times an hour, one at a time.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tollgate_message::Timestamp;

/// The time over which uploads are counted.
const HOUR: Duration = Duration::from_secs(3600);

/// The uploads of all tenants.
#[derive(Debug, Default)]
pub(super) struct Pace {
    tenants: Mutex<HashMap<Arc<str>, Recent>>,
}

#[derive(Debug, Default)]
struct Recent {
    at: VecDeque<Timestamp>,
    busy: bool,
}

/// Why a tenant cannot send a component now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TooSoon {
    /// Another one is being looked at.
    Busy,
    /// It has sent as many in the last hour as it may.
    Spent,
}

/// An upload that goes on until this is dropped.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pace: &'a Pace,
    tenant: Arc<str>,
}

impl Pace {
    /// Starts an upload. `most`: how many there may be in an hour.
    ///
    /// # Errors
    /// [`TooSoon`].
    pub(super) fn start(&self, tenant: &Arc<str>, most: u64, now: Timestamp) -> Result<Turn<'_>, TooSoon> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        tenants.retain(|_, recent| recent.busy || recent.at.back().is_some_and(|last| *last + HOUR > now));
        let recent = tenants.entry(Arc::clone(tenant)).or_default();
        while recent.at.front().is_some_and(|first| *first + HOUR <= now) {
            recent.at.pop_front();
        }
        if recent.busy {
            return Err(TooSoon::Busy);
        }
        if recent.at.len() as u64 >= most {
            return Err(TooSoon::Spent);
        }
        recent.at.push_back(now);
        recent.busy = true;
        Ok(Turn { pace: self, tenant: Arc::clone(tenant) })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut tenants = self.pace.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(recent) = tenants.get_mut(&self.tenant) {
            recent.busy = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_sends_one_at_a_time_and_so_many_an_hour() {
        let (pace, tenant, other) = (Pace::default(), Arc::from("t"), Arc::from("u"));
        let at = |minutes: u64| Timestamp::from_millis(minutes * 60_000);
        let start = |tenant: &Arc<str>, minutes| pace.start(tenant, 2, at(minutes)).map(drop);
        let turn = pace.start(&tenant, 2, at(0));

        let meanwhile = [start(&tenant, 1), start(&other, 1)];
        drop(turn);
        let later = [2, 3, 59, 60, 61, 62].map(|minutes| start(&tenant, minutes));

        let spent = Err(TooSoon::Spent);
        assert_eq!((meanwhile, later), ([Err(TooSoon::Busy), Ok(())], [Ok(()), spent, spent, Ok(()), spent, Ok(())]));
    }
}
