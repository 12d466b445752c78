//! What one source may ask of one site, and of several that share a limit.
//!
//! Values arrive resolved. [`Limits`] hold for every source at a site, [`OwnLimits`] for one source there alone, and what is
//! [`Shared`] goes by a name of the operator's: whoever has it counts together, whatever the source and the site.

use std::sync::Arc;

use crate::throttle::{Rate, Throttle};

/// What a source may ask of a site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// How many connections at a time; 0 holds the mail.
    pub connection_limit: u32,
    /// How many messages go over one connection before it is closed; at least one.
    pub max_deliveries_per_connection: u32,
    /// How many messages may be promised to the source ahead of sending; at least one. A source with as many is full,
    /// and others of its pool are chosen.
    pub max_ready: u32,
    /// After how many connections in a row that did not come about all mail that waits for the site counts a failed attempt;
    /// at least one. Before that each costs one message an attempt.
    pub consecutive_connection_failures_before_delay: u32,
    /// How fast messages may follow each other.
    pub max_message_rate: Option<Rate>,
    /// How fast connections may be opened.
    pub max_connection_rate: Option<Rate>,
    /// How fast messages may be promised to the source; over it, others of its pool are chosen.
    pub source_selection_rate: Option<Rate>,
    /// What it shares with other sources and sites.
    pub shared: Arc<Shared>,
}

/// Further limits, each under a name; those with the same name and value count together.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Shared {
    /// How many connections at a time.
    pub connection_limits: Vec<(Arc<str>, u32)>,
    /// How fast messages may follow each other.
    pub message_rates: Vec<(Arc<str>, Rate)>,
    /// How fast messages may be promised to sources.
    pub selection_rates: Vec<(Arc<str>, Rate)>,
}

impl Default for Limits {
    /// Returns 32 connections, 1024 deliveries on each, 1024 messages ready, one failure, no rates, nothing shared.
    fn default() -> Self {
        Self {
            connection_limit: 32,
            max_deliveries_per_connection: 1024,
            max_ready: 1024,
            consecutive_connection_failures_before_delay: 1,
            max_message_rate: None,
            max_connection_rate: None,
            source_selection_rate: None,
            shared: Arc::default(),
        }
    }
}

impl Limits {
    /// Returns how many connections are right for so many messages: nearly one for each while they are few, and the limit when
    /// they are several times as many. KumoMTA's curve, so a peer sees the same rise.
    #[must_use]
    pub fn connections_for(&self, messages: u32) -> u32 {
        /// The part of the way to the limit that each further message makes.
        const STEEPNESS: f64 = 0.023;
        let share = 1.0 - (-STEEPNESS * f64::from(messages)).exp();
        let ideal = (f64::from(self.connection_limit) * share).ceil();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and a number of this type"
        )]
        let ideal = ideal as u32;
        ideal.min(messages)
    }
}

/// What is said for one source at one site alone; what is left out is as everywhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OwnLimits {
    /// Instead of [`Limits::connection_limit`].
    pub connection_limit: Option<u32>,
    /// Instead of [`Limits::max_deliveries_per_connection`].
    pub max_deliveries_per_connection: Option<u32>,
    /// Instead of [`Limits::max_ready`].
    pub max_ready: Option<u32>,
    /// Instead of [`Limits::max_message_rate`].
    pub max_message_rate: Option<Rate>,
    /// Instead of [`Limits::max_connection_rate`].
    pub max_connection_rate: Option<Rate>,
}

impl OwnLimits {
    pub(super) fn over(self, limits: Limits) -> Limits {
        Limits {
            connection_limit: self.connection_limit.unwrap_or(limits.connection_limit),
            max_deliveries_per_connection: self
                .max_deliveries_per_connection
                .unwrap_or(limits.max_deliveries_per_connection),
            max_ready: self.max_ready.unwrap_or(limits.max_ready),
            max_message_rate: self.max_message_rate.or(limits.max_message_rate),
            max_connection_rate: self.max_connection_rate.or(limits.max_connection_rate),
            ..limits
        }
    }
}

/// The buckets that a ready queue's rates are, its own and those that it shares.
#[derive(Clone, Debug, Default)]
pub(crate) struct Throttles {
    /// Of its next message.
    pub(crate) message: Vec<Throttle>,
    /// Of its next connection.
    pub(crate) connection: Vec<Throttle>,
    /// Of its being picked.
    pub(crate) selection: Vec<Throttle>,
}

impl Throttles {
    pub(super) fn of(limits: &Limits, ready: &str) -> Self {
        let buckets = |key: &str, rate: Option<Rate>, shared: &[(Arc<str>, Rate)]| {
            let own = rate.map(|rate| Throttle { key: format!("{key}/{ready}").into(), rate });
            let shared =
                shared.iter().map(|(name, rate)| Throttle { key: format!("{key}/+{name}").into(), rate: *rate });
            own.into_iter().chain(shared).collect()
        };
        Self {
            message: buckets("max_message_rate", limits.max_message_rate, &limits.shared.message_rates),
            connection: buckets("max_connection_rate", limits.max_connection_rate, &[]),
            selection: buckets("source_selection_rate", limits.source_selection_rate, &limits.shared.selection_rates),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_rise_with_the_messages_along_the_curve() {
        let limits = Limits::default();

        let seen = [0, 1, 4, 10, 32, 64, 128, 256, u32::MAX].map(|messages| limits.connections_for(messages));

        assert_eq!(seen, [0, 1, 3, 7, 17, 25, 31, 32, 32]);
    }
}
