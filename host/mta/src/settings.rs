//! From the settings that policy gave a queue to the values that the engine works with.

use tollgate_policy::{OptionValue, QueueOption, Settings};
use tollgate_queue::{QueueConfig, Route};

/// Returns the engine's configuration for a queue: what is not set has its default.
///
/// # Errors
/// What in the settings cannot be done here; mail for such a queue is deferred.
pub(crate) fn queue_config(settings: &Settings) -> Result<QueueConfig, String> {
    let defaults = QueueConfig::default();
    let pool = match settings.get(&QueueOption::EgressPool) {
        Some(OptionValue::Text(name)) => Some(name.clone()),
        _ => None,
    };
    Ok(QueueConfig {
        retry_interval: settings.duration(&QueueOption::RetryInterval).unwrap_or(defaults.retry_interval),
        max_retry_interval: settings.duration(&QueueOption::MaxRetryInterval),
        max_age: settings.duration(&QueueOption::MaxAge).unwrap_or(defaults.max_age),
        egress_pool: pool,
        route: match settings.get(&QueueOption::Protocol) {
            Some(OptionValue::Json(protocol)) => route(protocol)?,
            _ => Route::ByMx,
        },
    })
}

fn route(protocol: &serde_json::Value) -> Result<Route, String> {
    let Some(smtp) = protocol.get("smtp") else {
        return Err(format!("the delivery method {protocol} is not built in"));
    };
    let Some(hops) = smtp.get("mx_list").and_then(serde_json::Value::as_array) else { return Ok(Route::ByMx) };
    hops.iter()
        .map(hop)
        .collect::<Option<Vec<_>>>()
        .map(Route::MxList)
        .ok_or_else(|| format!("{smtp} names no next hops"))
}

/// Returns an entry of `mx_list` as text; of one with a name and an address, the address, so that nothing is looked up.
fn hop(entry: &serde_json::Value) -> Option<String> {
    let text = entry.as_str().or_else(|| entry.get("addr").and_then(serde_json::Value::as_str))?;
    Some(text.to_owned())
}
