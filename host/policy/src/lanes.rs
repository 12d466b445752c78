//! Jobs that wait for a worker, so that nobody's wait behind somebody else's.
//!
//! There is a lane for the operator's plugins and one for each tenant; each lane holds so many jobs and no more. The operator's
//! is served every other time. In between the tenant is served that has had the least CPU time, as start-time fair queueing
//! counts it: a job makes its tenant wait until the others have had as much, and who had nothing to do has saved up nothing. So a
//! tenant whose jobs take long waits, and one whose jobs are quick hardly ever does. Since a job that runs is not interrupted,
//! some workers take none of a tenant whose last job was long. Runs nothing, waits for nothing, reads no clock.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

/// How many jobs of the operator's plugins may wait; beyond that they fail at once rather than pile up.
const OPERATOR: usize = 1024;
/// How many jobs of one tenant may wait.
const TENANT: usize = 64;
/// A job of this length or more is long.
const LONG: Duration = Duration::from_millis(2);
/// What a job counts for at the least, and while it is under way.
const LEAST: Duration = Duration::from_micros(50);
/// How many tenants without jobs are remembered before those are forgotten of whom there is nothing to know.
const REMEMBERED: usize = 1024;

/// Whose jobs a worker takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Takes {
    All,
    /// All but those of tenants whose last job was long.
    Quick,
}

/// The jobs, by whose they are.
pub(crate) struct Lanes<T> {
    operator: VecDeque<T>,
    tenants: HashMap<Arc<str>, Lane<T>>,
    /// The tenants that have jobs, by whose turn it is: those whose jobs are quick, and those whose last was long.
    quick: BTreeSet<Turn>,
    long: BTreeSet<Turn>,
    /// The CPU time that whoever was served last had had by then.
    now: Duration,
    turns: u64,
    /// Whether the operator's lane was served last.
    was_operators: bool,
}

/// Who has had less CPU time comes first, and of those with the same who has waited longer.
type Turn = (Duration, u64, Arc<str>);

struct Lane<T> {
    jobs: VecDeque<T>,
    /// How much CPU time the tenant has had, as far as it matters.
    had: Duration,
    /// Its place among those with the same.
    turn: u64,
    /// What its last job took.
    last: Duration,
}

impl<T> Default for Lane<T> {
    fn default() -> Self {
        Self { jobs: VecDeque::new(), had: Duration::ZERO, turn: 0, last: Duration::ZERO }
    }
}

impl<T> Default for Lanes<T> {
    fn default() -> Self {
        Self {
            operator: VecDeque::new(),
            tenants: HashMap::new(),
            quick: BTreeSet::new(),
            long: BTreeSet::new(),
            now: Duration::ZERO,
            turns: 0,
            was_operators: false,
        }
    }
}

impl<T> Lanes<T> {
    /// Puts a job at the end of its lane, or gives it back where the lane is full. `tenant`: none for the operator's. Returns
    /// which workers take it.
    pub(crate) fn push(&mut self, tenant: Option<&Arc<str>>, job: T) -> Result<Takes, T> {
        let Some(tenant) = tenant else { return put(&mut self.operator, OPERATOR, job).map(|()| Takes::Quick) };
        self.forget();
        let now = self.now;
        let lane = self.tenants.entry(Arc::clone(tenant)).or_default();
        put(&mut lane.jobs, TENANT, job)?;
        let takes = lane.taken_by();
        if lane.jobs.len() == 1 {
            lane.had = lane.had.max(now);
            self.stand(tenant);
        }
        Ok(takes)
    }

    /// Takes the job whose turn it is.
    pub(crate) fn pop(&mut self, takes: Takes) -> Option<T> {
        let nobody_else = self.quick.is_empty() && (takes == Takes::Quick || self.long.is_empty());
        let operators_turn = !self.was_operators || nobody_else;
        let job = if operators_turn { self.operator.pop_front() } else { None };
        self.was_operators = job.is_some();
        job.or_else(|| self.pop_tenant(takes)).or_else(|| self.operator.pop_front())
    }

    /// Counts what a tenant's job took. Returns whether others than before take the jobs that it has.
    pub(crate) fn charge(&mut self, tenant: &Arc<str>, took: Duration) -> bool {
        let Some(lane) = self.tenants.get_mut(tenant) else { return false };
        let (before, turn) = (lane.taken_by(), lane.as_turn(tenant));
        lane.had += took;
        lane.last = took;
        let (changed, waits) = (lane.taken_by() != before, !lane.jobs.is_empty());
        if waits {
            self.turns_of(before).remove(&turn);
            self.stand(tenant);
        }
        changed && waits
    }

    fn pop_tenant(&mut self, takes: Takes) -> Option<T> {
        let quick = self.quick.first();
        let long = self.long.first().filter(|_| takes == Takes::All);
        let turn = quick.into_iter().chain(long).min()?.clone();
        if !self.quick.remove(&turn) {
            self.long.remove(&turn);
        }
        let (had, _, tenant) = turn;
        self.now = self.now.max(had);
        let lane = self.tenants.get_mut(&tenant)?;
        let job = lane.jobs.pop_front();
        lane.had += LEAST;
        if !lane.jobs.is_empty() {
            self.stand(&tenant);
        }
        job
    }

    /// Gives a tenant with jobs a place behind those who have had as much.
    fn stand(&mut self, tenant: &Arc<str>) {
        self.turns += 1;
        let Some(lane) = self.tenants.get_mut(tenant) else { return };
        lane.turn = self.turns;
        let (takes, turn) = (lane.taken_by(), lane.as_turn(tenant));
        self.turns_of(takes).insert(turn);
    }

    fn turns_of(&mut self, takes: Takes) -> &mut BTreeSet<Turn> {
        match takes {
            Takes::Quick => &mut self.quick,
            Takes::All => &mut self.long,
        }
    }

    /// Forgets tenants without jobs that are as if they had never been here.
    fn forget(&mut self) {
        let now = self.now;
        if self.tenants.len() > REMEMBERED && self.tenants.len() == self.tenants.capacity() {
            let matters = |lane: &Lane<T>| lane.had > now + LONG || lane.taken_by() == Takes::All;
            self.tenants.retain(|_, lane| !lane.jobs.is_empty() || matters(lane));
        }
    }
}

impl<T> Lane<T> {
    /// Returns which workers take its jobs.
    fn taken_by(&self) -> Takes {
        if self.last < LONG { Takes::Quick } else { Takes::All }
    }

    fn as_turn(&self, tenant: &Arc<str>) -> Turn {
        (self.had, self.turn, Arc::clone(tenant))
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

    fn drain(lanes: &mut Lanes<String>, takes: Takes) -> Vec<String> {
        std::iter::from_fn(|| lanes.pop(takes)).collect()
    }

    fn push(lanes: &mut Lanes<String>, tenant: &str, job: &str) {
        lanes.push(Some(&Arc::from(tenant)), job.to_owned()).unwrap();
    }

    #[test]
    fn tenants_take_turns_and_the_operator_is_served_every_other_time() {
        let mut lanes = Lanes::default();
        for (tenant, jobs) in [(Some("a"), 3), (Some("b"), 1), (None, 3), (Some("c"), 2)] {
            let (name, tenant) = (tenant.unwrap_or("-"), tenant.map(Arc::from));
            (1..=jobs).for_each(|n| _ = lanes.push(tenant.as_ref(), format!("{name}{n}")).unwrap());
        }

        let order = drain(&mut lanes, Takes::All);

        assert_eq!(order, ["-1", "a1", "-2", "b1", "-3", "c1", "a2", "c2", "a3"]);
    }

    #[test]
    fn a_full_lane_takes_nothing_more_and_leaves_the_others_their_room() {
        let mut lanes = Lanes::default();
        let (greedy, modest) = (Arc::from("greedy"), Arc::from("modest"));
        let refused = (0..1000).filter(|n| lanes.push(Some(&greedy), n.to_string()).is_err()).count();

        let taken = [lanes.push(Some(&modest), "m".to_owned()), lanes.push(None, "o".to_owned())];

        let first: Vec<String> = (0..3).filter_map(|_| lanes.pop(Takes::All)).collect();
        let expected = ["o", "0", "m"].map(str::to_owned);
        assert_eq!((refused, taken, first), (1000 - TENANT, [Ok(Takes::Quick), Ok(Takes::Quick)], expected.to_vec()));
    }

    #[test]
    fn who_takes_long_waits_until_the_others_have_had_as_much() {
        let mut lanes = Lanes::default();
        let (heavy, light) = (Arc::from("heavy"), Arc::from("light"));
        (1..=3).for_each(|n| push(&mut lanes, "heavy", &format!("h{n}")));
        let mut order = vec![lanes.pop(Takes::All).unwrap()];
        lanes.charge(&heavy, Duration::from_millis(20));

        for n in 1..=30 {
            push(&mut lanes, "light", &format!("l{n}"));
            let job = lanes.pop(Takes::All).unwrap();
            let (whose, took) = if job.starts_with('h') { (&heavy, 20) } else { (&light, 1) };
            lanes.charge(whose, Duration::from_millis(took));
            order.push(job);
        }

        // The light one's first twenty come to what the heavy one's first took.
        let turns: Vec<usize> = (0..order.len()).filter(|n| order[*n].starts_with('h')).collect();
        assert_eq!(turns, [0, 21], "{order:?}");
    }

    #[test]
    fn a_worker_for_quick_jobs_takes_none_of_who_took_long_until_one_of_his_is_quick_again() {
        let mut lanes = Lanes::default();
        let heavy = Arc::from("heavy");
        (1..=4).for_each(|n| push(&mut lanes, "heavy", &format!("h{n}")));
        let first = lanes.pop(Takes::Quick);
        lanes.charge(&heavy, LONG);
        push(&mut lanes, "light", "l");

        let while_long = drain(&mut lanes, Takes::Quick);
        let others_take = lanes.pop(Takes::All);
        let changed = lanes.charge(&heavy, LEAST);
        let again = drain(&mut lanes, Takes::Quick);

        let told = (first.as_deref(), while_long, others_take.as_deref(), changed, again);
        let expected = ["h3", "h4"].map(str::to_owned).to_vec();
        assert_eq!(told, (Some("h1"), vec!["l".to_owned()], Some("h2"), true, expected));
    }

    #[test]
    fn who_had_nothing_to_do_has_saved_up_nothing() {
        let mut lanes = Lanes::default();
        let busy = Arc::from("busy");
        for n in 0..100 {
            push(&mut lanes, "busy", &n.to_string());
            lanes.pop(Takes::All).unwrap();
            lanes.charge(&busy, Duration::from_millis(1));
        }
        push(&mut lanes, "busy", "b1");
        push(&mut lanes, "busy", "b2");
        (1..=3).for_each(|n| push(&mut lanes, "new", &format!("n{n}")));

        let order = drain(&mut lanes, Takes::All);

        assert_eq!(order.iter().position(|job| job == "b1"), Some(3), "{order:?}");
    }

    #[test]
    fn tenants_of_whom_there_is_nothing_to_know_are_forgotten() {
        let mut lanes = Lanes::default();
        for n in 0..20_000 {
            let tenant = Arc::from(n.to_string());
            lanes.push(Some(&tenant), n).unwrap();
            lanes.pop(Takes::All);
            lanes.charge(&tenant, Duration::ZERO);
        }

        assert!(lanes.tenants.len() <= 2 * REMEMBERED + 2, "{} are remembered", lanes.tenants.len());
    }
}
