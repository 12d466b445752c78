//! Lines from guests in the operator's log: short, clean, and not too many.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{bindings::host::tollgate::policy::log as wit, state::HostState};

/// Longest line, in octets.
pub(super) const LINE: usize = 1024;

/// How many lines a plugin may still write in this second; shared by its instances.
#[derive(Debug)]
pub(crate) struct LogBudget {
    lines: u32,
    second: Mutex<(Instant, u32)>,
}

impl LogBudget {
    pub(crate) fn new(lines: u32) -> Self {
        Self { lines, second: Mutex::new((Instant::now(), 0)) }
    }

    /// Takes one line of the budget, or says that there is none left in this second.
    pub(super) fn take(&self) -> bool {
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        if second.0.elapsed() >= Duration::from_secs(1) {
            if second.1 > self.lines {
                tracing::warn!(target: "tollgate::plugin", dropped = second.1 - self.lines, "lines of a plugin were dropped");
            }
            *second = (Instant::now(), 0);
        }
        second.1 = second.1.saturating_add(1);
        second.1 <= self.lines
    }
}

impl wit::Host for HostState {
    fn write(&mut self, level: wit::Level, message: String, fields: Vec<(String, String)>) -> wasmtime::Result<()> {
        self.charge()?;
        let is_panic = fields.iter().any(|(name, _)| name == "panic");
        let is_written = self.log_budget().take();
        if !is_panic && !is_written {
            return Ok(());
        }
        let line = clean(&message, &fields);
        if is_panic {
            self.note_panic(line.clone());
        }
        if !is_written {
            return Ok(());
        }
        let plugin = self.plugin_name();
        match level {
            wit::Level::Error => tracing::error!(target: "tollgate::plugin", plugin, "{line}"),
            wit::Level::Warn => tracing::warn!(target: "tollgate::plugin", plugin, "{line}"),
            wit::Level::Info => tracing::info!(target: "tollgate::plugin", plugin, "{line}"),
            wit::Level::Debug => tracing::debug!(target: "tollgate::plugin", plugin, "{line}"),
        }
        Ok(())
    }
}

/// Returns message and fields as one line, cut to its length, without anything that could pass for another line. What is cut
/// off is not looked at: it may be long.
pub(super) fn clean(message: &str, fields: &[(String, String)]) -> String {
    let shown = fields.iter().filter(|(name, _)| name != "panic").flat_map(|(name, value)| [" ", name, "=", value]);
    let mut line = String::new();
    for part in std::iter::once(message).chain(shown) {
        for c in part.chars().map(|c| if c.is_control() { ' ' } else { c }) {
            if line.len() + c.len_utf8() > LINE {
                return line;
            }
            line.push(c);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_cannot_pass_for_two_and_is_cut_at_a_character() {
        let long = format!("a\nb\x1b[31m{}", "ü".repeat(LINE));

        let line = clean(&long, &[("k".to_owned(), "v".to_owned())]);

        assert_eq!((line.starts_with("a b [31mü"), line.contains('\n'), line.len()), (true, false, LINE));
    }
}
