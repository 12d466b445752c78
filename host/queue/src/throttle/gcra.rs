//! The generic cell rate algorithm, exact: time is counted in the `limit`-th part of a millisecond, so that no rate is
//! rounded.

use tollgate_message::Timestamp;

use super::Rate;

/// A bucket's state: when it would be full again, in parts of a millisecond. The state of a full bucket is 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Level(u128);

impl Level {
    /// Returns when one more may go.
    pub(super) fn next(self, rate: Rate) -> Timestamp {
        let slack = increment(rate).saturating_mul(u128::from(rate.burst.max(1)) - 1);
        let at = self.0.saturating_sub(slack).div_ceil(limit(rate));
        Timestamp::from_millis(u64::try_from(at).unwrap_or(u64::MAX))
    }

    /// Returns the state after one went at this time.
    pub(super) fn after(self, now: Timestamp, rate: Rate) -> Self {
        // Who waits comes at a whole millisecond, a part of one later than he might have: the next need not pay for that.
        let in_time = self.0.saturating_add(limit(rate)) > parts(now, rate);
        let from = if in_time { self.0 } else { parts(now, rate) };
        Self(from.saturating_add(increment(rate)))
    }

    /// Returns whether the bucket is full by now.
    pub(super) fn is_full(self, now: Timestamp, rate: Rate) -> bool {
        self.0 <= parts(now, rate)
    }
}

fn limit(rate: Rate) -> u128 {
    u128::from(rate.limit.max(1))
}

/// What one costs: the period in parts of a millisecond, shared by `limit`, is the period in milliseconds.
fn increment(rate: Rate) -> u128 {
    rate.period.as_millis().max(1)
}

fn parts(now: Timestamp, rate: Rate) -> u128 {
    u128::from(now.as_millis()) * limit(rate)
}
