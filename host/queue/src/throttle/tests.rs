//! What goes through a bucket, and when.

use proptest::prelude::*;

use super::*;

const START: u64 = 1_790_000_000_000;

fn throttle(limit: u64, period: u64, burst: u64) -> Throttle {
    Throttle { key: "t".into(), rate: Rate { limit, period: Duration::from_secs(period), burst } }
}

/// Sends as many as a bucket lets through, each as early as it may; returns when they went, in ms from the start.
fn eager(throttle: &Throttle, count: usize) -> Vec<u64> {
    let (mut store, mut now) = (LocalStore::default(), Timestamp::from_millis(START));
    let mut send = || {
        now = now.max(store.next(now, throttle));
        store.take(now, throttle);
        now.as_millis() - START
    };
    (0..count).map(|_| send()).collect()
}

#[test]
fn exactly_the_burst_goes_at_once_and_then_one_after_the_other() {
    let seen = [eager(&throttle(3, 3, 3), 6), eager(&throttle(4, 1, 1), 4), eager(&throttle(2, 1, 4), 6)];

    assert_eq!(seen, [vec![0, 0, 0, 1000, 2000, 3000], vec![0, 250, 500, 750], vec![0, 0, 0, 0, 500, 1000]]);
}

#[test]
fn a_rate_that_does_not_divide_a_millisecond_is_kept_over_the_hour() {
    let went = eager(&throttle(7, 3600, 1), 8);

    assert_eq!(went, [0, 514_286, 1_028_572, 1_542_858, 2_057_143, 2_571_429, 3_085_715, 3_600_000]);
}

#[test]
fn a_rate_of_many_a_millisecond_lets_that_many_through() {
    let went = eager(&throttle(5_000, 1, 1), 11);

    assert_eq!(went, [0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2]);
}

#[test]
fn another_rate_is_another_bucket() {
    let (mut store, now) = (LocalStore::default(), Timestamp::from_millis(START));
    let (before, after) = (throttle(1, 60, 1), throttle(2, 60, 1));
    store.take(now, &before);

    let next = [store.next(now, &before), store.next(now, &after)].map(|at| at.as_millis() - START);

    assert_eq!(next, [60_000, 0]);
}

#[test]
fn a_bucket_that_is_full_again_is_forgotten() {
    let (mut store, now) = (LocalStore::default(), Timestamp::from_millis(START));
    store.take(now, &throttle(1, 1, 1));
    store.take(now, &throttle(1, 60, 1));

    store.tidy(now + Duration::from_secs(1));

    assert_eq!(store.levels.keys().collect::<Vec<_>>(), [&throttle(1, 60, 1)]);
}

#[test]
fn absurd_rates_are_harmless() {
    let huge = Rate { limit: u64::MAX, period: Duration::MAX, burst: u64::MAX };
    let zero = Rate { limit: 0, period: Duration::ZERO, burst: 0 };

    for rate in [huge, zero, Rate { limit: 1, ..huge }, Rate { burst: 1, ..huge }] {
        eager(&Throttle { key: "t".into(), rate }, 3);
    }
}

proptest! {
    /// Whatever the moments at which one tries, no stretch of time sees more than the rate and its burst allow.
    #[test]
    fn no_window_sees_more_than_burst_and_rate(
        limit in 1..50_u64, period in 1..120_u64, burst in 1..60_u64, tries in proptest::collection::vec(0..4000_u64, 1..200),
    ) {
        let (throttle, mut store) = (throttle(limit, period, burst), LocalStore::default());
        let (mut now, mut went) = (Timestamp::from_millis(START), Vec::new());
        for wait in tries {
            now = now + Duration::from_millis(wait);
            while store.next(now, &throttle) <= now {
                store.take(now, &throttle);
                went.push(u128::from(now.as_millis()));
            }
        }
        for first in 0..went.len() {
            for last in first..went.len() {
                let window = went[last] - went[first];
                // A millisecond more, since times are whole ones.
                let allowed = u128::from(burst) + (window + 1) * u128::from(limit) / u128::from(period * 1000);
                prop_assert!((last - first + 1) as u128 <= allowed);
            }
        }
    }

    /// Who waits until the time he was told goes then, and would not have gone a millisecond earlier.
    #[test]
    fn the_time_told_is_the_first_possible(
        limit in 1..5000_u64, period in 1..120_u64, burst in 1..60_u64, taken in 1..80_u32,
    ) {
        let (throttle, mut store) = (throttle(limit, period, burst), LocalStore::default());
        let now = Timestamp::from_millis(START);
        (0..taken).for_each(|_| store.take(now, &throttle));

        let next = store.next(now, &throttle);

        // By the definition: one more may go as soon as what was taken beyond the burst has been worked off.
        let beyond = (u64::from(taken) + 1).saturating_sub(burst);
        let wait = (u128::from(beyond) * u128::from(period) * 1000).div_ceil(u128::from(limit));
        prop_assert_eq!(u128::from(next.max(now).as_millis() - START), wait);
    }
}
