//! Back-off: how long a message waits after a failed attempt, and when it has waited too long.
//!
//! Pure arithmetic on whole seconds. The wait doubles from `retry_interval` up to `max_retry_interval`; a small jitter
//! that depends on the interval only, not on the current wait, is added after the cap. A message expires at the failed
//! attempt whose next one would come too late, not later. Schedules and windows are applied in [`crate::handover`].

use std::time::Duration;

use super::QueueConfig;

/// How many waits a [`Plan`] lists at most; what it says about expiry counts all of them.
pub const MAX_PLAN: usize = 10_000;
/// Jitter never spreads retries over more than this.
const MAX_JITTER_SECONDS: f64 = 60.0;

/// The attempts that a message gets when each fails at once, without jitter.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plan {
    /// The waits before attempts 2, 3, …; at most [`MAX_PLAN`] of them.
    pub delays: Vec<Duration>,
    /// The age at the last failing attempt, at which the message expires.
    pub expires_after: Duration,
}

/// Returns the wait after a failure, `attempts` being those counted before it.
///
/// Whole seconds, at least one; saturating, so a wait that no longer fits is the longest there is.
#[must_use]
pub fn delay(config: &QueueConfig, attempts: u32) -> Duration {
    let first = config.retry_interval.as_secs().max(1);
    let doubled = if attempts <= first.leading_zeros() { first << attempts } else { u64::MAX };
    let cap = config.max_retry_interval.map_or(u64::MAX, |cap| cap.as_secs().max(1));
    Duration::from_secs(doubled.min(cap))
}

/// Returns the jitter in whole seconds, possibly negative, for a number `unit` drawn from [0, 1).
#[must_use]
pub fn jitter(config: &QueueConfig, unit: f64) -> i64 {
    let spread = (config.retry_interval.as_secs() as f64 / 20.0).min(MAX_JITTER_SECONDS);
    // The cast truncates toward zero, which is what leaves intervals under 40 s without jitter.
    (unit * spread - spread / 2.0) as i64
}

/// Returns the wait with jitter, for a number `unit` drawn from [0, 1).
#[must_use]
pub fn jittered(config: &QueueConfig, attempts: u32, unit: f64) -> Duration {
    let jitter = jitter(config, unit);
    let delay = delay(config, attempts).as_secs();
    Duration::from_secs(delay.saturating_add_signed(jitter))
}

/// Returns the waits of a message that fails at each attempt, up to its expiry.
#[must_use]
pub fn plan(config: &QueueConfig) -> Plan {
    let max_age = config.max_age.as_secs();
    let mut plan = Plan::default();
    let mut age = 0_u64;
    for attempts in 0.. {
        let delay = delay(config, attempts);
        let next = age.saturating_add(delay.as_secs());
        if next > max_age || next == u64::MAX {
            break;
        }
        if plan.delays.len() == MAX_PLAN {
            // By now the wait is constant: doubling ends after 64 steps.
            age += (max_age - age) / delay.as_secs() * delay.as_secs();
            break;
        }
        plan.delays.push(delay);
        age = next;
    }
    plan.expires_after = Duration::from_secs(age);
    plan
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(retry: u64, cap: Option<u64>, max_age: u64) -> QueueConfig {
        QueueConfig {
            retry_interval: Duration::from_secs(retry),
            max_retry_interval: cap.map(Duration::from_secs),
            max_age: Duration::from_secs(max_age),
            ..QueueConfig::default()
        }
    }

    fn planned(retry: u64, cap: Option<u64>, max_age: u64) -> (Vec<u64>, u64) {
        let plan = plan(&config(retry, cap, max_age));
        (plan.delays.iter().map(Duration::as_secs).collect(), plan.expires_after.as_secs())
    }

    #[test]
    fn waits_double_up_to_the_cap_as_long_as_the_next_attempt_is_not_too_late() {
        let day = 24 * 3600;
        let table = [
            ("2 s, 1024 s", planned(2, None, 1024), (vec![2, 4, 8, 16, 32, 64, 128, 256, 512], 1022)),
            ("2 s, cap 8 s, 128 s", planned(2, Some(8), 128), ([vec![2, 4], vec![8; 15]].concat(), 126)),
            ("20 min, 24 h", planned(1200, None, day), (vec![1200, 2400, 4800, 9600, 19200, 38400], 75600)),
            (
                "defaults",
                planned(1200, None, 7 * day),
                (vec![1200, 2400, 4800, 9600, 19200, 38400, 76800, 153_600], 306_000),
            ),
            ("cap 1 h, 5 h", planned(1200, Some(3600), 18_000), (vec![1200, 2400, 3600, 3600, 3600, 3600], 18_000)),
            ("cap below the interval", planned(1200, Some(60), 180), (vec![60, 60, 60], 180)),
            ("one attempt only", planned(600, None, 300), (vec![], 0)),
            ("exactly max_age is not too late", planned(300, None, 300), (vec![300], 300)),
        ];

        for (row, seen, expected) in table {
            assert_eq!(seen, expected, "{row}");
        }
    }

    #[test]
    fn the_default_queue_gives_nine_attempts_and_expires_after_three_and_a_half_days() {
        let plan = plan(&QueueConfig::default());

        assert_eq!((plan.delays.len() + 1, plan.expires_after), (9, Duration::from_secs(5100 * 60)));
    }

    #[test]
    fn a_long_plan_is_cut_but_says_when_it_really_ends() {
        let plan = plan(&config(1, Some(1), 604_800));

        assert_eq!((plan.delays.len(), plan.expires_after.as_secs()), (MAX_PLAN, 604_800));
    }

    #[test]
    fn an_endless_plan_ends() {
        let plan = plan(&QueueConfig { max_age: Duration::MAX, ..config(1, None, 0) });

        assert_eq!((plan.delays.len(), plan.expires_after.as_secs()), (63, (1 << 63) - 1));
    }

    #[test]
    fn waits_saturate_and_are_never_under_a_second() {
        let seconds = |retry, cap, attempts| delay(&config(retry, cap, 0), attempts).as_secs();

        let seen = [
            seconds(1, None, 63),
            seconds(1, None, 64),
            seconds(1200, None, u32::MAX),
            seconds(1200, Some(7), 999),
            seconds(0, Some(0), 5),
        ];

        assert_eq!(seen, [1 << 63, u64::MAX, u64::MAX, 7, 1]);
    }

    #[test]
    fn jitter_spreads_over_a_twentieth_of_the_interval_and_at_most_a_minute() {
        let range = |retry| {
            let config = config(retry, None, 0);
            (jitter(&config, 0.0), jitter(&config, 0.999_999))
        };

        assert_eq!(
            [range(1200), range(300), range(60), range(10), range(86_400)],
            [(-30, 29), (-7, 7), (-1, 1), (0, 0), (-30, 29)]
        );
    }

    #[test]
    fn jitter_depends_on_the_interval_and_comes_after_the_cap() {
        let capped = config(1200, Some(60), 0);

        assert_eq!(
            (jittered(&capped, 9, 0.0), jittered(&capped, 9, 0.999)),
            (Duration::from_secs(30), Duration::from_secs(89))
        );
    }
}
