//! Whose turn it is: deficit round robin over tenants, and within a tenant over its queues.
//!
//! Only the order is kept here; the messages stay in the lists of whoever asks. Each turn pays for what it takes: who
//! has credit is served, and who has used it up goes to the back with new credit. So a tenant with a million messages in
//! a thousand queues delays another's single message by at most one turn of each tenant.
//!
//! Invariant: a queue is in the order exactly as long as it has something to serve; the caller sees to that with
//! [`Fairness::join`] and [`Fairness::leave`].

use std::collections::{HashMap, VecDeque};

/// What a message costs its tenant and its queue.
pub(crate) const COST: u32 = 1;
/// The credit of a turn.
const QUANTUM: i64 = 1;

/// The tenants and queues that have something to serve.
#[derive(Debug, Default)]
pub(crate) struct Fairness {
    tenants: Ring,
    queues: HashMap<u32, Ring>,
}

impl Fairness {
    pub(crate) fn is_empty(&self) -> bool {
        self.tenants.is_empty()
    }

    /// Adds a queue that is not in the order, behind the tenant's others; a tenant without queues goes to the back.
    pub(crate) fn join(&mut self, tenant: u32, queue: u32) {
        let queues = self.queues.entry(tenant).or_insert_with(|| {
            self.tenants.join(tenant);
            Ring::default()
        });
        queues.join(queue);
    }

    /// Takes a queue out of the order, if it is there.
    pub(crate) fn leave(&mut self, tenant: u32, queue: u32) {
        let Some(queues) = self.queues.get_mut(&tenant) else {
            return;
        };
        queues.leave(queue);
        if queues.is_empty() {
            self.queues.remove(&tenant);
            self.tenants.leave(tenant);
        }
    }

    /// Returns whose turn it is: the tenant and its queue.
    pub(crate) fn turn(&mut self) -> Option<(u32, u32)> {
        let tenant = self.tenants.front()?;
        let queue = self.queues.get_mut(&tenant).and_then(Ring::front);
        Some((tenant, queue.expect("a tenant is in the order as long as a queue of it is")))
    }

    /// Charges the tenant and the queue whose turn it is.
    pub(crate) fn charge(&mut self, cost: u32) {
        if let Some((tenant, _)) = self.turn() {
            self.queues.get_mut(&tenant).into_iter().for_each(|queues| queues.charge(cost));
            self.tenants.charge(cost);
        }
    }

    /// Returns all queues in the order, in no order that means anything but always the same.
    pub(crate) fn queues(&self) -> Vec<u32> {
        let tenants = self.tenants.turns.iter();
        let rings = tenants.filter_map(|(tenant, _)| self.queues.get(tenant));
        rings.flat_map(|ring| ring.turns.iter().map(|(queue, _)| *queue)).collect()
    }
}

/// Takers in the order of their turns, each with its credit.
#[derive(Debug, Default)]
struct Ring {
    turns: VecDeque<(u32, i64)>,
}

impl Ring {
    fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    fn join(&mut self, key: u32) {
        self.turns.push_back((key, QUANTUM));
    }

    fn leave(&mut self, key: u32) {
        // Who leaves has mostly just been served, so stands in front.
        if let Some(place) = self.turns.iter().position(|(other, _)| *other == key) {
            self.turns.remove(place);
        }
    }

    /// Returns the first taker with credit, moving those in debt to the back with new credit.
    fn front(&mut self) -> Option<u32> {
        loop {
            let (key, credit) = *self.turns.front()?;
            if credit > 0 {
                return Some(key);
            }
            self.turns.pop_front();
            self.turns.push_back((key, credit + QUANTUM));
        }
    }

    fn charge(&mut self, cost: u32) {
        if let Some((_, credit)) = self.turns.front_mut() {
            *credit -= i64::from(cost);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn serve(fairness: &mut Fairness, turns: usize) -> Vec<(u32, u32)> {
        let mut served = Vec::new();
        for _ in 0..turns {
            served.extend(fairness.turn());
            fairness.charge(COST);
        }
        served
    }

    #[test]
    fn tenants_take_turns_and_so_do_a_tenants_queues() {
        let mut fairness = Fairness::default();
        for (tenant, queue) in [(1, 10), (1, 11), (1, 12), (2, 20)] {
            fairness.join(tenant, queue);
        }

        let served = serve(&mut fairness, 6);

        assert_eq!(served, [(1, 10), (2, 20), (1, 11), (2, 20), (1, 12), (2, 20)]);
    }

    #[test]
    fn a_newcomer_is_served_before_a_thousand_queues_of_a_tenant_that_had_its_turn() {
        let mut fairness = Fairness::default();
        (0..1000).for_each(|queue| fairness.join(1, queue));
        serve(&mut fairness, 10);
        fairness.join(2, 5000);

        let served = serve(&mut fairness, 2);

        assert_eq!(served.iter().position(|(tenant, _)| *tenant == 2), Some(0));
    }

    #[test]
    fn a_costly_turn_is_paid_off_before_the_next() {
        let mut fairness = Fairness::default();
        fairness.join(1, 10);
        fairness.join(2, 20);
        fairness.turn();
        fairness.charge(3);

        let tenants: Vec<_> = serve(&mut fairness, 5).into_iter().map(|(tenant, _)| tenant).collect();

        assert_eq!(tenants, [2, 2, 2, 1, 2]);
    }

    proptest! {
        #[test]
        fn over_any_stretch_no_two_busy_tenants_differ_by_more_than_a_turn(
            queues in proptest::collection::vec(1..6_u32, 1..6), turns in 0..60_usize,
        ) {
            let mut fairness = Fairness::default();
            for (tenant, count) in (0..).zip(&queues) {
                (0..*count).for_each(|queue| fairness.join(tenant, tenant * 100 + queue));
            }

            let mut counts = vec![0_usize; queues.len()];
            serve(&mut fairness, turns).into_iter().for_each(|(tenant, _)| counts[tenant as usize] += 1);

            prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1);
        }

        #[test]
        fn who_leaves_is_served_no_more(queues in proptest::collection::btree_set((0..4_u32, 0..8_u32), 1..20)) {
            let mut fairness = Fairness::default();
            queues.iter().for_each(|(tenant, queue)| fairness.join(*tenant, tenant * 100 + queue));

            let mut served = Vec::new();
            while let Some((tenant, queue)) = fairness.turn() {
                served.push((tenant, queue - tenant * 100));
                fairness.charge(COST);
                fairness.leave(tenant, queue);
            }

            served.sort_unstable();
            prop_assert_eq!(served, Vec::from_iter(queues));
        }
    }
}
