//! Wall-clock instants, as milliseconds.
//!
//! One small number instead of a calendar type: timers, records and the journal hold millions of them. Calendar
//! arithmetic happens only in [`crate::schedule`].

use std::{fmt, ops::Add, time::Duration};

use serde::{Deserialize, Serialize};

/// An instant in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Returns the instant `millis` milliseconds after the epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Returns the milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Returns the time from `earlier` to this instant, zero if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// Parses an RFC 3339 time; an offset without its colon is tolerated. Instants before 1970 become the epoch.
    ///
    /// # Source
    /// RFC 3339 §5.6, with the blank for the `T` that its note allows.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        // The library reads all of ISO 8601, where seconds and separators may be missing and a zone may follow.
        if !is_shaped_like_rfc3339(text.as_bytes()) {
            return None;
        }
        text.parse::<jiff::Timestamp>().ok().map(Self::from)
    }

    /// Returns the calendar form, saturating at the calendar's end (year 9999).
    #[must_use]
    pub fn to_jiff(self) -> jiff::Timestamp {
        let millis = i64::try_from(self.0).unwrap_or(i64::MAX);
        jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX)
    }
}

/// Returns whether every digit and separator is where it has to be; what the digits mean is not looked at.
fn is_shaped_like_rfc3339(text: &[u8]) -> bool {
    let is = |shape: &[u8], text: &[u8]| {
        let fits = |(shape, octet): (&u8, &u8)| match shape {
            b'0' => octet.is_ascii_digit(),
            b'T' => matches!(octet, b'T' | b't' | b' '),
            b'+' => matches!(octet, b'+' | b'-'),
            _ => octet == shape,
        };
        shape.len() == text.len() && shape.iter().zip(text).all(fits)
    };
    let Some((time, rest)) = text.split_at_checked(19) else { return false };
    let digits =
        rest.strip_prefix(b".").map_or(0, |fraction| fraction.iter().take_while(|b| b.is_ascii_digit()).count());
    let offset = if digits > 0 { &rest[1 + digits..] } else { rest };
    is(b"0000-00-00T00:00:00", time) && (matches!(offset, b"Z" | b"z") || is(b"+00:00", offset) || is(b"+0000", offset))
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(time: jiff::Timestamp) -> Self {
        Self(u64::try_from(time.as_millisecond()).unwrap_or(0))
    }
}

/// Saturating, so that an absurd interval means "never" and not a panic.
impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, interval: Duration) -> Self {
        let millis = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(millis))
    }
}

/// RFC 3339 in UTC, with a fraction only where there is one: `2030-01-01T00:00:00Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_jiff().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rfc_3339_is_a_time() {
        let times = [
            "2031-02-03T04:05:06Z",
            "2031-02-03t04:05:06z",
            "2031-02-03 04:05:06.789-05:30",
            "2031-02-03T04:05:06+0000",
        ];
        let others = [
            "2031-02-03T04:05Z",
            "20310203T040506Z",
            "2031-02-03T04:05:06",
            "2031-02-03T04:05:06.Z",
            "2031-02-03T04:05:06,5Z",
            "2031-02-03T04:05:06+01",
            "2031-02-03T04:05:06+01:00[Europe/Paris]",
            "+002031-02-03T04:05:06Z",
            "2031-W06-1T04:05:06Z",
            "2031-02-30T04:05:06Z",
            "2031-02-03T24:00:00Z",
            "２031-02-03T04:05:06Z",
            "",
        ];

        let read = |text: &&str| Timestamp::parse_rfc3339(text).is_some();

        assert_eq!((times.iter().all(read), others.iter().find(|text| read(text))), (true, None));
    }
}
