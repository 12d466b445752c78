//! When a tenant's mail may go: within the time that the operator gives it.

use std::time::Duration;

use tollgate_message::{Schedule, Timestamp};

use super::{Bounds, Clamp, Refused};

impl Bounds {
    /// Returns a tenant's schedule within the operator's time: one that expires later than mail does is cut short.
    ///
    /// `at`: when the message was received; `max_age`: how old the operator lets it become, and `origin` who says so.
    ///
    /// # Errors
    /// [`Refused::Invalid`] for a schedule that lets the message go only when it has expired.
    pub fn confine_schedule(
        &self,
        wanted: Schedule,
        at: Timestamp,
        max_age: (Duration, &str),
    ) -> Result<(Schedule, Option<Clamp>), Refused> {
        let latest = at + max_age.0;
        let late = wanted.expires.filter(|expires| *expires > latest);
        let clamp = late.map(|expires| Clamp {
            what: "expires".to_owned(),
            wanted: expires.to_string(),
            got: Some(latest.to_string()),
            bound: latest.to_string(),
            origin: max_age.1.to_owned(),
        });
        let end = wanted.expires.map_or(latest, |expires| expires.min(latest));
        let first = wanted.adjust(at);
        if first >= end {
            return Err(Refused::Invalid(format!(
                "the schedule lets the message go at {first}, when it has expired at {end}"
            )));
        }
        let expires = if clamp.is_some() { Some(latest) } else { wanted.expires };
        Ok((Schedule { expires, ..wanted }, clamp))
    }
}
