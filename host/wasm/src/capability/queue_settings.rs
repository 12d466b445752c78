//! The settings of a queue, as a resource that a guest fills.

use std::time::Duration;

use tollgate_policy::{OptionValue, QueueOption, RefreshStrategy, Settings};
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

impl HostState {
    fn settings(&mut self, handle: &This) -> wasmtime::Result<&mut Settings> {
        self.charge()?;
        Ok(&mut self.table.get_mut(handle)?.0)
    }

    fn write(
        &mut self,
        handle: &This,
        option: QueueOption,
        value: Result<OptionValue, String>,
        origin: Option<String>,
    ) -> Outcome {
        let plugin = self.plugin_name_shared();
        let allowed = self.scope().may_set(&option);
        let settings = self.settings(handle)?;
        if let Err(refused) = allowed {
            return Ok(Err(refused.into()));
        }
        let written = value.and_then(|value| settings.set(option, value, origin, &plugin));
        Ok(written.map_err(PolicyError::Invalid))
    }

    fn set_one(&mut self, this: This, setting: wit::Setting, origin: Option<String>) -> Outcome {
        use wit::{HostQueueConfig as _, Setting};
        match setting {
            Setting::RetryInterval(ms) => self.set_retry_interval(this, ms, origin),
            Setting::MaxRetryInterval(ms) => self.set_max_retry_interval(this, ms, origin),
            Setting::MaxAge(ms) => self.set_max_age(this, ms, origin),
            Setting::EgressPool(pool) => self.set_egress_pool(this, pool, origin),
            Setting::MaxMessageRate(rate) => self.set_max_message_rate(this, rate, origin),
            Setting::Protocol(json) => self.set_protocol(this, json, origin),
            Setting::ReapInterval(ms) => self.set_reap_interval(this, ms, origin),
            Setting::RefreshInterval(ms) => self.set_refresh_interval(this, ms, origin),
            Setting::RefreshStrategy(strategy) => self.set_refresh_strategy(this, strategy, origin),
            Setting::ProviderName(name) => self.set_provider_name(this, name, origin),
            Setting::Inert((name, json)) => self.set_inert(this, name, json, origin),
            Setting::Clear(name) => self.clear(this, name, origin),
        }
    }

    fn write_duration(&mut self, handle: &This, option: QueueOption, ms: u64, origin: Option<String>) -> Outcome {
        self.write(handle, option, Ok(OptionValue::Duration(Duration::from_millis(ms))), origin)
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
            // A handle of the guest's is a number, so each call may have one of its own.
            let this = Resource::new_borrow(this.rep());
            if let Err(refused) = self.set_one(this, setting, origin)? {
                return Ok(Err(refused));
            }
        }
        Ok(Ok(()))
    }

    fn set_retry_interval(&mut self, this: This, ms: u64, origin: Option<String>) -> Outcome {
        self.write_duration(&this, QueueOption::RetryInterval, ms, origin)
    }

    fn set_max_retry_interval(&mut self, this: This, ms: u64, origin: Option<String>) -> Outcome {
        self.write_duration(&this, QueueOption::MaxRetryInterval, ms, origin)
    }

    fn set_max_age(&mut self, this: This, ms: u64, origin: Option<String>) -> Outcome {
        self.write_duration(&this, QueueOption::MaxAge, ms, origin)
    }

    fn set_egress_pool(&mut self, this: This, pool: String, origin: Option<String>) -> Outcome {
        self.write(&this, QueueOption::EgressPool, Ok(OptionValue::Text(pool)), origin)
    }

    fn set_max_message_rate(&mut self, this: This, rate: Rate, origin: Option<String>) -> Outcome {
        self.write(&this, QueueOption::MaxMessageRate, rate_from_guest(rate).map(OptionValue::Rate), origin)
    }

    fn set_protocol(&mut self, this: This, json: String, origin: Option<String>) -> Outcome {
        self.write(&this, QueueOption::Protocol, parse_json(&json), origin)
    }

    fn set_reap_interval(&mut self, this: This, ms: u64, origin: Option<String>) -> Outcome {
        self.write_duration(&this, QueueOption::ReapInterval, ms, origin)
    }

    fn set_refresh_interval(&mut self, this: This, ms: u64, origin: Option<String>) -> Outcome {
        self.write_duration(&this, QueueOption::RefreshInterval, ms, origin)
    }

    fn set_refresh_strategy(&mut self, this: This, strategy: wit::RefreshStrategy, origin: Option<String>) -> Outcome {
        let strategy = match strategy {
            wit::RefreshStrategy::Ttl => RefreshStrategy::Ttl,
            wit::RefreshStrategy::Epoch => RefreshStrategy::Epoch,
        };
        self.write(&this, QueueOption::RefreshStrategy, Ok(OptionValue::Strategy(strategy)), origin)
    }

    fn set_provider_name(&mut self, this: This, name: String, origin: Option<String>) -> Outcome {
        self.write(&this, QueueOption::ProviderName, Ok(OptionValue::Text(name)), origin)
    }

    fn set_inert(&mut self, this: This, name: String, json: String, origin: Option<String>) -> Outcome {
        self.write(&this, QueueOption::Inert(name), parse_json(&json), origin)
    }

    fn clear(&mut self, this: This, name: String, origin: Option<String>) -> Outcome {
        let (plugin, option) = (self.plugin_name_shared(), QueueOption::from_name(&name));
        let allowed = self.scope().may_set(&option);
        let settings = self.settings(&this)?;
        Ok(allowed.map(|()| settings.clear(option, origin, &plugin)).map_err(PolicyError::from))
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
