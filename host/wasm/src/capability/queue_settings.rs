//! The settings of a queue, as a resource that a guest fills.

use std::{sync::Arc, time::Duration};

use tollgate_policy::{OptionValue, QueueOption, RefreshStrategy, Settings, scope::Scope};
use wasmtime::component::Resource;

use super::types::rate_from_guest;
use crate::{
    bindings::host::tollgate::policy::{
        queue_settings as wit,
        types::{PolicyError, Rate},
    },
    state::HostState,
};

/// Longest JSON of one option, in octets.
const JSON: usize = 64 * 1024;

/// Settings while a plugin writes or reads them.
#[allow(unreachable_pub, reason = "the generated bindings re-export it")]
#[derive(Default)]
pub struct SettingsHandle(pub(crate) Settings);

type Outcome = wasmtime::Result<Result<(), PolicyError>>;
type This = Resource<SettingsHandle>;

/// What a plugin sets, in its hands.
pub(crate) struct Writer<'a> {
    pub(crate) settings: &'a mut Settings,
    pub(crate) scope: &'a Scope,
    pub(crate) plugin: &'a Arc<str>,
}

impl Writer<'_> {
    pub(crate) fn set(&mut self, setting: wit::Setting, origin: Option<String>) -> Result<(), PolicyError> {
        if let wit::Setting::Clear(name) = setting {
            let option = QueueOption::from_name(&name);
            self.scope.may_set(&option)?;
            self.settings.clear(option, origin, self.plugin);
            return Ok(());
        }
        let (option, value) = value(setting);
        self.scope.may_set(&option)?;
        let written = value.and_then(|value| self.settings.set(option, value, origin, self.plugin));
        written.map_err(PolicyError::Invalid)
    }
}

/// Returns the option that is set, and its value, or what is wrong with it.
fn value(setting: wit::Setting) -> (QueueOption, Result<OptionValue, String>) {
    let duration = |ms| Ok(OptionValue::Duration(Duration::from_millis(ms)));
    match setting {
        wit::Setting::RetryInterval(ms) => (QueueOption::RetryInterval, duration(ms)),
        wit::Setting::MaxRetryInterval(ms) => (QueueOption::MaxRetryInterval, duration(ms)),
        wit::Setting::MaxAge(ms) => (QueueOption::MaxAge, duration(ms)),
        wit::Setting::EgressPool(pool) => (QueueOption::EgressPool, Ok(OptionValue::Text(pool))),
        wit::Setting::MaxMessageRate(rate) => {
            (QueueOption::MaxMessageRate, rate_from_guest(rate).map(OptionValue::Rate))
        }
        wit::Setting::Protocol(json) => (QueueOption::Protocol, parse_json(&json)),
        wit::Setting::ReapInterval(ms) => (QueueOption::ReapInterval, duration(ms)),
        wit::Setting::RefreshInterval(ms) => (QueueOption::RefreshInterval, duration(ms)),
        wit::Setting::RefreshStrategy(strategy) => {
            let strategy = match strategy {
                wit::RefreshStrategy::Ttl => RefreshStrategy::Ttl,
                wit::RefreshStrategy::Epoch => RefreshStrategy::Epoch,
            };
            (QueueOption::RefreshStrategy, Ok(OptionValue::Strategy(strategy)))
        }
        wit::Setting::ProviderName(name) => (QueueOption::ProviderName, Ok(OptionValue::Text(name))),
        wit::Setting::Inert((name, json)) => (QueueOption::Inert(name), parse_json(&json)),
        wit::Setting::Clear(name) => (QueueOption::from_name(&name), Err("there is nothing to set".to_owned())),
    }
}

impl HostState {
    fn settings(&mut self, handle: &This) -> wasmtime::Result<&mut Settings> {
        self.charge()?;
        Ok(&mut self.table.get_mut(handle)?.0)
    }

    fn set_one(&mut self, this: &This, setting: wit::Setting, origin: Option<String>) -> Outcome {
        self.charge()?;
        let (scope, plugin, table) = self.writing();
        let settings = &mut table.get_mut(this)?.0;
        Ok(Writer { settings, scope, plugin }.set(setting, origin))
    }
}

impl wit::Host for HostState {}

impl wit::HostQueueConfig for HostState {
    fn new(&mut self) -> wasmtime::Result<This> {
        self.charge()?;
        Ok(self.table.push(SettingsHandle::default())?)
    }

    fn set(&mut self, this: This, settings: Vec<(wit::Setting, Option<String>)>) -> Outcome {
        for (setting, origin) in settings {
            if let Err(refused) = self.set_one(&this, setting, origin)? {
                return Ok(Err(refused));
            }
        }
        Ok(Ok(()))
    }

    fn set_retry_interval(&mut self, this: This, ms: u64, origin: Option<String>) -> Outcome {
        self.set_one(&this, wit::Setting::RetryInterval(ms), origin)
    }

    fn set_max_retry_interval(&mut self, this: This, ms: u64, origin: Option<String>) -> Outcome {
        self.set_one(&this, wit::Setting::MaxRetryInterval(ms), origin)
    }

    fn set_max_age(&mut self, this: This, ms: u64, origin: Option<String>) -> Outcome {
        self.set_one(&this, wit::Setting::MaxAge(ms), origin)
    }

    fn set_egress_pool(&mut self, this: This, pool: String, origin: Option<String>) -> Outcome {
        self.set_one(&this, wit::Setting::EgressPool(pool), origin)
    }

    fn set_max_message_rate(&mut self, this: This, rate: Rate, origin: Option<String>) -> Outcome {
        self.set_one(&this, wit::Setting::MaxMessageRate(rate), origin)
    }

    fn set_protocol(&mut self, this: This, json: String, origin: Option<String>) -> Outcome {
        self.set_one(&this, wit::Setting::Protocol(json), origin)
    }

    fn set_reap_interval(&mut self, this: This, ms: u64, origin: Option<String>) -> Outcome {
        self.set_one(&this, wit::Setting::ReapInterval(ms), origin)
    }

    fn set_refresh_interval(&mut self, this: This, ms: u64, origin: Option<String>) -> Outcome {
        self.set_one(&this, wit::Setting::RefreshInterval(ms), origin)
    }

    fn set_refresh_strategy(&mut self, this: This, strategy: wit::RefreshStrategy, origin: Option<String>) -> Outcome {
        self.set_one(&this, wit::Setting::RefreshStrategy(strategy), origin)
    }

    fn set_provider_name(&mut self, this: This, name: String, origin: Option<String>) -> Outcome {
        self.set_one(&this, wit::Setting::ProviderName(name), origin)
    }

    fn set_inert(&mut self, this: This, name: String, json: String, origin: Option<String>) -> Outcome {
        self.set_one(&this, wit::Setting::Inert((name, json)), origin)
    }

    fn clear(&mut self, this: This, name: String, origin: Option<String>) -> Outcome {
        self.set_one(&this, wit::Setting::Clear(name), origin)
    }

    fn get(&mut self, this: This, name: String) -> wasmtime::Result<Option<String>> {
        let option = QueueOption::from_name(&name);
        // Where the operator's mail goes, and how, is not for everyone to read.
        let readable = self.scope().may_set(&option).is_ok();
        Ok(self.settings(&this)?.get(&option).filter(|_| readable).map(OptionValue::text))
    }

    fn get_duration(&mut self, this: This, name: String) -> wasmtime::Result<Option<u64>> {
        let option = QueueOption::from_name(&name);
        let readable = self.scope().may_set(&option).is_ok();
        let duration = self.settings(&this)?.duration(&option).filter(|_| readable);
        Ok(duration.map(|duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }

    fn drop(&mut self, this: This) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

fn parse_json(json: &str) -> Result<OptionValue, String> {
    if json.len() > JSON {
        return Err(format!("the JSON of an option is at most {JSON} octets long"));
    }
    serde_json::from_str(json).map(OptionValue::Json).map_err(|error| format!("not JSON: {error}"))
}
