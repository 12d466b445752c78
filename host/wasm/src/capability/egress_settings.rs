//! How mail leaves, as resources that a guest fills.

use std::time::Duration;

use tollgate_policy::event::egress::{
    self, PathOption, PathSettings, PathValue, PathWritten, PoolAnswer, SourceAnswer,
};
use wasmtime::component::Resource;

use super::types::rate_from_guest;
use crate::{
    bindings::host::tollgate::policy::{
        egress_settings as wit,
        types::{PolicyError, Rate},
    },
    state::HostState,
};

/// A pool while a plugin makes it.
#[allow(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct PoolHandle(pub(crate) PoolAnswer);

/// A source while a plugin makes it.
#[allow(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct SourceHandle(pub(crate) SourceAnswer);

/// A path while a plugin writes or reads it.
#[allow(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct PathHandle(pub(crate) PathSettings);

type Outcome = wasmtime::Result<Result<(), PolicyError>>;
type Path = Resource<PathHandle>;

/// Longest origin, in octets: it is kept for as long as the answer.
const ORIGIN: usize = 1024;

fn outcome(result: Result<(), String>) -> Outcome {
    Ok(result.map_err(PolicyError::Invalid))
}

impl HostState {
    fn write_path(
        &mut self,
        this: &Path,
        option: PathOption,
        value: Result<Option<PathValue>, String>,
        origin: Option<String>,
    ) -> Outcome {
        self.charge()?;
        let plugin = self.plugin_name_shared();
        let settings = &mut self.table.get_mut(this)?.0;
        if origin.as_ref().is_some_and(|origin| origin.len() > ORIGIN) {
            return Ok(Err(PolicyError::TooLarge(ORIGIN as u64)));
        }
        outcome(value.and_then(|value| settings.write(option, PathWritten { value, origin, plugin })))
    }

    fn write_count(&mut self, this: &Path, option: PathOption, count: u32, origin: Option<String>) -> Outcome {
        self.write_path(this, option, Ok(Some(PathValue::Count(count))), origin)
    }

    fn write_rate(&mut self, this: &Path, option: PathOption, rate: Rate, origin: Option<String>) -> Outcome {
        let value = rate_from_guest(rate).map(|rate| Some(PathValue::Rate(rate)));
        self.write_path(this, option, value, origin)
    }
}

impl wit::Host for HostState {}

impl wit::HostEgressPool for HostState {
    fn new(&mut self) -> wasmtime::Result<Resource<PoolHandle>> {
        self.charge()?;
        Ok(self.table.push(PoolHandle(PoolAnswer::default()))?)
    }

    fn add_source(&mut self, this: Resource<PoolHandle>, name: String, weight: u32) -> Outcome {
        self.charge()?;
        outcome(self.table.get_mut(&this)?.0.add(&name, weight))
    }

    fn set_ttl(&mut self, this: Resource<PoolHandle>, ms: u64) -> Outcome {
        self.charge()?;
        let pool = &mut self.table.get_mut(&this)?.0;
        outcome(egress::ttl(Duration::from_millis(ms)).map(|ttl| pool.ttl = ttl))
    }

    fn drop(&mut self, this: Resource<PoolHandle>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl wit::HostEgressSource for HostState {
    fn new(&mut self) -> wasmtime::Result<Resource<SourceHandle>> {
        self.charge()?;
        Ok(self.table.push(SourceHandle(SourceAnswer::default()))?)
    }

    fn set_source_address(&mut self, this: Resource<SourceHandle>, address: String) -> Outcome {
        self.charge()?;
        let source = &mut self.table.get_mut(&this)?.0;
        let parsed = address.parse().map_err(|_| format!("'{}' is not an IP address", address.escape_debug()));
        outcome(parsed.map(|address| source.source_address = Some(address)))
    }

    fn set_ehlo_domain(&mut self, this: Resource<SourceHandle>, domain: String) -> Outcome {
        self.charge()?;
        outcome(self.table.get_mut(&this)?.0.set_ehlo_domain(&domain))
    }

    fn set_ttl(&mut self, this: Resource<SourceHandle>, ms: u64) -> Outcome {
        self.charge()?;
        let source = &mut self.table.get_mut(&this)?.0;
        outcome(egress::ttl(Duration::from_millis(ms)).map(|ttl| source.ttl = ttl))
    }

    fn drop(&mut self, this: Resource<SourceHandle>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl wit::HostEgressPath for HostState {
    fn new(&mut self) -> wasmtime::Result<Path> {
        self.charge()?;
        Ok(self.table.push(PathHandle(PathSettings::default()))?)
    }

    fn set_connection_limit(&mut self, this: Path, limit: u32, origin: Option<String>) -> Outcome {
        self.write_count(&this, PathOption::ConnectionLimit, limit, origin)
    }

    fn set_max_deliveries_per_connection(&mut self, this: Path, most: u32, origin: Option<String>) -> Outcome {
        self.write_count(&this, PathOption::MaxDeliveriesPerConnection, most, origin)
    }

    fn set_max_ready(&mut self, this: Path, most: u32, origin: Option<String>) -> Outcome {
        self.write_count(&this, PathOption::MaxReady, most, origin)
    }

    fn set_max_message_rate(&mut self, this: Path, rate: Rate, origin: Option<String>) -> Outcome {
        self.write_rate(&this, PathOption::MaxMessageRate, rate, origin)
    }

    fn set_max_connection_rate(&mut self, this: Path, rate: Rate, origin: Option<String>) -> Outcome {
        self.write_rate(&this, PathOption::MaxConnectionRate, rate, origin)
    }

    fn set_ttl(&mut self, this: Path, ms: u64) -> Outcome {
        self.charge()?;
        let path = &mut self.table.get_mut(&this)?.0;
        outcome(egress::ttl(Duration::from_millis(ms)).map(|ttl| path.ttl = Some(ttl)))
    }

    fn clear(&mut self, this: Path, name: String, origin: Option<String>) -> Outcome {
        let Some(option) = PathOption::from_name(&name) else {
            return Ok(Err(PolicyError::Invalid(format!("'{}' is no option of a path", name.escape_debug()))));
        };
        self.write_path(&this, option, Ok(None), origin)
    }

    fn get(&mut self, this: Path, name: String) -> wasmtime::Result<Option<String>> {
        self.charge()?;
        let path = &self.table.get(&this)?.0;
        Ok(PathOption::from_name(&name).and_then(|option| path.get(option)).map(|value| value.to_string()))
    }

    fn drop(&mut self, this: Path) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}
