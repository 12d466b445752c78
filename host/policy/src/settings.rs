//! The settings of a scheduled queue as plugins write them: each option set, cleared or left alone, with its origin.
//!
//! What was overridden is kept, so that `explain` can tell the story of a value. The engine's resolved values are made of
//! this elsewhere.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tollgate_config::{Rate, duration};

/// An option of a queue, by its KumoMTA name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum QueueOption {
    /// Wait before the second attempt; later waits double.
    RetryInterval,
    /// Longest wait between attempts.
    MaxRetryInterval,
    /// Age at which a message expires.
    MaxAge,
    /// Egress pool.
    EgressPool,
    /// Rate at which messages go on to delivery.
    MaxMessageRate,
    /// Delivery method.
    Protocol,
    /// How long an empty queue is remembered.
    ReapInterval,
    /// How long settings hold under `Ttl`.
    RefreshInterval,
    /// When settings are asked for anew.
    RefreshStrategy,
    /// Name for sums in metrics and records.
    ProviderName,
    /// An option that is known and has no effect here.
    Inert(String),
}

/// When settings are asked for anew.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RefreshStrategy {
    /// After the refresh interval.
    Ttl,
    /// When the configuration changes.
    Epoch,
}

/// The value of an option, of the type that the option has.
#[derive(Clone, PartialEq, Debug)]
pub enum OptionValue {
    /// A duration, in whole milliseconds.
    Duration(Duration),
    /// A rate.
    Rate(Rate),
    /// A name.
    Text(String),
    /// A refresh strategy.
    Strategy(RefreshStrategy),
    /// A structure.
    Json(serde_json::Value),
}

/// One thing that was written to an option.
#[derive(Clone, PartialEq, Debug)]
pub struct Written {
    /// The value; `None` where the option was cleared.
    pub value: Option<OptionValue>,
    /// Where it was written (`queues.toml:12`), if the plugin says so.
    pub origin: Option<String>,
    /// The plugin that wrote it.
    pub plugin: Arc<str>,
    /// How many writes, to whatever option, came before it: the layers of one plugin are told apart by their order.
    pub turn: usize,
}

/// Settings, partial: an option that no one wrote is left alone.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Settings {
    written: BTreeMap<QueueOption, Vec<Written>>,
}

impl QueueOption {
    const NAMED: [(Self, &'static str); 10] = [
        (Self::RetryInterval, "retry_interval"),
        (Self::MaxRetryInterval, "max_retry_interval"),
        (Self::MaxAge, "max_age"),
        (Self::EgressPool, "egress_pool"),
        (Self::MaxMessageRate, "max_message_rate"),
        (Self::Protocol, "protocol"),
        (Self::ReapInterval, "reap_interval"),
        (Self::RefreshInterval, "refresh_interval"),
        (Self::RefreshStrategy, "refresh_strategy"),
        (Self::ProviderName, "provider_name"),
    ];

    /// Returns the option's name in `queues.toml`.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Inert(name) => name,
            known => Self::NAMED.iter().find(|(option, _)| option == known).map_or("", |(_, name)| name),
        }
    }

    /// Returns the option with this name in `queues.toml`; what has no effect here is inert.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        let named = Self::NAMED.iter().find(|(_, known)| *known == name);
        named.map_or_else(|| Self::Inert(name.to_owned()), |(option, _)| option.clone())
    }
}

impl OptionValue {
    /// Returns the value as canonical text (`1day`, `100/h`), or JSON for a structure.
    #[must_use]
    pub fn text(&self) -> String {
        match self.json() {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        }
    }

    /// Returns the value as JSON; durations and rates as canonical text.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        match self {
            Self::Duration(value) => duration::format(*value).into(),
            Self::Rate(rate) => rate.to_string().into(),
            Self::Text(text) => text.as_str().into(),
            Self::Strategy(RefreshStrategy::Ttl) => "Ttl".into(),
            Self::Strategy(RefreshStrategy::Epoch) => "Epoch".into(),
            Self::Json(value) => value.clone(),
        }
    }
}

impl Settings {
    /// Writes a value.
    ///
    /// # Errors
    /// What is wrong with the value for this option, for the plugin's author.
    pub fn set(
        &mut self,
        option: QueueOption,
        value: OptionValue,
        origin: Option<String>,
        plugin: &Arc<str>,
    ) -> Result<(), String> {
        check(&option, &value)?;
        self.write(option, Some(value), origin, plugin);
        Ok(())
    }

    /// Takes back what was written to an option before, here and in earlier layers.
    pub fn clear(&mut self, option: QueueOption, origin: Option<String>, plugin: &Arc<str>) {
        self.write(option, None, origin, plugin);
    }

    /// Returns the value that holds for an option.
    #[must_use]
    pub fn get(&self, option: &QueueOption) -> Option<&OptionValue> {
        self.written.get(option)?.last()?.value.as_ref()
    }

    /// Returns the plugin that wrote the value which holds for an option.
    #[must_use]
    pub fn written_by(&self, option: &QueueOption) -> Option<Arc<str>> {
        Some(Arc::clone(&self.written.get(option)?.last()?.plugin))
    }

    /// Returns a duration option that is set.
    #[must_use]
    pub fn duration(&self, option: &QueueOption) -> Option<Duration> {
        match self.get(option)? {
            OptionValue::Duration(value) => Some(*value),
            _ => None,
        }
    }

    /// Returns what was written to each option, in the order of writing; the last holds.
    pub fn iter(&self) -> impl Iterator<Item = (&QueueOption, &[Written])> {
        self.written.iter().map(|(option, written)| (option, written.as_slice()))
    }

    /// Puts the settings of a later layer over these.
    pub fn merge(&mut self, later: Self) {
        let before = self.writes();
        for (option, written) in later.written {
            let written = written.into_iter().map(|written| Written { turn: before + written.turn, ..written });
            self.written.entry(option).or_default().extend(written);
        }
    }

    fn write(&mut self, option: QueueOption, value: Option<OptionValue>, origin: Option<String>, plugin: &Arc<str>) {
        let written = Written { value, origin, plugin: Arc::clone(plugin), turn: self.writes() };
        self.written.entry(option).or_default().push(written);
    }

    fn writes(&self) -> usize {
        self.written.values().map(Vec::len).sum()
    }
}

/// Checks a value against what its option takes: a plugin's word is not trusted more than a file's.
fn check(option: &QueueOption, value: &OptionValue) -> Result<(), String> {
    use QueueOption as O;
    match (option, value) {
        (O::RetryInterval, OptionValue::Duration(interval)) => match interval.as_secs() {
            0 => Err(format!("{} is at least 1 second", option.name())),
            _ => Ok(()),
        },
        (O::MaxRetryInterval | O::MaxAge | O::ReapInterval | O::RefreshInterval, OptionValue::Duration(_))
        | (O::MaxMessageRate, OptionValue::Rate(_))
        | (O::RefreshStrategy, OptionValue::Strategy(_))
        | (O::Protocol | O::Inert(_), OptionValue::Json(_)) => Ok(()),
        (O::EgressPool | O::ProviderName, OptionValue::Text(name)) if !name.trim().is_empty() => Ok(()),
        (O::EgressPool | O::ProviderName, OptionValue::Text(_)) => Err(format!("{} is empty", option.name())),
        _ => Err(format!("{} is no value for {}", value.text(), option.name())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_write_knows_its_turn_through_all_layers() {
        let name = |text: &str| OptionValue::Text(text.to_owned());
        let layer = |values: [&str; 2]| {
            let mut settings = Settings::default();
            settings.set(QueueOption::ProviderName, name(values[0]), None, &Arc::from("p")).unwrap();
            settings.set(QueueOption::EgressPool, name(values[1]), None, &Arc::from("p")).unwrap();
            settings
        };
        let mut settings = layer(["a", "b"]);

        settings.merge(layer(["c", "d"]));
        settings.clear(QueueOption::ProviderName, None, &Arc::from("q"));

        let mut told: Vec<(usize, Option<String>)> = settings
            .iter()
            .flat_map(|(_, written)| written)
            .map(|written| (written.turn, written.value.as_ref().map(OptionValue::text)))
            .collect();
        told.sort();
        let expected = [Some("a"), Some("b"), Some("c"), Some("d"), None].map(|text| text.map(str::to_owned));
        assert_eq!(told, (0..).zip(expected).collect::<Vec<_>>());
    }
}
