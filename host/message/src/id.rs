//! The identity of a message.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, de::Error as _};
use uuid::Uuid;

use crate::Timestamp;

/// A message's name for its whole life: a UUID version 7 (RFC 9562 §5.7), so ids sort by the time of creation and carry it.
///
/// Written as 32 lower-case hexadecimal digits, in logs, replies and commands alike.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(Uuid);

impl MessageId {
    /// Returns a new id whose creation time is `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        let (seconds, millis) = (now.as_millis() / 1000, now.as_millis() % 1000);
        let nanos = u32::try_from(millis * 1_000_000).expect("under a second is under 2^32 nanoseconds");
        Self(Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos)))
    }

    /// Returns the time at which the message was created, to the millisecond.
    #[must_use]
    pub fn created(self) -> Timestamp {
        let mut millis = [0; 8];
        millis[2..].copy_from_slice(&self.0.as_bytes()[..6]);
        Timestamp::from_millis(u64::from_be_bytes(millis))
    }

    /// Returns the 16 octets under which the spool knows the message.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.into_bytes()
    }

    /// Returns the id that these octets are.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_simple().fmt(f)
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for MessageId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self)
    }
}

impl Serialize for MessageId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MessageId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_carries_its_creation_time_and_survives_text() {
        let now = Timestamp::from_millis(1_790_000_000_123);

        let id = MessageId::new(now);

        assert_eq!((id.created(), id.to_string().parse::<MessageId>().unwrap()), (now, id));
    }
}
