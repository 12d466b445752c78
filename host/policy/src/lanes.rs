//! Jobs that wait for a worker, so that nobody's wait behind somebody else's.
//!
//! There is a lane for the operator's plugins and one for each tenant. The operator's is served every other time, the
//! tenants' take turns in between; each lane holds so many jobs and no more. Runs nothing and waits for nothing.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

/// How many jobs of the operator's plugins may wait; beyond that they fail at once rather than pile up.
const OPERATOR: usize = 1024;
/// How many jobs of one tenant may wait.
const TENANT: usize = 64;

/// The jobs, by whose they are. A tenant without jobs takes up nothing.
pub(crate) struct Lanes<T> {
    operator: VecDeque<T>,
    tenants: HashMap<Arc<str>, VecDeque<T>>,
    /// The tenants that have jobs, in the order of their turns.
    turns: VecDeque<Arc<str>>,
    /// Whether the operator's lane was served last.
    was_operators: bool,
}

impl<T> Default for Lanes<T> {
    fn default() -> Self {
        Self { operator: VecDeque::new(), tenants: HashMap::new(), turns: VecDeque::new(), was_operators: false }
    }
}

impl<T> Lanes<T> {
    /// Puts a job at the end of its lane, or gives it back where the lane is full. `tenant`: none for the operator's.
    pub(crate) fn push(&mut self, tenant: Option<&Arc<str>>, job: T) -> Result<(), T> {
        let Some(tenant) = tenant else { return put(&mut self.operator, OPERATOR, job) };
        if !self.tenants.contains_key(tenant) {
            self.turns.push_back(Arc::clone(tenant));
        }
        put(self.tenants.entry(Arc::clone(tenant)).or_default(), TENANT, job)
    }

    /// Takes the job whose turn it is.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let operators_turn = !self.was_operators || self.turns.is_empty();
        let job = if operators_turn { self.operator.pop_front() } else { None };
        self.was_operators = job.is_some();
        job.or_else(|| self.pop_tenant()).or_else(|| self.operator.pop_front())
    }

    fn pop_tenant(&mut self) -> Option<T> {
        let tenant = self.turns.pop_front()?;
        let lane = self.tenants.get_mut(&tenant)?;
        let job = lane.pop_front();
        if lane.is_empty() {
            self.tenants.remove(&tenant);
        } else {
            self.turns.push_back(tenant);
        }
        job
    }
}

fn put<T>(lane: &mut VecDeque<T>, room: usize, job: T) -> Result<(), T> {
    if lane.len() >= room {
        return Err(job);
    }
    lane.push_back(job);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(lanes: &mut Lanes<String>) -> Vec<String> {
        std::iter::from_fn(|| lanes.pop()).collect()
    }

    #[test]
    fn tenants_take_turns_and_the_operator_is_served_every_other_time() {
        let mut lanes = Lanes::default();
        for (tenant, jobs) in [(Some("a"), 3), (Some("b"), 1), (None, 3), (Some("c"), 2)] {
            let (name, tenant) = (tenant.unwrap_or("-"), tenant.map(Arc::from));
            (1..=jobs).for_each(|n| lanes.push(tenant.as_ref(), format!("{name}{n}")).unwrap());
        }

        let order = drain(&mut lanes);

        assert_eq!(order, ["-1", "a1", "-2", "b1", "-3", "c1", "a2", "c2", "a3"]);
    }

    #[test]
    fn a_full_lane_takes_nothing_more_and_leaves_the_others_their_room() {
        let mut lanes = Lanes::default();
        let (greedy, modest) = (Arc::from("greedy"), Arc::from("modest"));
        let refused = (0..1000).filter(|n| lanes.push(Some(&greedy), n.to_string()).is_err()).count();

        let taken = [lanes.push(Some(&modest), "m".to_owned()), lanes.push(None, "o".to_owned())];

        let first: Vec<String> = (0..3).filter_map(|_| lanes.pop()).collect();
        let expected = ["o", "0", "m"].map(str::to_owned);
        assert_eq!((refused, taken, first), (1000 - TENANT, [Ok(()), Ok(())], expected.to_vec()));
    }
}
