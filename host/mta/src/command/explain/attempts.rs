//! The attempts of a message of which every one fails at once, as the engine would make them, without jitter.

use std::time::Duration;

use tollgate_message::{Schedule, Timestamp};
use tollgate_queue::{
    Disposition, Expiry, Outcome, QueueConfig,
    handover::{State, dispose},
    scheduled::retry::{self, MAX_PLAN},
};

/// An attempt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Attempt {
    /// How long after the one before, or after reception.
    pub(super) wait: Duration,
    pub(super) due: Timestamp,
    /// Whether it waits for a window of its schedule.
    pub(super) moved: bool,
}

/// All attempts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Attempts {
    pub(super) list: Vec<Attempt>,
    /// Why there is no further one; absent where there are more than can be counted.
    pub(super) end: Option<Expiry>,
}

/// Returns the attempts of a message received at `created`.
pub(super) fn attempts(config: &QueueConfig, created: Timestamp, schedule: Option<&Schedule>) -> Attempts {
    let first = schedule.map_or(created, |schedule| schedule.adjust(created));
    if let Some(expires) = schedule.and_then(|schedule| schedule.expires).filter(|expires| *expires <= first) {
        return Attempts { list: Vec::new(), end: Some(Expiry::Schedule { due: first, expires }) };
    }
    let mut list = vec![Attempt { wait: first.since(created), due: first, moved: false }];
    for attempts in 0.. {
        let last = list.last().expect("the first is there").due;
        let state = State { created, attempts, schedule };
        match dispose(last, state, config, Outcome::Transient, NO_JITTER) {
            Disposition::Retry { due, .. } if list.len() <= MAX_PLAN => {
                let moved = due > last + retry::delay(config, attempts);
                list.push(Attempt { wait: due.since(last), due, moved });
            }
            Disposition::Expired(expiry) => return Attempts { list, end: Some(expiry) },
            _ => break,
        }
    }
    Attempts { list, end: None }
}

/// The luck with which a wait is neither longer nor shorter.
const NO_JITTER: f64 = 0.5;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).expect("a time")
    }

    #[test]
    fn attempts_wait_for_their_windows_and_end_with_the_schedule() {
        let created = at("2026-05-01T12:00:00Z");
        let json = r#"{"dow":"Mon,Fri","tz":"UTC","start":"12:30","end":"13:00","expires":"2026-05-04T12:40:00Z"}"#;
        let schedule = Schedule::parse(json, created).expect("a schedule");

        let seen = attempts(&QueueConfig::default(), created, Some(&schedule));

        let attempt =
            |minutes: u64, due: &str, moved| Attempt { wait: Duration::from_secs(minutes * 60), due: at(due), moved };
        let list = vec![
            attempt(30, "2026-05-01T12:30:00Z", false),
            attempt(20, "2026-05-01T12:50:00Z", false),
            attempt(71 * 60 + 40, "2026-05-04T12:30:00Z", true),
        ];
        let end = Expiry::Schedule { due: at("2026-05-04T13:50:00Z"), expires: at("2026-05-04T12:40:00Z") };
        assert_eq!(seen, Attempts { list, end: Some(end) });
    }

    #[test]
    fn a_message_that_expires_before_it_may_go_is_never_tried() {
        let created = at("2026-05-01T12:00:00Z");
        let json = r#"{"dow":"Mon","tz":"UTC","start":"09:00","end":"17:00","expires":"2026-05-01T13:00:00Z"}"#;
        let schedule = Schedule::parse(json, created).expect("a schedule");

        let seen = attempts(&QueueConfig::default(), created, Some(&schedule));

        let end = Expiry::Schedule { due: at("2026-05-04T09:00:00Z"), expires: at("2026-05-01T13:00:00Z") };
        assert_eq!(seen, Attempts { list: Vec::new(), end: Some(end) });
    }

    #[test]
    fn attempts_without_an_end_are_cut() {
        let config = QueueConfig {
            max_age: Duration::MAX,
            max_retry_interval: Some(Duration::from_secs(1)),
            ..QueueConfig::default()
        };

        let Attempts { list, end } = attempts(&config, at("2026-05-01T12:00:00Z"), None);

        assert_eq!((list.len(), end), (MAX_PLAN + 1, None));
    }
}
