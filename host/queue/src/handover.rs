//! What becomes of a message after an attempt: one total function from outcome and state to a disposition.
//!
//! Comes between a ready queue, which had the message last, and the timer wheel, which may get it next; the engine
//! carries out what is decided here. A failure counts as an attempt and waits by [`retry`]; a requeue (a throttle, a
//! full queue) counts as none and waits as long as it was told. Both expire: by the queue's `max_age`, or by the
//! message's own `expires`, which stands in its place. The judgement uses the time before it is moved into a window of
//! the schedule, so a window cannot expire a message.
//!
//! Replies are not read here, and the enhanced code of an expiry (`551 5.4.7`) is the shell's to write.

use std::{fmt, time::Duration};

use tollgate_message::{Schedule, Timestamp};

use crate::scheduled::{QueueConfig, retry};

/// How an attempt ended, for the message as a whole; what became of each recipient is the shell's to keep.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// No recipient is left: each is delivered or has failed for good.
    Done,
    /// A recipient is left to try again. Counts as an attempt and waits by back-off.
    Transient,
    /// The same, and somebody wants the next attempt to come later. Never so late that the message would expire by it.
    Postponed {
        /// The next attempt comes at this time at the earliest.
        not_before: Timestamp,
    },
    /// The message could not be tried. Counts as no attempt.
    Requeue {
        /// How long to wait before the next try.
        after: Duration,
    },
}

/// What becomes of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Disposition {
    /// It is gone from the queues.
    Done,
    /// It waits.
    Retry {
        /// When it is due next.
        due: Timestamp,
        /// How many attempts are counted by now.
        attempts: u32,
    },
    /// It is gone from the queues, because its time is over.
    Expired(Expiry),
    /// Nothing: what became of it was decided before, when its connection was given up as abandoned.
    Void,
}

/// Why a message's time is over. Displays as the text of its record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expiry {
    /// After a counted failure the next attempt would come too late.
    Retry {
        /// The message's age at that attempt.
        age: Duration,
        /// The queue's limit.
        max_age: Duration,
    },
    /// After a requeue that does not count, or a wait for its turn, the next try would come too late.
    Requeue {
        /// The message's age at that try.
        age: Duration,
        /// The queue's limit.
        max_age: Duration,
    },
    /// The schedule's own end.
    Schedule {
        /// When the next attempt would be.
        due: Timestamp,
        /// When the schedule ends.
        expires: Timestamp,
    },
}

/// A message as far as its fate depends on it.
#[derive(Clone, Copy, Debug)]
pub struct State<'a> {
    /// When it was received.
    pub created: Timestamp,
    /// How many attempts were counted before this one.
    pub attempts: u32,
    /// When it may be sent.
    pub schedule: Option<&'a Schedule>,
}

/// Whether a message may go at this moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Readiness {
    Go,
    /// Not before this time, as its schedule has it.
    Later(Timestamp),
    Expired(Expiry),
}

/// Returns what becomes of a message after `outcome` at the time `now`; `unit` in [0, 1) is the luck of its jitter.
#[must_use]
pub fn dispose(now: Timestamp, state: State<'_>, config: &QueueConfig, outcome: Outcome, unit: f64) -> Disposition {
    match outcome {
        Outcome::Done => Disposition::Done,
        Outcome::Transient => failed(now, state, config, now, unit),
        Outcome::Postponed { not_before } => failed(now, state, config, not_before.min(last_due(state, config)), unit),
        Outcome::Requeue { after } => {
            let next = now + after;
            let (age, max_age) = (next.since(state.created), config.max_age);
            let too_old = (age >= max_age).then_some(Expiry::Requeue { age, max_age });
            wait(next, state, too_old, state.attempts)
        }
    }
}

/// Returns the last moment for which an attempt can be planned after one that failed.
#[must_use]
pub fn last_due(state: State<'_>, config: &QueueConfig) -> Timestamp {
    match state.schedule.and_then(|schedule| schedule.expires) {
        Some(expires) => Timestamp::from_millis(expires.as_millis().saturating_sub(1)),
        None => state.created + config.max_age,
    }
}

/// Counts an attempt; the next comes when back-off has it, and not before a time at which the message may still be tried.
fn failed(now: Timestamp, state: State<'_>, config: &QueueConfig, not_before: Timestamp, unit: f64) -> Disposition {
    let next = (now + retry::jittered(config, state.attempts, unit)).max(not_before);
    let (age, max_age) = (next.since(state.created), config.max_age);
    let too_old = (age > max_age).then_some(Expiry::Retry { age, max_age });
    wait(next, state, too_old, state.attempts.saturating_add(1))
}

fn wait(next: Timestamp, state: State<'_>, too_old: Option<Expiry>, attempts: u32) -> Disposition {
    let expires = state.schedule.and_then(|schedule| schedule.expires);
    let expiry = match expires {
        Some(expires) => (next >= expires).then_some(Expiry::Schedule { due: next, expires }),
        None => too_old,
    };
    match expiry {
        Some(expiry) => Disposition::Expired(expiry),
        None => Disposition::Retry { due: state.schedule.map_or(next, |schedule| schedule.adjust(next)), attempts },
    }
}

/// Returns when the time of a message that waits for its turn is over, `due` being the time for which it was planned.
///
/// One whose plan lies at or after its limit, as a window may have it, is entitled to that attempt, and waits for it as
/// long again at most.
pub(crate) fn deadline(state: State<'_>, due: Timestamp, max_age: Duration) -> Timestamp {
    let limit = state.created + max_age;
    match state.schedule.and_then(|schedule| schedule.expires) {
        Some(expires) => expires,
        None if due < limit => limit,
        None => due + max_age,
    }
}

/// Returns why the time of a message that waits for its turn is over by `then`, if it is.
pub(crate) fn over_by(then: Timestamp, state: State<'_>, due: Timestamp, max_age: Duration) -> Option<Expiry> {
    let expiry = match state.schedule.and_then(|schedule| schedule.expires) {
        Some(expires) => Expiry::Schedule { due: then, expires },
        None => Expiry::Requeue { age: then.since(state.created), max_age },
    };
    (deadline(state, due, max_age) <= then).then_some(expiry)
}

/// Returns whether the schedule lets a message go now: a window may have closed while it waited for its turn.
pub(crate) fn readiness(now: Timestamp, schedule: Option<&Schedule>) -> Readiness {
    let Some(schedule) = schedule else {
        return Readiness::Go;
    };
    match schedule.expires {
        Some(expires) if expires <= now => Readiness::Expired(Expiry::Schedule { due: now, expires }),
        _ => match schedule.adjust(now) {
            due if due > now => Readiness::Later(due),
            _ => Readiness::Go,
        },
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Retry { age, max_age } => write!(
                f,
                "Next delivery time would be {} after creation, which exceeds max_age={}",
                Spelled(age),
                Spelled(max_age)
            ),
            Self::Requeue { age, max_age } => write!(f, "Next delivery time {} > {}", Spelled(age), Spelled(max_age)),
            Self::Schedule { due, expires } => write!(
                f,
                "Next delivery time would be at {due} which exceeds the expiry time {expires} configured via set_scheduling"
            ),
        }
    }
}

/// Spells a duration for people, in whole seconds: `3days 12h 5s`.
struct Spelled(Duration);

impl fmt::Display for Spelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let days = seconds / 86_400;
        let parts =
            [(days, if days == 1 { "day" } else { "days" }), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "m")];
        let mut separator = "";
        for (count, unit) in parts.into_iter().chain([(seconds % 60, "s")]).filter(|(count, _)| *count > 0) {
            write!(f, "{separator}{count}{unit}")?;
            separator = " ";
        }
        if separator.is_empty() { f.write_str("0s") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREATED: u64 = 1_790_000_000_000;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(CREATED + seconds * 1000)
    }

    /// Five minutes, doubling, an hour at most; drawn at 0.5 there is no jitter.
    fn after(outcome: Outcome, age: u64, attempts: u32, schedule: Option<&Schedule>) -> Disposition {
        let config = QueueConfig {
            retry_interval: Duration::from_secs(300),
            max_age: Duration::from_secs(3600),
            ..QueueConfig::default()
        };
        dispose(at(age), State { created: at(0), attempts, schedule }, &config, outcome, 0.5)
    }

    fn schedule(json: &str) -> Schedule {
        Schedule::parse(json, at(0)).unwrap()
    }

    #[test]
    fn a_failure_counts_and_a_requeue_does_not() {
        let requeue = Outcome::Requeue { after: Duration::from_millis(1500) };

        assert_eq!(
            [after(Outcome::Transient, 10, 2, None), after(requeue, 10, 2, None), after(Outcome::Done, 10, 2, None)],
            [
                Disposition::Retry { due: at(1210), attempts: 3 },
                Disposition::Retry { due: Timestamp::from_millis(CREATED + 11_500), attempts: 2 },
                Disposition::Done
            ]
        );
    }

    #[test]
    fn max_age_is_reached_by_a_requeue_and_passed_by_a_failure() {
        let (max_age, requeue) = (Duration::from_secs(3600), Outcome::Requeue { after: Duration::from_secs(600) });

        assert_eq!(
            [
                after(Outcome::Transient, 3000, 1, None),
                after(Outcome::Transient, 3001, 1, None),
                after(requeue, 3000, 1, None)
            ],
            [
                Disposition::Retry { due: at(3600), attempts: 2 },
                Disposition::Expired(Expiry::Retry { age: Duration::from_secs(3601), max_age }),
                Disposition::Expired(Expiry::Requeue { age: max_age, max_age })
            ]
        );
    }

    #[test]
    fn a_postponed_attempt_comes_no_earlier_than_back_off_has_it_and_no_later_than_the_message_may_live() {
        let soon = Schedule { expires: Some(at(2000)), ..Schedule::default() };
        let postponed = |until: u64, schedule: Option<&Schedule>| {
            after(Outcome::Postponed { not_before: at(until) }, 100, 0, schedule)
        };

        let retry = |due| Disposition::Retry { due, attempts: 1 };
        assert_eq!(
            [postponed(0, None), postponed(3000, None), postponed(9000, None), postponed(9000, Some(&soon))],
            [retry(at(400)), retry(at(3000)), retry(at(3600)), retry(Timestamp::from_millis(CREATED + 1_999_999))]
        );
    }

    #[test]
    fn expires_stands_in_for_max_age_in_failures_and_requeues() {
        let late = Schedule { expires: Some(at(9000)), ..Schedule::default() };
        let soon = Schedule { expires: Some(at(310)), ..Schedule::default() };
        let requeue = Outcome::Requeue { after: Duration::from_secs(8000) };

        assert_eq!(
            [
                after(Outcome::Transient, 3500, 0, Some(&late)),
                after(requeue, 0, 0, Some(&late)),
                after(Outcome::Transient, 10, 0, Some(&soon))
            ],
            [
                Disposition::Retry { due: at(3800), attempts: 1 },
                Disposition::Retry { due: at(8000), attempts: 0 },
                Disposition::Expired(Expiry::Schedule { due: at(310), expires: at(310) })
            ]
        );
    }

    #[test]
    fn a_window_moves_the_due_time_and_cannot_expire_the_message() {
        // The epoch of these tests is 2026-09-21 14:13:20 UTC, a Monday.
        let tuesday = schedule(r#"{"dow":"Tue","tz":"UTC","start":"09:00:00","end":"10:00:00"}"#);

        let disposition = after(Outcome::Transient, 3000, 1, Some(&tuesday));

        let due = Timestamp::parse_rfc3339("2026-09-22T09:00:00Z").unwrap();
        assert_eq!(disposition, Disposition::Retry { due, attempts: 2 });
    }

    #[test]
    fn a_message_goes_only_within_its_window_and_before_its_end() {
        let monday = schedule(r#"{"dow":"Mon","tz":"UTC","start":"14:00:00","end":"15:00:00"}"#);
        let ended = Schedule { expires: Some(at(60)), ..Schedule::default() };
        let next_week = Timestamp::parse_rfc3339("2026-09-28T14:00:00Z").unwrap();

        assert_eq!(
            [
                readiness(at(0), Some(&monday)),
                readiness(at(3600), Some(&monday)),
                readiness(at(59), Some(&ended)),
                readiness(at(60), Some(&ended)),
                readiness(at(60), None)
            ],
            [
                Readiness::Go,
                Readiness::Later(next_week),
                Readiness::Go,
                Readiness::Expired(Expiry::Schedule { due: at(60), expires: at(60) }),
                Readiness::Go
            ]
        );
    }

    #[test]
    fn expiries_say_what_the_log_says() {
        let max_age = Duration::from_secs(7 * 86_400);
        let texts = [
            Expiry::Retry { age: Duration::from_secs(613_205), max_age }.to_string(),
            Expiry::Requeue { age: Duration::ZERO, max_age: Duration::from_secs(90_000) }.to_string(),
            Expiry::Schedule { due: at(1), expires: at(0) }.to_string(),
        ];

        assert_eq!(
            texts,
            [
                "Next delivery time would be 7days 2h 20m 5s after creation, which exceeds max_age=7days",
                "Next delivery time 0s > 1day 1h",
                "Next delivery time would be at 2026-09-21T14:13:21Z which exceeds the expiry time 2026-09-21T14:13:20Z configured via set_scheduling"
            ]
        );
    }
}
