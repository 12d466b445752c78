//! The options of a queue: how each is read from a file, and how it is handed to the host.

use std::time::Duration;

mod protocol;
mod structured;

use tollgate_config::{Entry, Findings, Node, Rate, Value, duration};
use tollgate_sdk::{PolicyError, RefreshStrategy, Setting};

pub(crate) use self::protocol::routing_domain;
use self::structured::Inside;
use crate::config::{Located, Origin};

/// Longest name, in octets; the host takes no longer metadata either.
const NAME: usize = 1024;

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
    /// A structure, or the value of an option without effect, as JSON.
    Json(String),
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
    ("max_retry_interval", Kind::Duration),
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

/// Returns the names of all options.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    OPTIONS.iter().map(|(name, _)| *name)
}

/// Returns the option's own name, if this is one.
pub(crate) fn known(name: &str) -> Option<&'static str> {
    names().find(|known| *known == name)
}

/// Reads the value of an option, or says what is wrong with it.
pub(crate) fn read(option: &'static str, entry: &Entry, findings: &mut Findings) -> Option<OptionValue> {
    let kind = OPTIONS.iter().find(|(name, _)| *name == option).map_or(Kind::Name, |(_, kind)| *kind);
    let read = match kind {
        Kind::Protocol => return Inside::new(option, findings).protocol(entry).map(OptionValue::Json),
        Kind::ShrinkPolicy => return Inside::new(option, findings).shrink_policy(entry).map(OptionValue::Json),
        _ => simple(kind, &entry.node),
    };
    read.map_err(|reason| findings.error(entry.at, format!("{option}: {reason}"))).ok()
}

fn simple(kind: Kind, node: &Node) -> Result<OptionValue, String> {
    match kind {
        Kind::Duration => duration::from_value(&node.value).map(OptionValue::Duration),
        Kind::Interval => duration::from_value(&node.value).and_then(at_least_a_second).map(OptionValue::Duration),
        Kind::Rate => rate_text(&node.value).map(OptionValue::Rate),
        Kind::RefreshStrategy => {
            one_of(&node.value, &["Ttl", "Epoch"]).map(|name| OptionValue::RefreshAtEpoch(name == "Epoch"))
        }
        Kind::Strategy => one_of(&node.value, &STRATEGIES).map(|name| OptionValue::Json(format!("\"{name}\""))),
        Kind::Name | Kind::Protocol | Kind::ShrinkPolicy => name(&node.value).map(OptionValue::Text),
    }
}

/// Returns a setting as the host takes it, and where it was written.
///
/// # Errors
/// Where the value is none for the option.
pub(crate) fn setting(option: &str, written: &Located<OptionValue>) -> Result<(Setting, Option<String>), PolicyError> {
    let setting = match (option, &written.value) {
        ("retry_interval", OptionValue::Duration(value)) => Setting::RetryInterval(millis(*value)),
        ("max_retry_interval", OptionValue::Duration(value)) => Setting::MaxRetryInterval(millis(*value)),
        ("max_age", OptionValue::Duration(value)) => Setting::MaxAge(millis(*value)),
        ("reap_interval", OptionValue::Duration(value)) => Setting::ReapInterval(millis(*value)),
        ("refresh_interval", OptionValue::Duration(value)) => Setting::RefreshInterval(millis(*value)),
        ("egress_pool", OptionValue::Text(name)) => Setting::EgressPool(name.clone()),
        ("provider_name", OptionValue::Text(name)) => Setting::ProviderName(name.clone()),
        ("max_message_rate", OptionValue::Rate(value)) => Setting::MaxMessageRate(rate(*value)),
        ("protocol", OptionValue::Json(value)) => Setting::Protocol(value.clone()),
        (_, OptionValue::RefreshAtEpoch(true)) => Setting::RefreshStrategy(RefreshStrategy::Epoch),
        (_, OptionValue::RefreshAtEpoch(false)) => Setting::RefreshStrategy(RefreshStrategy::Ttl),
        (_, OptionValue::Duration(value)) => {
            Setting::Inert((option.to_owned(), format!("\"{}\"", duration::format(*value))))
        }
        (_, OptionValue::Json(value)) => Setting::Inert((option.to_owned(), value.clone())),
        (_, value) => return Err(PolicyError::Other(format!("{value:?} is no value for {option}"))),
    };
    // The column too: JSON may be one line.
    let Origin { file, at } = &written.origin;
    Ok((setting, Some(format!("{file}:{}:{}", at.line, at.column))))
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

/// Reads a rate.
pub(crate) fn rate_text(value: &Value) -> Result<Rate, String> {
    text(value, "a rate such as '100/s'")?.parse()
}

fn name(value: &Value) -> Result<String, String> {
    match short_text(value, "a name")? {
        "" => Err("expected a name, got an empty text".to_owned()),
        name => Ok(name.to_owned()),
    }
}

/// Returns a trimmed text of a length that names have.
pub(crate) fn short_text<'a>(value: &'a Value, expected: &str) -> Result<&'a str, String> {
    let text = text(value, expected)?.trim();
    let length = text.len();
    if length > NAME { Err(format!("{length} octets are too long; {NAME} is the limit")) } else { Ok(text) }
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
