//! The settings of a tenant's queues: what its component wanted, cut down to what it may have.

use std::{fmt, sync::Arc, time::Duration};

use tollgate_config::{Rate, duration};

use super::{Bound, Bounds, Refused};
use crate::{OptionValue, QueueOption, Settings, settings::Written};

/// Something that a tenant's component wanted and did not get.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Clamp {
    /// What: an option by its name in `queues.toml`, or `expires` of a schedule.
    pub what: String,
    /// The value that it wanted.
    pub wanted: String,
    /// The value that it got instead; nothing where the operator's settings stay as they are.
    pub got: Option<String>,
    /// The value that bounds it.
    pub bound: String,
    /// Where that comes from: `queues.toml:12`.
    pub origin: String,
}

/// `max_age: wanted 30days, bound 7days by queues.toml:12`.
impl fmt::Display for Clamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, wanted, bound, origin, .. } = self;
        write!(f, "{what}: wanted {wanted}, bound {bound} by {origin}")
    }
}

/// Longest period of a tenant's rate; beyond it a rate is a way to say never.
const PERIOD: Duration = Duration::from_secs(366 * 86_400);
/// Longest text of an origin that is kept, in characters.
const ORIGIN: usize = 200;

pub(super) fn may_set(option: &QueueOption) -> Result<(), Refused> {
    use QueueOption as O;
    match option {
        O::RetryInterval | O::MaxRetryInterval | O::MaxAge | O::MaxMessageRate | O::EgressPool => Ok(()),
        other => {
            let name = other.name();
            Err(Refused::Denied(format!(
                "{name} is out of a tenant's scope; only a plugin of the operator's may set it"
            )))
        }
    }
}

impl Bounds {
    /// Returns how old a message may become, by the operator's settings for its queue and these bounds.
    #[must_use]
    pub fn longest_age(&self, so_far: &Settings) -> Bound<Duration> {
        let own = || operators(so_far, &QueueOption::MaxAge, |_| so_far.duration(&QueueOption::MaxAge));
        self.max_age.clone().or_else(own).unwrap_or_else(|| default(self.defaults.max_age))
    }

    /// Returns a tenant's layer of a queue's settings as far as it may have it, and what it wanted and did not get.
    ///
    /// `so_far`: what the operator's chain sets. Of each option the last write counts; clearing one takes back what the layer
    /// itself has set, never what the operator did. Nothing that comes out is wider than its bound, whatever goes in.
    #[must_use]
    pub fn clamp(&self, so_far: &Settings, layer: &Settings) -> (Settings, Vec<Clamp>) {
        let (mut clamped, mut clamps) = (Settings::default(), Vec::new());
        for (option, written) in layer.iter() {
            let Some(last) = written.last() else { continue };
            let within = self.within(so_far, option, last);
            clamps.extend(within.clamp(option, last.value.as_ref()));
            let origin = Some(origin(last));
            if let Some(value) = within.value {
                // What is no value for its option was refused when it was set, and is left out if that failed.
                drop(clamped.set(option.clone(), value, origin, &last.plugin));
            }
        }
        (clamped, clamps)
    }

    fn within(&self, so_far: &Settings, option: &QueueOption, written: &Written) -> Within {
        let stays = |bound: String, origin: Arc<str>| Within { value: None, bound, origin };
        let Some(wanted) = &written.value else {
            let held = operators(so_far, option, |value| Some(value.text()));
            let origin = held.as_ref().map_or_else(|| Arc::from(DEFAULT), |held| Arc::clone(&held.origin));
            return stays(held.map_or_else(|| "unset".to_owned(), |held| held.value), origin);
        };
        if may_set(option).is_err() {
            return stays("nothing".to_owned(), Arc::from("the scope of tenants"));
        }
        match (option, wanted) {
            (QueueOption::MaxAge, OptionValue::Duration(wanted)) => {
                Within::duration(*wanted, &zero(), &self.longest_age(so_far))
            }
            (QueueOption::RetryInterval, OptionValue::Duration(wanted)) => {
                Within::duration(*wanted, &self.shortest_wait(so_far), &self.longest_age(so_far))
            }
            (QueueOption::MaxRetryInterval, OptionValue::Duration(wanted)) => {
                Within::duration(*wanted, &self.shortest_cap(so_far), &self.longest_wait(so_far))
            }
            (QueueOption::MaxMessageRate, OptionValue::Rate(wanted)) => self.rate(so_far, *wanted),
            (QueueOption::EgressPool, OptionValue::Text(wanted)) => self.pool(so_far, wanted),
            (_, other) => stays(format!("no {}", other.text()), Arc::from("the type of the option")),
        }
    }

    /// Returns the smallest `retry_interval`.
    fn shortest_wait(&self, so_far: &Settings) -> Bound<Duration> {
        let own = || operators(so_far, &QueueOption::RetryInterval, |_| so_far.duration(&QueueOption::RetryInterval));
        self.retry_interval.clone().or_else(own).unwrap_or_else(|| default(self.defaults.retry_interval))
    }

    /// Returns the smallest `max_retry_interval`: a cap below the shortest wait would make every wait shorter than that.
    fn shortest_cap(&self, so_far: &Settings) -> Bound<Duration> {
        let wait = self.shortest_wait(so_far);
        let cap =
            operators(so_far, &QueueOption::MaxRetryInterval, |_| so_far.duration(&QueueOption::MaxRetryInterval));
        cap.filter(|cap| cap.value < wait.value).unwrap_or(wait)
    }

    /// Returns the largest `max_retry_interval`; without one, waits end with the message's age.
    fn longest_wait(&self, so_far: &Settings) -> Bound<Duration> {
        let of = QueueOption::MaxRetryInterval;
        let own = || operators(so_far, &of, |_| so_far.duration(&of));
        self.max_retry_interval.clone().or_else(own).unwrap_or_else(|| self.longest_age(so_far))
    }

    fn rate(&self, so_far: &Settings, wanted: Rate) -> Within {
        let own = || {
            operators(so_far, &QueueOption::MaxMessageRate, |value| match value {
                OptionValue::Rate(rate) => Some(*rate),
                _ => None,
            })
        };
        let bound = self.max_message_rate.clone().or_else(own);
        let wanted = Rate { period: wanted.period.min(PERIOD), ..wanted };
        let got = bound.as_ref().map_or(wanted, |bound| slower(wanted, bound.value));
        let (bound, origin) = match bound {
            Some(bound) => (bound.value.to_string(), bound.origin),
            None => ("a period of 366 days".to_owned(), Arc::from("the scope of tenants")),
        };
        Within { value: Some(OptionValue::Rate(got)), bound, origin }
    }

    fn pool(&self, so_far: &Settings, wanted: &str) -> Within {
        let own = operators(so_far, &QueueOption::EgressPool, |value| Some(value.text()));
        let own = own.unwrap_or_else(|| default(self.defaults.egress_pool.clone()));
        let allowed = wanted == own.value || self.egress_pools.iter().any(|pool| pool == wanted);
        let value = allowed.then(|| OptionValue::Text(wanted.to_owned()));
        Within { value, bound: own.value, origin: own.origin }
    }
}

/// A value cut down, and the bound that it was held to.
struct Within {
    /// What is written; nothing where the operator's settings stay as they are.
    value: Option<OptionValue>,
    bound: String,
    origin: Arc<str>,
}

impl Within {
    /// Holds a duration between two bounds; of bounds that cross, the lower holds: they are the operator's.
    fn duration(wanted: Duration, least: &Bound<Duration>, most: &Bound<Duration>) -> Self {
        let (got, bound) = match wanted {
            _ if wanted < least.value => (least.value, least),
            _ if wanted > most.value.max(least.value) => (most.value.max(least.value), most),
            _ => (wanted, most),
        };
        let value = Some(OptionValue::Duration(got));
        Self { value, bound: duration::format(bound.value), origin: Arc::clone(&bound.origin) }
    }

    /// Returns what is to be said, where what is got is not what was wanted.
    fn clamp(&self, option: &QueueOption, wanted: Option<&OptionValue>) -> Option<Clamp> {
        let untouched = match wanted {
            Some(wanted) => self.value.as_ref() == Some(wanted),
            None => self.bound == "unset",
        };
        (!untouched).then(|| Clamp {
            what: option.name().to_owned(),
            wanted: wanted.map_or_else(|| "none".to_owned(), |wanted| clean(&wanted.text())),
            got: self.value.as_ref().map(OptionValue::text),
            bound: self.bound.clone(),
            origin: self.origin.to_string(),
        })
    }
}

/// Returns a rate as it was wanted, or as much of it as a bound lets through.
fn slower(wanted: Rate, bound: Rate) -> Rate {
    let volume = |rate: Rate, other: Rate| u128::from(rate.limit) * other.period.as_millis();
    if volume(wanted, bound) > volume(bound, wanted) {
        return bound;
    }
    let burst = |rate: Rate| rate.max_burst.unwrap_or(rate.limit);
    let max_burst = if burst(wanted) > burst(bound) { Some(burst(bound)) } else { wanted.max_burst };
    // What is counted on each node alone is more on all of them together.
    Rate { max_burst, local: wanted.local && bound.local, ..wanted }
}

/// Who says what nobody said.
const DEFAULT: &str = "default";

fn default<T>(value: T) -> Bound<T> {
    Bound { value, origin: Arc::from(DEFAULT) }
}

fn zero() -> Bound<Duration> {
    default(Duration::ZERO)
}

/// Returns the operator's own value for an option, with where it was written.
fn operators<T>(
    so_far: &Settings,
    option: &QueueOption,
    read: impl FnOnce(&OptionValue) -> Option<T>,
) -> Option<Bound<T>> {
    let (_, written) = so_far.iter().find(|(known, _)| *known == option)?;
    let last = written.last()?;
    let origin = last.origin.as_deref().map_or_else(|| Arc::from(format!("plugin {}", last.plugin)), Arc::from);
    Some(Bound { value: read(last.value.as_ref()?)?, origin })
}

/// Returns where a tenant's value was written. The tenant stands in front, or it could pass for a line of the operator's.
fn origin(written: &Written) -> String {
    match &written.origin {
        Some(origin) => format!("{} {}", written.plugin, clean(origin)),
        None => written.plugin.to_string(),
    }
}

/// Returns a stranger's text on one line, cut.
fn clean(text: &str) -> String {
    text.chars().take(ORIGIN).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
