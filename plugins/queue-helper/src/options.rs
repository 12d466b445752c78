//! The options of a queue: how each is read from a file, and how it is handed to the host.

use std::time::Duration;

use tollgate_config::{Node, Rate, Value, duration};
use tollgate_sdk::{PolicyError, RefreshStrategy, Settings};

use crate::config::Located;

/// An option's value.
#[derive(Clone, PartialEq, Debug)]
pub enum OptionValue {
    /// A duration, in whole milliseconds.
    Duration(Duration),
    /// A rate.
    Rate(Rate),
    /// A name.
    Text(String),
    /// When settings are asked for anew: true is `Epoch`, false is `Ttl`.
    RefreshAtEpoch(bool),
    /// A structure, as JSON.
    Json(serde_json::Value),
}

/// How an option's value is read.
#[derive(Clone, Copy)]
enum Kind {
    Duration,
    /// A duration of at least a second: less would retry without a pause.
    Interval,
    Rate,
    Name,
    Protocol,
    RefreshStrategy,
    Strategy,
    ShrinkPolicy,
}

/// Every option of a queue. Those in [`INERT`] are KumoMTA's and have no meaning in our engine.
const OPTIONS: [(&str, Kind); 13] = [
    ("retry_interval", Kind::Interval),
    ("max_retry_interval", Kind::Interval),
    ("max_age", Kind::Duration),
    ("egress_pool", Kind::Name),
    ("max_message_rate", Kind::Rate),
    ("protocol", Kind::Protocol),
    ("reap_interval", Kind::Duration),
    ("refresh_interval", Kind::Duration),
    ("refresh_strategy", Kind::RefreshStrategy),
    ("strategy", Kind::Strategy),
    ("timerwheel_tick_interval", Kind::Duration),
    ("provider_name", Kind::Name),
    ("shrink_policy", Kind::ShrinkPolicy),
];

/// Options that are accepted and have no effect, with the reason why none is needed.
pub(crate) const INERT: [(&str, &str); 3] = [
    ("strategy", "this engine has one timer wheel for all queues"),
    ("timerwheel_tick_interval", "this engine's timer wheel ticks every 100 ms"),
    ("shrink_policy", "this engine keeps no message in memory while it waits"),
];

const STRATEGIES: [&str; 4] = ["TimerWheel", "SkipList", "SingletonTimerWheel", "SingletonTimerWheelV2"];
const SHRINK_POLICIES: [&str; 3] = ["ShrinkDataAndMeta", "ShrinkData", "NoShrink"];

/// Returns the names of all options.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    OPTIONS.iter().map(|(name, _)| *name)
}

/// Returns the option's own name, if this is one.
pub(crate) fn known(name: &str) -> Option<&'static str> {
    names().find(|known| *known == name)
}

/// Reads the value of an option.
///
/// # Errors
/// What is wrong with it, for the operator, without the option's name.
pub(crate) fn read(option: &'static str, node: &Node) -> Result<OptionValue, String> {
    let kind = OPTIONS.iter().find(|(name, _)| *name == option).map_or(Kind::Name, |(_, kind)| *kind);
    match kind {
        Kind::Duration => duration::from_value(&node.value).map(OptionValue::Duration),
        Kind::Interval => duration::from_value(&node.value).and_then(at_least_a_second).map(OptionValue::Duration),
        Kind::Rate => text(&node.value, "a rate such as '100/s'")?.parse().map(OptionValue::Rate),
        Kind::Name => name(&node.value).map(OptionValue::Text),
        Kind::Protocol => protocol(&node.value).map(OptionValue::Json),
        Kind::RefreshStrategy => {
            let strategy = one_of(&node.value, &["Ttl", "Epoch"])?;
            Ok(OptionValue::RefreshAtEpoch(strategy == "Epoch"))
        }
        Kind::Strategy => one_of(&node.value, &STRATEGIES).map(|name| OptionValue::Json(name.into())),
        Kind::ShrinkPolicy => shrink_policy(&node.value).map(OptionValue::Json),
    }
}

/// Hands a setting to the host.
pub(crate) fn apply(settings: &Settings, option: &str, setting: &Located<OptionValue>) -> Result<(), PolicyError> {
    let origin = Some(format!("{}:{}", setting.origin.file, setting.origin.at.line));
    let origin = origin.as_deref();
    match (option, &setting.value) {
        ("retry_interval", OptionValue::Duration(value)) => settings.set_retry_interval(millis(*value), origin),
        ("max_retry_interval", OptionValue::Duration(value)) => settings.set_max_retry_interval(millis(*value), origin),
        ("max_age", OptionValue::Duration(value)) => settings.set_max_age(millis(*value), origin),
        ("reap_interval", OptionValue::Duration(value)) => settings.set_reap_interval(millis(*value), origin),
        ("refresh_interval", OptionValue::Duration(value)) => settings.set_refresh_interval(millis(*value), origin),
        ("egress_pool", OptionValue::Text(name)) => settings.set_egress_pool(name, origin),
        ("provider_name", OptionValue::Text(name)) => settings.set_provider_name(name, origin),
        ("max_message_rate", OptionValue::Rate(value)) => settings.set_max_message_rate(rate(*value), origin),
        ("protocol", OptionValue::Json(value)) => settings.set_protocol(&value.to_string(), origin),
        (_, OptionValue::RefreshAtEpoch(true)) => settings.set_refresh_strategy(RefreshStrategy::Epoch, origin),
        (_, OptionValue::RefreshAtEpoch(false)) => settings.set_refresh_strategy(RefreshStrategy::Ttl, origin),
        (_, OptionValue::Duration(value)) => {
            settings.set_inert(option, &serde_json::Value::from(duration::format(*value)).to_string(), origin)
        }
        (_, OptionValue::Json(value)) => settings.set_inert(option, &value.to_string(), origin),
        (_, value) => Err(PolicyError::Other(format!("{value:?} is no value for {option}"))),
    }
}

/// Returns a rate in the host's form.
pub(crate) fn rate(rate: Rate) -> tollgate_sdk::Rate {
    tollgate_sdk::Rate {
        limit: rate.limit,
        period_ms: millis(rate.period),
        max_burst: rate.max_burst,
        local: rate.local,
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Returns a text value, or says what was expected.
pub(crate) fn text<'a>(value: &'a Value, expected: &str) -> Result<&'a str, String> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(format!("expected {expected}, got {}", other.kind())),
    }
}

fn name(value: &Value) -> Result<String, String> {
    match text(value, "a name")?.trim() {
        "" => Err("expected a name, got an empty text".to_owned()),
        name => Ok(name.to_owned()),
    }
}

fn at_least_a_second(interval: Duration) -> Result<Duration, String> {
    let too_short = || format!("{} is too short; attempts are at least 1 second apart", duration::format(interval));
    if interval < Duration::from_secs(1) { Err(too_short()) } else { Ok(interval) }
}

fn one_of<'a>(value: &'a Value, known: &[&str]) -> Result<&'a str, String> {
    let name = text(value, &known.join(" or "))?;
    if known.contains(&name) {
        return Ok(name);
    }
    let hint = tollgate_config::nearest(name, known.iter().copied());
    let hint = hint.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Err(format!("'{name}' is none of {}{hint}", known.join(", ")))
}

/// Checks a delivery method: `{smtp={mx_list=[…]}}` or `{maildir_path='…'}`.
fn protocol(value: &Value) -> Result<serde_json::Value, String> {
    let Value::Table(table) = value else {
        return Err(format!("expected a table such as {{smtp={{mx_list=['host']}}}}, got {}", value.kind()));
    };
    for entry in &table.entries {
        match entry.key.as_str() {
            "smtp" => smtp(&entry.node.value)?,
            "maildir_path" => drop(text(&entry.node.value, "a path")?),
            "dir_mode" | "file_mode" if matches!(entry.node.value, Value::Integer(_)) => {}
            "custom_lua" => return Err("custom_lua is not possible here; write a plugin instead".to_owned()),
            "xfer" => return Err("xfer is not possible here; route with protocol.smtp.mx_list instead".to_owned()),
            other => return Err(format!("`{other}` is no delivery method; there are smtp and maildir_path")),
        }
    }
    if table.entries.is_empty() {
        return Err("names no delivery method; there are smtp and maildir_path".to_owned());
    }
    Ok(value.to_json())
}

fn smtp(value: &Value) -> Result<(), String> {
    let Value::Table(table) = value else { return Err(format!("smtp: expected a table, got {}", value.kind())) };
    for entry in &table.entries {
        match (entry.key.as_str(), &entry.node.value) {
            ("mx_list", Value::Array(hops)) if hops.is_empty() => return Err("smtp.mx_list is empty".to_owned()),
            ("mx_list", Value::Array(hops)) => hops.iter().try_for_each(|hop| next_hop(&hop.value))?,
            ("treat_mx_list_as_secure", Value::Boolean(_)) => {}
            ("mx_list", other) => return Err(format!("smtp.mx_list: expected a list of hosts, got {}", other.kind())),
            (other, _) => {
                return Err(format!("smtp.{other} is not an option; there are mx_list and treat_mx_list_as_secure"));
            }
        }
    }
    Ok(())
}

/// Checks an entry of `mx_list`: a host, `host:port`, `[ip]`, or `{name, addr}`.
fn next_hop(value: &Value) -> Result<(), String> {
    match value {
        Value::String(host) if !host.trim().is_empty() => Ok(()),
        Value::Table(table) if ["name", "addr"].iter().all(|key| table.get(key).is_some()) => Ok(()),
        other => Err(format!("smtp.mx_list: expected a host, `host:port` or `[ip]`, got {}", other.kind())),
    }
}

fn shrink_policy(value: &Value) -> Result<serde_json::Value, String> {
    let Value::Array(items) = value else {
        return Err(format!("expected a list of {{interval, policy}}, got {}", value.kind()));
    };
    for item in items {
        let Value::Table(table) = &item.value else {
            return Err(format!("expected {{interval, policy}}, got {}", item.value.kind()));
        };
        for entry in &table.entries {
            match entry.key.as_str() {
                "interval" => drop(duration::from_value(&entry.node.value)?),
                "policy" => drop(one_of(&entry.node.value, &SHRINK_POLICIES)?),
                other => return Err(format!("`{other}` is neither interval nor policy")),
            }
        }
    }
    Ok(value.to_json())
}
