//! How much CPU time a tenant's events may take: a share of one core, over a while.
//!
//! A bucket that fills at the tenant's share and holds [`WINDOW`] of it. An event may start while there is anything in the
//! bucket and is charged for what it took, so that the bucket may be in debt; the debt is waited off before the next starts.
//! Reads no clock; the caller passes the time.

use std::time::Duration;

use tollgate_message::Timestamp;

/// How long a tenant may have been idle for its benefit.
pub const WINDOW: Duration = Duration::from_secs(10);

/// The CPU time of one tenant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CpuBudget {
    /// Share of one core, in thousandths.
    share: u32,
    /// CPU time in the bucket, in nanoseconds; negative while it is in debt.
    level: i128,
    at: Timestamp,
}

impl CpuBudget {
    /// Returns a full bucket. `share`: in thousandths of one core, at least 1.
    #[must_use]
    pub fn new(share: u32, now: Timestamp) -> Self {
        let share = share.max(1);
        Self { share, level: nanos(share, WINDOW), at: now }
    }

    /// Gives the tenant another share from now on. What it has saved or owes stays.
    pub fn set_share(&mut self, share: u32, now: Timestamp) {
        self.fill(now);
        self.share = share.max(1);
    }

    /// Returns how long an event has to wait until it may start; zero where it may now.
    pub fn wait(&mut self, now: Timestamp) -> Duration {
        self.fill(now);
        if self.level > 0 {
            return Duration::ZERO;
        }
        // The first instant at which something is in the bucket, in whole milliseconds.
        let millis = (1 - self.level).div_euclid(nanos(self.share, Duration::from_millis(1))) + 1;
        Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    }

    /// Charges what an event took.
    pub fn charge(&mut self, now: Timestamp, spent: Duration) {
        self.fill(now);
        self.level = self.level.saturating_sub(i128::try_from(spent.as_nanos()).unwrap_or(i128::MAX));
    }

    fn fill(&mut self, now: Timestamp) {
        let earned = nanos(self.share, now.since(self.at));
        self.level = self.level.saturating_add(earned).min(nanos(self.share, WINDOW));
        self.at = self.at.max(now);
    }
}

/// Returns how many nanoseconds a share comes to in some time.
fn nanos(share: u32, time: Duration) -> i128 {
    i128::from(share) * i128::try_from(time.as_micros()).unwrap_or(i128::MAX / 1_000_000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_tenth_of_a_core_is_a_second_in_ten_and_debt_is_waited_off() {
        let mut budget = CpuBudget::new(100, at(0));

        budget.charge(at(0), ms(999));
        let still = budget.wait(at(0));
        budget.charge(at(0), ms(101));
        let over = budget.wait(at(0));
        let later = [budget.wait(at(500)), budget.wait(at(1001)), budget.wait(at(60_000))];
        budget.charge(at(60_000), ms(1000));

        let empty = budget.wait(at(60_000));
        assert_eq!((still, over, later, empty), (ms(0), ms(1001), [ms(501), ms(0), ms(0)], ms(1)));
    }

    #[test]
    fn another_share_holds_from_then_on() {
        let mut budget = CpuBudget::new(1000, at(0));
        budget.charge(at(0), ms(11_000));

        budget.set_share(100, at(500));

        assert_eq!(budget.wait(at(500)), ms(5001));
    }

    proptest! {
        /// Whenever events start as soon as they may: what they take together is the share of the time that has passed,
        /// what was saved at the start, and one event more.
        #[test]
        fn a_tenant_gets_its_share_and_one_event_more(
            share in 1_u32..=1000,
            events in proptest::collection::vec((0_u64..50, 1_u64..40), 1..200),
        ) {
            let (mut now, mut spent) = (0, Duration::ZERO);
            let mut budget = CpuBudget::new(share, at(0));
            for (pause, cost) in events {
                now += pause;
                now += u64::try_from(budget.wait(at(now)).as_millis()).unwrap();
                prop_assert_eq!(budget.wait(at(now)), Duration::ZERO);
                budget.charge(at(now), ms(cost));
                spent += ms(cost);
            }

            let due = (WINDOW + ms(now)) * share / 1000 + ms(40);
            prop_assert!(spent <= due, "{spent:?} of {due:?}");
        }
    }
}
