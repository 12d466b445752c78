//! What the benchmarks share: the stock plugin, the guide's configuration, and figures as one line of JSON each.
//!
//! The machine is shared and never quiet, so figures come with the ratio to something measured in the same run.

pub mod large;

use std::{
    io::{Write as _, stdout},
    time::Duration,
};

/// The stock plugin, as a component.
pub const QUEUE_HELPER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/queue-helper.wasm"));

/// The guide's `queues.toml`.
pub const QUEUES: &str = include_str!("../../../plugins/queue-helper/queues.toml");

/// Prints a line of figures.
pub fn tell(line: &serde_json::Value) {
    // A reader that has gone wants no figures.
    drop(writeln!(stdout(), "{line}"));
}

/// Returns the duration within which this part, from 0 to 1, of all stayed; zero where there are none. Sorts them.
pub fn quantile(durations: &mut [Duration], part: f64) -> Duration {
    durations.sort_unstable();
    let at = (durations.len() as f64 * part) as usize;
    durations.get(at.min(durations.len().saturating_sub(1))).copied().unwrap_or_default()
}

/// Returns the middle one of some figures; zero where there are none. Sorts them.
pub fn median(figures: &mut [f64]) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

/// Returns a figure with as many digits as mean something on a shared machine.
#[must_use]
pub fn round(figure: f64) -> f64 {
    if figure >= 100.0 { figure.round() } else { (figure * 1000.0).round() / 1000.0 }
}

/// Returns a number from the environment, or the default.
#[must_use]
pub fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
