//! A simulated week: a thousand queues whose mail always fails, each attempt checked against the formula.
//!
//! The formula is written here a second time, from the rules (a doubling wait with a cap, jitter of a twentieth of the
//! interval and a minute at the most, expiry when the next attempt would be too late), and not taken from the engine.

use std::{collections::BTreeMap, time::Duration};

use super::{
    tests::{Kit, at, number},
    *,
};
use crate::{
    handover::{Disposition, Outcome},
    scheduled::{QueueConfig, Route},
};

const QUEUES: u64 = 1000;
const WEEK: u64 = 7 * 24 * 3600;

/// What the formula says about a queue, in seconds.
struct Formula {
    retry: u64,
    cap: Option<u64>,
    max_age: u64,
}

impl Formula {
    /// Returns a queue's values, spread over what operators write: seconds to hours, with and without a cap.
    fn of(queue: u64) -> Self {
        let retry = [10, 20, 45, 60, 300, 600, 1200, 3600, 7200][queue as usize % 9] + queue % 7;
        let cap = (!queue.is_multiple_of(3)).then_some(retry * (1 + queue % 40));
        Self { retry, cap, max_age: WEEK - queue * 500 }
    }

    fn config(&self, route: String) -> QueueConfig {
        QueueConfig {
            retry_interval: Duration::from_secs(self.retry),
            max_retry_interval: self.cap.map(Duration::from_secs),
            max_age: Duration::from_secs(self.max_age),
            route: Route::MxList(vec![route]),
            ..QueueConfig::default()
        }
    }

    fn delay(&self, failures: u32) -> i64 {
        let doubled = (0..failures).fold(self.retry, |wait, _| wait.saturating_mul(2).min(1 << 40));
        i64::try_from(self.cap.map_or(doubled, |cap| doubled.min(cap))).unwrap()
    }

    /// Returns how far jitter may move an attempt, either way.
    fn jitter(&self) -> i64 {
        ((self.retry as f64 / 20.0).min(60.0) / 2.0) as i64
    }
}

/// What a run came to: each message's attempts, and when each was given up, in seconds.
#[derive(Default)]
struct Story {
    attempts: BTreeMap<u64, Vec<i64>>,
    ended: BTreeMap<u64, i64>,
}

/// Fails everything that goes, until nothing is left.
fn fail_everything(kit: &mut Kit) -> Story {
    let mut story = Story::default();
    loop {
        kit.drain();
        while let Some((lease, _)) = kit.leases.pop() {
            fail_over(kit, lease, &mut story);
            kit.drain();
        }
        match kit.engine.next_wake() {
            Some(wake) => kit.go_to(wake),
            None => return story,
        }
    }
}

/// Fails what one connection is given, then closes it.
fn fail_over(kit: &mut Kit, mut lease: Lease, story: &mut Story) {
    let now = i64::try_from(kit.now.since(at(0)).as_secs()).unwrap();
    loop {
        match kit.engine.next_delivery(kit.now, lease) {
            Next::Deliver(delivery) => {
                let message = number(delivery.id);
                story.attempts.entry(message).or_default().push(now);
                let (back, disposition) = kit.engine.outcome(kit.now, delivery.permit, Outcome::Transient);
                lease = back;
                if matches!(disposition, Disposition::Expired(_)) {
                    story.ended.insert(message, now);
                }
            }
            Next::Idle(lease) | Next::Close(lease) => return kit.engine.closed(kit.now, lease, Closed::Finished),
        }
    }
}

/// Returns what is wrong with the attempts of a message, by the formula.
fn judge(formula: &Formula, attempts: &[i64], ended: i64) -> Option<String> {
    let max_age = i64::try_from(formula.max_age).unwrap();
    for (failures, pair) in (0..).zip(attempts.windows(2)) {
        let off = pair[1] - pair[0] - formula.delay(failures);
        if off.abs() > formula.jitter() {
            return Some(format!("attempt {} came {off} s off its time", failures + 2));
        }
        if pair[1] > max_age {
            return Some(format!("attempt {} came after max_age", failures + 2));
        }
    }
    let failures = u32::try_from(attempts.len() - 1).unwrap();
    let last = *attempts.last().unwrap();
    let too_early = last + formula.delay(failures) + formula.jitter() <= max_age;
    (ended != last || too_early).then(|| format!("given up at {ended} s after {} attempts", failures + 1))
}

#[test]
fn over_a_week_every_attempt_of_a_thousand_queues_comes_when_the_formula_says() {
    let mut kit = Kit::new(EgressSettings::default());
    for n in 0..QUEUES {
        let config = Formula::of(n).config(format!("site-{}", n % 50));
        let queue = kit.queue(&format!("d{n}.example"), config);
        kit.insert(queue, 1);
    }

    let Story { attempts, ended } = fail_everything(&mut kit);

    let wrong: Vec<_> =
        (0..QUEUES).filter_map(|n| Some((n, judge(&Formula::of(n), &attempts[&(n + 1)], ended[&(n + 1)])?))).collect();
    assert_eq!(wrong, []);
    let total: usize = attempts.values().map(Vec::len).sum();
    assert!(total > 100_000, "the week was to be a busy one, with its {total} attempts");
}
