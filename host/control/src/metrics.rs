//! Numbers for a monitoring system, as OpenMetrics text.
//!
//! Labels are few and known: kinds, plugins, outcomes. Nothing is labelled by queue or address, which anybody could make
//! up without end.

use std::{sync::atomic::AtomicU64, time::Duration};

use prometheus_client::{
    encoding::{
        EncodeLabelSet,
        text::{encode, encode_registry},
    },
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use crate::Kind;

/// Upper ends of the buckets for what plugins take, in seconds: from a warm instance of a small one to a slow call.
const SECONDS: [f64; 12] = [5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2.5e-4, 1e-3, 5e-3, 2e-2, 0.1, 0.25, 1.0];

/// All metrics. Shared; counting is atomic.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    records: Family<RecordLabels, Counter>,
    policy: Family<PolicyLabels, Counter>,
    policy_seconds: Family<EventLabels, Histogram, fn() -> Histogram>,
    shadows: Family<ShadowLabels, Counter>,
    dropped: Family<DropLabels, Counter>,
    reloads: Family<ReloadLabels, Counter>,
    generation: Gauge<u64, AtomicU64>,
    refused: Gauge<u64, AtomicU64>,
    messages: Gauge<u64, AtomicU64>,
    due: Gauge<u64, AtomicU64>,
    in_flight: Gauge<u64, AtomicU64>,
}

/// A counter of a plugin's own, as it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PluginCounter {
    /// The plugin.
    pub plugin: String,
    /// The counter's name; a plugin has few, and they are known when it is loaded.
    pub name: String,
    /// What it counts, in the plugin's words.
    pub help: String,
    /// What it has come to.
    pub value: u64,
}

/// How a plugin is, and what it takes of the machine.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PluginVitals {
    /// The plugin.
    pub plugin: String,
    /// Number of its version.
    pub version: u64,
    /// Instances of it that are there.
    pub instances: u64,
    /// Octets of memory of its largest instance so far.
    pub memory: u64,
    /// Its calls to the host so far.
    pub host_calls: u64,
    /// Whether it is left alone, since it kept failing; of several, how many are.
    pub quarantined: u64,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct PluginLabels {
    plugin: String,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct CounterLabels {
    plugin: String,
    name: String,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct HelpLabels {
    plugin: String,
    name: String,
    help: String,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct RecordLabels {
    kind: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct DropLabels {
    reason: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct ReloadLabels {
    outcome: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct EventLabels {
    event: &'static str,
    plugin: String,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct ShadowLabels {
    event: &'static str,
    plugin: String,
    outcome: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct PolicyLabels {
    event: &'static str,
    plugin: String,
    outcome: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("tollgate"),
            records: Family::default(),
            policy: Family::default(),
            policy_seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            shadows: Family::default(),
            dropped: Family::default(),
            reloads: Family::default(),
            generation: Gauge::default(),
            refused: Gauge::default(),
            messages: Gauge::default(),
            due: Gauge::default(),
            in_flight: Gauge::default(),
        };
        metrics.generation.set(1);
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("records", "Log records by kind", self.records.clone());
        registry.register("policy_calls", "Plugins asked, by event and outcome", self.policy.clone());
        let seconds =
            "Time from asking a plugin to its answer; all tenants' components together are the plugin tenants";
        registry.register_with_unit("policy_duration", seconds, Unit::Seconds, self.policy_seconds.clone());
        let shadows = "Events that were put to shadows, by whether what they would have done is the same";
        registry.register("policy_shadowed", shadows, self.shadows.clone());
        let dropped = "Log records that plugins did not get, by reason; the log has them";
        registry.register("policy_records_dropped", dropped, self.dropped.clone());
        registry.register("config_reloads", "Configurations read again, by outcome", self.reloads.clone());
        registry.register("config_generation", "Number of the configuration in force", self.generation.clone());
        let refused = "1 while the configuration that was read last is refused, and an older one in force";
        registry.register("config_refused", refused, self.refused.clone());
        registry.register("queue_messages", "Messages that are queued", self.messages.clone());
        registry.register("queue_messages_due", "Messages that could go now", self.due.clone());
        registry.register("queue_messages_in_flight", "Messages that are being delivered", self.in_flight.clone());
    }

    /// Counts a record.
    pub fn count(&self, kind: Kind) {
        self.records.get_or_create(&RecordLabels { kind: kind.word() }).inc();
    }

    /// Counts an event that was to be put to a plugin. `event`: its name in `wit/`.
    pub fn policy(&self, event: &'static str, plugin: &str, outcome: &'static str) {
        self.policy.get_or_create(&PolicyLabels { event, plugin: plugin.to_owned(), outcome }).inc();
    }

    /// Notes how long a plugin took. Tenants' components are told apart by counts alone: there may be ten thousand.
    pub fn policy_took(&self, event: &'static str, plugin: &str, took: Duration) {
        let plugin = if plugin.starts_with("tenant:") { "tenants" } else { plugin }.to_owned();
        self.policy_seconds.get_or_create(&EventLabels { event, plugin }).observe(took.as_secs_f64());
    }

    /// Counts what a shadow would have done.
    pub fn shadowed(&self, event: &'static str, plugin: &str, same: bool) {
        let outcome = if same { "same" } else { "different" };
        self.shadows.get_or_create(&ShadowLabels { event, plugin: plugin.to_owned(), outcome }).inc();
    }

    /// Returns how often a plugin's event had this outcome.
    #[must_use]
    pub fn calls(&self, event: &'static str, plugin: &str, outcome: &'static str) -> u64 {
        let labels = PolicyLabels { event, plugin: plugin.to_owned(), outcome };
        self.policy.get(&labels).map_or(0, |count| count.get())
    }

    /// Counts log records that a plugin did not get, for this reason.
    pub fn records_dropped(&self, reason: &'static str, count: u64) {
        self.dropped.get_or_create(&DropLabels { reason }).inc_by(count);
    }

    /// Counts a configuration that was read again: whether it is in force, and which one is.
    pub fn reload(&self, applied: bool, generation: u64) {
        let outcome = if applied { "applied" } else { "refused" };
        self.reloads.get_or_create(&ReloadLabels { outcome }).inc();
        self.generation.set(generation);
        self.refused.set(u64::from(!applied));
    }

    /// Sets how many messages are queued, due, and in flight.
    pub fn queues(&self, messages: u64, due: u64, in_flight: u64) {
        self.messages.set(messages);
        self.due.set(due);
        self.in_flight.set(in_flight);
    }

    /// Returns the text for a scraper, with what plugins count and how they are.
    #[must_use]
    pub fn encode(
        &self,
        counters: impl IntoIterator<Item = PluginCounter>,
        vitals: impl IntoIterator<Item = PluginVitals>,
    ) -> String {
        let mut text = String::new();
        encode_registry(&mut text, &of_plugins(counters)).expect("a String takes everything");
        encode_registry(&mut text, &vital(vitals)).expect("a String takes everything");
        encode(&mut text, &self.registry).expect("a String takes everything");
        text
    }
}

/// Returns what plugins count, as metrics for one scrape: a plugin that is gone is not in the next.
fn of_plugins(counters: impl IntoIterator<Item = PluginCounter>) -> Registry {
    let (values, helps) = (Family::<CounterLabels, Counter>::default(), Family::<HelpLabels, Gauge>::default());
    for PluginCounter { plugin, name, help, value } in counters {
        values.get_or_create(&CounterLabels { plugin: plugin.clone(), name: name.clone() }).inc_by(value);
        helps.get_or_create(&HelpLabels { plugin, name, help }).set(1);
    }
    let mut registry = Registry::with_prefix("tollgate");
    registry.register("plugin_counter", "Counters that plugins declare", values);
    registry.register("plugin_counter_info", "What the counters of plugins count, in their words", helps);
    registry
}

/// Returns how plugins are, as metrics for one scrape.
fn vital(vitals: impl IntoIterator<Item = PluginVitals>) -> Registry {
    let [version, instances, memory, quarantined] = std::array::from_fn(|_| Family::<PluginLabels, Gauge>::default());
    let host_calls = Family::<PluginLabels, Counter>::default();
    for of in vitals {
        let labels = PluginLabels { plugin: of.plugin };
        let gauges =
            [(&version, of.version), (&instances, of.instances), (&memory, of.memory), (&quarantined, of.quarantined)];
        for (gauge, value) in gauges {
            gauge.get_or_create(&labels).set(i64::try_from(value).unwrap_or(i64::MAX));
        }
        host_calls.get_or_create(&labels).inc_by(of.host_calls);
    }
    let mut registry = Registry::with_prefix("tollgate");
    registry.register("plugin_version", "Number of the version in force", version);
    registry.register("plugin_instances", "Instances that are there, busy or not", instances);
    registry.register_with_unit("plugin_memory", "Memory of the largest instance so far", Unit::Bytes, memory);
    registry.register("plugin_quarantined", "1 while a plugin that kept failing is left alone", quarantined);
    registry.register("plugin_host_calls", "Calls to the host", host_calls);
    registry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_plugins_are_told_with_their_plugin_and_nothing_in_their_words_breaks_a_line() {
        let counter = PluginCounter {
            plugin: "a \"b\"".to_owned(),
            name: "seen".to_owned(),
            help: "what \\ was".to_owned(),
            value: 7,
        };

        let text = Metrics::default().encode([counter], []);

        let ours: Vec<&str> = text.lines().filter(|line| line.starts_with("tollgate_plugin_counter")).collect();
        let expected = [
            r#"tollgate_plugin_counter_total{plugin="a \"b\"",name="seen"} 7"#,
            r#"tollgate_plugin_counter_info{plugin="a \"b\"",name="seen",help="what \\ was"} 1"#,
        ];
        assert_eq!((ours, text.matches("# EOF").count()), (expected.to_vec(), 1));
    }
}
