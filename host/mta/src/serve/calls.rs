//! What is kept of the events that are put to plugins: counts, times, and what shadows would have done.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tollgate_control::Metrics;
use tollgate_policy::{
    Watch,
    watch::{Called, Shadowed},
};

/// Most differences of one shadow that the log has in a minute: it may differ in every message.
const LINES: u32 = 10;
const MINUTE: Duration = Duration::from_secs(60);

/// Keeps what it is told.
pub(crate) struct Calls {
    metrics: Arc<Metrics>,
    /// For each shadow, since when lines are counted, and how many there were.
    told: Mutex<HashMap<String, (Instant, u32)>>,
}

impl Calls {
    pub(crate) fn new(metrics: &Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self { metrics: Arc::clone(metrics), told: Mutex::default() })
    }

    /// Returns whether the log is to have another difference of this shadow.
    fn may_tell(&self, plugin: &str, now: Instant) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, lines) = told.entry(plugin.to_owned()).or_insert((now, 0));
        if now.saturating_duration_since(*since) >= MINUTE {
            (*since, *lines) = (now, 0);
        }
        *lines = lines.saturating_add(1);
        *lines <= LINES
    }
}

impl Watch for Calls {
    fn called(&self, called: &Called<'_>) {
        let Called { plugin, event, outcome, took } = *called;
        self.metrics.policy(event.name(), plugin, outcome);
        self.metrics.policy_took(event.name(), plugin, took);
    }

    fn shadowed(&self, Shadowed { plugin, event, difference }: &Shadowed) {
        self.metrics.shadowed(event.name(), plugin, difference.is_none());
        if let Some(difference) = difference.as_ref().filter(|_| self.may_tell(plugin, Instant::now())) {
            tracing::info!(plugin, event = event.name(), "the shadow would have done otherwise: {difference}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shadow_fills_no_log_and_is_heard_again_after_a_minute() {
        let (calls, now) = (Calls::new(&Arc::default()), Instant::now());

        let told = |at| (0..100).filter(|_| calls.may_tell("shadow", at)).count();

        assert_eq!([told(now), told(now + MINUTE / 2), told(now + MINUTE)], [10, 0, 10]);
    }
}
