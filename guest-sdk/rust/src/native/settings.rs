//! The settings of a queue.

use std::{cell::RefCell, collections::BTreeMap, time::Duration};

use crate::{PolicyError, Rate, RefreshStrategy, Setting};

use super::invalid;

/// Settings, as a plugin has written them; [`crate::testing::settings`] reads them.
///
/// ```
/// let settings = tollgate_sdk::Settings::new();
/// settings.set_max_age(86_400_000, None)?;
/// assert_eq!(settings.get("max_age").as_deref(), Some("1day"));
/// # Ok::<(), tollgate_sdk::PolicyError>(())
/// ```
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

#[allow(clippy::new_without_default, reason = "as the bindings have it")]
impl Settings {
    /// Returns settings that leave everything alone.
    ///
    /// ```
    /// let settings = tollgate_sdk::Settings::new();
    /// assert_eq!(settings.get("max_age"), None);
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets several options at once, in their order, each with its origin; each counts as a call. At the first that is refused,
    /// with its error, it ends: those before it are set. A component that imports this alone is instantiated faster than
    /// one that imports what follows.
    ///
    /// ```
    /// use tollgate_sdk::Setting;
    ///
    /// let settings = tollgate_sdk::Settings::new();
    /// settings.set(&[(Setting::MaxAge(86_400_000), None), (Setting::EgressPool("pool-1".to_owned()), None)])?;
    /// assert_eq!(settings.get("egress_pool").as_deref(), Some("pool-1"));
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn set(&self, settings: &[(Setting, Option<String>)]) -> Result<(), PolicyError> {
        settings.iter().try_for_each(|(setting, origin)| {
            let origin = origin.as_deref();
            match setting {
                Setting::RetryInterval(ms) => self.set_retry_interval(*ms, origin),
                Setting::MaxRetryInterval(ms) => self.set_max_retry_interval(*ms, origin),
                Setting::MaxAge(ms) => self.set_max_age(*ms, origin),
                Setting::EgressPool(pool) => self.set_egress_pool(pool, origin),
                Setting::MaxMessageRate(rate) => self.set_max_message_rate(*rate, origin),
                Setting::Protocol(json) => self.set_protocol(json, origin),
                Setting::ReapInterval(ms) => self.set_reap_interval(*ms, origin),
                Setting::RefreshInterval(ms) => self.set_refresh_interval(*ms, origin),
                Setting::RefreshStrategy(strategy) => self.set_refresh_strategy(*strategy, origin),
                Setting::ProviderName(name) => self.set_provider_name(name, origin),
                Setting::Inert((name, json)) => self.set_inert(name, json, origin),
                Setting::Clear(name) => self.clear(name, origin),
            }
        })
    }

    /// Sets the wait before the second attempt, in milliseconds, at least 1000; later waits double.
    ///
    /// ```
    /// # let settings = tollgate_sdk::Settings::new();
    /// settings.set_retry_interval(20 * 60_000, Some("queues.toml:3"))?;
    /// assert_eq!(settings.get("retry_interval").as_deref(), Some("20m"));
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn set_retry_interval(&self, ms: u64, origin: Option<&str>) -> Result<(), PolicyError> {
        if ms < 1000 {
            return Err(invalid("retry_interval is at least 1 second"));
        }
        self.write_ms("retry_interval", ms, origin)
    }

    /// Sets the longest wait between attempts, in milliseconds; less than 1000 counts as 1000.
    ///
    /// ```
    /// # let settings = tollgate_sdk::Settings::new();
    /// settings.set_max_retry_interval(3_600_000, None)?;
    /// assert_eq!(settings.get_duration("max_retry_interval"), Some(3_600_000));
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn set_max_retry_interval(&self, ms: u64, origin: Option<&str>) -> Result<(), PolicyError> {
        self.write_ms("max_retry_interval", ms, origin)
    }

    /// Sets the age at which a message expires, in milliseconds.
    ///
    /// ```
    /// # let settings = tollgate_sdk::Settings::new();
    /// settings.set_max_age(86_400_000, None)?;
    /// assert_eq!(settings.get("max_age").as_deref(), Some("1day"));
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn set_max_age(&self, ms: u64, origin: Option<&str>) -> Result<(), PolicyError> {
        self.write_ms("max_age", ms, origin)
    }

    /// Sets the egress pool by name.
    ///
    /// ```
    /// # let settings = tollgate_sdk::Settings::new();
    /// settings.set_egress_pool("pool-1", None)?;
    /// assert_eq!(settings.get("egress_pool").as_deref(), Some("pool-1"));
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn set_egress_pool(&self, pool: &str, origin: Option<&str>) -> Result<(), PolicyError> {
        self.write_name("egress_pool", pool, origin)
    }

    /// Sets the rate at which messages of this queue go on to delivery.
    ///
    /// ```
    /// # let settings = tollgate_sdk::Settings::new();
    /// # let rate = tollgate_sdk::Rate { limit: 100, period_ms: 3_600_000, max_burst: None, local: false };
    /// settings.set_max_message_rate(rate, None)?;
    /// assert_eq!(settings.get("max_message_rate").as_deref(), Some("100/h"));
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn set_max_message_rate(&self, given: Rate, origin: Option<&str>) -> Result<(), PolicyError> {
        self.write("max_message_rate", rate(given)?.to_string(), None, origin);
        Ok(())
    }

    /// Sets the delivery method as JSON, for instance `{"smtp":{"mx_list":["127.0.0.1:2526"]}}`.
    ///
    /// ```
    /// # let settings = tollgate_sdk::Settings::new();
    /// settings.set_protocol(r#"{"smtp":{"mx_list":["relay.example"]}}"#, None)?;
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn set_protocol(&self, json: &str, origin: Option<&str>) -> Result<(), PolicyError> {
        self.write("protocol", json.to_owned(), None, origin);
        Ok(())
    }

    /// Sets after how many milliseconds an empty queue is forgotten.
    ///
    /// ```
    /// # let settings = tollgate_sdk::Settings::new();
    /// settings.set_reap_interval(600_000, None)?;
    /// assert_eq!(settings.get("reap_interval").as_deref(), Some("10m"));
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn set_reap_interval(&self, ms: u64, origin: Option<&str>) -> Result<(), PolicyError> {
        self.write_ms("reap_interval", ms, origin)
    }

    /// Sets after how many milliseconds `ttl` asks anew.
    ///
    /// ```
    /// # let settings = tollgate_sdk::Settings::new();
    /// settings.set_refresh_interval(60_000, None)?;
    /// assert_eq!(settings.get("refresh_interval").as_deref(), Some("1m"));
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn set_refresh_interval(&self, ms: u64, origin: Option<&str>) -> Result<(), PolicyError> {
        self.write_ms("refresh_interval", ms, origin)
    }

    /// Sets when settings are asked for anew.
    ///
    /// ```
    /// # let settings = tollgate_sdk::Settings::new();
    /// settings.set_refresh_strategy(tollgate_sdk::RefreshStrategy::Epoch, None)?;
    /// assert_eq!(settings.get("refresh_strategy").as_deref(), Some("Epoch"));
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn set_refresh_strategy(&self, strategy: RefreshStrategy, origin: Option<&str>) -> Result<(), PolicyError> {
        let word = if strategy == RefreshStrategy::Ttl { "Ttl" } else { "Epoch" };
        self.write_name("refresh_strategy", word, origin)
    }

    /// Sets the name under which destinations are summed up in metrics and records.
    ///
    /// ```
    /// # let settings = tollgate_sdk::Settings::new();
    /// settings.set_provider_name("example", None)?;
    /// assert_eq!(settings.get("provider_name").as_deref(), Some("example"));
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn set_provider_name(&self, name: &str, origin: Option<&str>) -> Result<(), PolicyError> {
        self.write_name("provider_name", name, origin)
    }

    /// Carries an option that this host knows and does not need, as JSON; it is shown and has no effect.
    ///
    /// ```
    /// # let settings = tollgate_sdk::Settings::new();
    /// settings.set_inert("max_retry_interval_jitter", "3", None)?;
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn set_inert(&self, name: &str, json: &str, origin: Option<&str>) -> Result<(), PolicyError> {
        self.write(name, json.to_owned(), None, origin);
        Ok(())
    }

    /// Takes back what the layers before set for this option, by its name in `queues.toml` (`max_age`).
    ///
    /// ```
    /// # let settings = tollgate_sdk::Settings::new();
    /// settings.set_egress_pool("pool-1", None)?;
    /// settings.clear("egress_pool", None)?;
    /// assert_eq!(settings.get("egress_pool"), None);
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn clear(&self, name: &str, _origin: Option<&str>) -> Result<(), PolicyError> {
        self.0.borrow_mut().insert(name.to_owned(), None);
        Ok(())
    }

    /// Returns an option as canonical text (`1day`, `100/h`) or JSON, absent where it is not set.
    ///
    /// ```
    /// # let settings = tollgate_sdk::Settings::new();
    /// settings.set_egress_pool("pool-1", None)?;
    /// assert_eq!(settings.get("egress_pool").as_deref(), Some("pool-1"));
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn get(&self, name: &str) -> Option<String> {
        self.0.borrow().get(name)?.as_ref().map(|(value, _)| value.text.clone())
    }

    /// Returns a duration option in milliseconds, absent where it is not set.
    ///
    /// ```
    /// # let settings = tollgate_sdk::Settings::new();
    /// settings.set_max_age(86_400_000, None)?;
    /// assert_eq!(settings.get_duration("max_age"), Some(86_400_000));
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn get_duration(&self, name: &str) -> Option<u64> {
        self.0.borrow().get(name)?.as_ref()?.0.ms
    }
}
