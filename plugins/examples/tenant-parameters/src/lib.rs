//! Parameters of queues: global ones, and a tenant's own over them.
//!
//! The file has two tables, `[params]` and `[tenant_params.NAME]`, with the same options. A queue gets the first, then what
//! its tenant's says instead. [`Parameters::layers`] decides that; the rest reads the file and hands values to the host.

use std::{collections::BTreeMap, time::Duration};

use tollgate_sdk::{
    Configure, File, PolicyError, QueueConfig, QueueName, Reference, Settings,
    config::{Findings, Outcome, Position, Rate, Section, millis, one_file},
    register,
};

/// The parameters of all queues and those of tenants, in the order of the file.
struct Parameters {
    global: Vec<Parameter>,
    tenants: BTreeMap<String, Vec<Parameter>>,
}

/// A parameter, and where it was written.
struct Parameter {
    value: Value,
    file: String,
    at: Position,
}

#[derive(PartialEq, Debug)]
enum Value {
    MaxAge(Duration),
    RetryInterval(Duration),
    MaxRetryInterval(Duration),
    MaxMessageRate(Rate),
    EgressPool(String),
}

impl Parameters {
    fn read(top: &mut Section<'_>, findings: &mut Findings) -> (Self, Vec<Reference>) {
        let global = top.section("params", findings).map(|section| parameters(section, findings)).unwrap_or_default();
        let named = top.named("tenant_params", findings).into_iter();
        let tenants: BTreeMap<_, _> =
            named.map(|(name, section)| (name.to_owned(), parameters(section, findings))).collect();
        let references = global.iter().chain(tenants.values().flatten()).filter_map(Parameter::reference).collect();
        (Self { global, tenants }, references)
    }

    /// Returns the parameters for a tenant's queues; later ones are over earlier ones.
    fn layers(&self, tenant: Option<&str>) -> impl Iterator<Item = &Parameter> {
        let own = tenant.and_then(|name| self.tenants.get(name));
        self.global.iter().chain(own.into_iter().flatten())
    }
}

/// Reads a table of parameters.
fn parameters(mut section: Section<'_>, findings: &mut Findings) -> Vec<Parameter> {
    let read = [
        ("max_age", section.duration("max_age", findings).map(Value::MaxAge)),
        ("retry_interval", interval(&mut section, "retry_interval", findings).map(Value::RetryInterval)),
        ("max_retry_interval", interval(&mut section, "max_retry_interval", findings).map(Value::MaxRetryInterval)),
        ("max_message_rate", section.parsed("max_message_rate", findings, str::parse).map(Value::MaxMessageRate)),
        ("egress_pool", section.text("egress_pool", findings).map(Value::EgressPool)),
    ];
    let parameter = |(name, value): (&str, Option<Value>)| {
        Some(Parameter { value: value?, file: findings.file().to_owned(), at: section.position(name)? })
    };
    let parameters = read.into_iter().filter_map(parameter).collect();
    section.finish(findings);
    parameters
}

/// Reads a wait between attempts. The host takes none under a second, and the place to say so is the file.
fn interval(section: &mut Section<'_>, key: &'static str, findings: &mut Findings) -> Option<Duration> {
    let interval = section.duration(key, findings)?;
    if interval < Duration::from_secs(1) {
        findings.error(section.position(key)?, format!("{key}: attempts are at least 1 second apart"));
        return None;
    }
    Some(interval)
}

impl Parameter {
    fn reference(&self) -> Option<Reference> {
        let Value::EgressPool(name) = &self.value else { return None };
        Some(Reference::egress_pool(name, &self.file, self.at))
    }

    fn apply(&self, settings: &Settings) -> Result<(), PolicyError> {
        let origin = format!("{}:{}", self.file, self.at.line);
        let origin = Some(origin.as_str());
        match &self.value {
            Value::MaxAge(age) => settings.set_max_age(millis(*age), origin),
            Value::RetryInterval(wait) => settings.set_retry_interval(millis(*wait), origin),
            Value::MaxRetryInterval(wait) => settings.set_max_retry_interval(millis(*wait), origin),
            Value::MaxMessageRate(rate) => settings.set_max_message_rate((*rate).into(), origin),
            Value::EgressPool(name) => settings.set_egress_pool(name, origin),
        }
    }
}

impl Configure for Parameters {
    fn configure(files: Vec<File>) -> Outcome<Self> {
        one_file(&files, Self::read)
    }
}

impl QueueConfig for Parameters {
    fn queue_config(&self, name: &QueueName, _so_far: &Settings) -> Result<Option<Settings>, PolicyError> {
        let settings = Settings::new();
        self.layers(name.tenant.as_deref()).try_for_each(|parameter| parameter.apply(&settings))?;
        Ok(Some(settings))
    }
}

register!(Parameters: configure, queue_config);

#[cfg(test)]
mod tests;
