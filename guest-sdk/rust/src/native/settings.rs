//! The settings of a queue.

use std::{cell::RefCell, collections::BTreeMap, time::Duration};

use crate::{PolicyError, Rate, RefreshStrategy};

use super::invalid;

/// Settings, as a plugin has written them; [`crate::testing::settings`] reads them.
#[derive(Debug, Default)]
pub struct Settings(pub(crate) RefCell<BTreeMap<String, Written>>);

/// A value and where it was written, or nothing where the option was cleared.
pub(crate) type Written = Option<(Value, Option<String>)>;

/// A value, as text, and in milliseconds where it is a duration.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub(crate) text: String,
    pub(crate) ms: Option<u64>,
}

impl Settings {
    fn write(&self, name: &str, text: String, ms: Option<u64>, origin: Option<&str>) {
        let written = (Value { text, ms }, origin.map(str::to_owned));
        self.0.borrow_mut().insert(name.to_owned(), Some(written));
    }

    fn write_ms(&self, name: &str, ms: u64, origin: Option<&str>) -> Result<(), PolicyError> {
        let text = tollgate_config::duration::format(Duration::from_millis(ms));
        self.write(name, text, Some(ms), origin);
        Ok(())
    }

    fn write_name(&self, name: &str, value: &str, origin: Option<&str>) -> Result<(), PolicyError> {
        if value.trim().is_empty() {
            return Err(invalid(&format!("{name} is empty")));
        }
        self.write(name, value.to_owned(), None, origin);
        Ok(())
    }
}

/// Returns a rate as the host's own, or what is wrong with it.
pub(crate) fn rate(rate: Rate) -> Result<tollgate_config::Rate, PolicyError> {
    let Rate { limit, period_ms, max_burst, local } = rate;
    match (limit, period_ms, max_burst) {
        (0, _, _) => Err(invalid("a rate's limit is at least 1")),
        (_, 0..1000, _) => Err(invalid("a rate's period is at least 1000 ms")),
        (_, _, Some(0)) => Err(invalid("a rate's max-burst is at least 1")),
        _ => Ok(tollgate_config::Rate { limit, period: Duration::from_millis(period_ms), max_burst, local }),
    }
}

#[allow(missing_docs, reason = "wit/v0.1/host.wit documents every one of these")]
#[allow(clippy::new_without_default, reason = "as the bindings have it")]
impl Settings {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn set_retry_interval(&self, ms: u64, origin: Option<&str>) -> Result<(), PolicyError> {
        if ms < 1000 {
            return Err(invalid("retry_interval is at least 1 second"));
        }
        self.write_ms("retry_interval", ms, origin)
    }

    pub fn set_max_retry_interval(&self, ms: u64, origin: Option<&str>) -> Result<(), PolicyError> {
        self.write_ms("max_retry_interval", ms, origin)
    }

    pub fn set_max_age(&self, ms: u64, origin: Option<&str>) -> Result<(), PolicyError> {
        self.write_ms("max_age", ms, origin)
    }

    pub fn set_egress_pool(&self, pool: &str, origin: Option<&str>) -> Result<(), PolicyError> {
        self.write_name("egress_pool", pool, origin)
    }

    pub fn set_max_message_rate(&self, given: Rate, origin: Option<&str>) -> Result<(), PolicyError> {
        self.write("max_message_rate", rate(given)?.to_string(), None, origin);
        Ok(())
    }

    pub fn set_protocol(&self, json: &str, origin: Option<&str>) -> Result<(), PolicyError> {
        self.write("protocol", json.to_owned(), None, origin);
        Ok(())
    }

    pub fn set_reap_interval(&self, ms: u64, origin: Option<&str>) -> Result<(), PolicyError> {
        self.write_ms("reap_interval", ms, origin)
    }

    pub fn set_refresh_interval(&self, ms: u64, origin: Option<&str>) -> Result<(), PolicyError> {
        self.write_ms("refresh_interval", ms, origin)
    }

    pub fn set_refresh_strategy(&self, strategy: RefreshStrategy, origin: Option<&str>) -> Result<(), PolicyError> {
        let word = if strategy == RefreshStrategy::Ttl { "Ttl" } else { "Epoch" };
        self.write_name("refresh_strategy", word, origin)
    }

    pub fn set_provider_name(&self, name: &str, origin: Option<&str>) -> Result<(), PolicyError> {
        self.write_name("provider_name", name, origin)
    }

    pub fn set_inert(&self, name: &str, json: &str, origin: Option<&str>) -> Result<(), PolicyError> {
        self.write(name, json.to_owned(), None, origin);
        Ok(())
    }

    pub fn clear(&self, name: &str, _origin: Option<&str>) -> Result<(), PolicyError> {
        self.0.borrow_mut().insert(name.to_owned(), None);
        Ok(())
    }

    pub fn get(&self, name: &str) -> Option<String> {
        self.0.borrow().get(name)?.as_ref().map(|(value, _)| value.text.clone())
    }

    pub fn get_duration(&self, name: &str) -> Option<u64> {
        self.0.borrow().get(name)?.as_ref()?.0.ms
    }
}
