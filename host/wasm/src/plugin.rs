//! A component with a name, its configuration and its limits: what answers events.

use std::sync::{Arc, Mutex, PoisonError};

use tollgate_config::{Finding, Position, Severity};
use tollgate_message::{Edits, QueueName, Received};
use tollgate_policy::{
    Answer, Events, Failure, FailureKind, Placement, Plugin, Refusal, Scope, Settings, Throttle, Verdict,
};

use crate::{
    bindings::{
        configure::exports::tollgate::policy::configure as wit,
        host::tollgate::policy::types::{QueueName as WitQueueName, Reply as WitReply},
        message_received::exports::tollgate::policy::message_received::Verdict as WitVerdict,
        throttles::exports::tollgate::policy::throttles::{Scope as WitScope, Throttle as WitThrottle},
    },
    capability::{LogBudget, message::MessageHandle, queue_settings::SettingsHandle},
    component::Component,
    instance::{Guest, Maker},
    limits::Limits,
};

/// A warm instance is replaced after this many calls: what a guest leaks or piles up has an end.
const CALLS: u32 = 100_000;
/// How many warm instances are kept when no one uses them; more than most machines have threads that would.
const KEPT: usize = 64;

/// Whether instances are used again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Instances {
    /// One event, one instance.
    Fresh,
    /// Instances go on from event to event, one for each thread that is in the plugin at the time.
    Warm,
}

/// A file that the operator gave to a plugin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigFile {
    /// The name under which errors speak of it.
    pub name: String,
    /// Its octets.
    pub content: Vec<u8>,
}

/// What a plugin said about its configuration.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Configuration {
    /// Warnings and notes, and errors where the configuration is refused.
    pub findings: Vec<Finding>,
    /// Names for the host to check.
    pub references: Vec<Reference>,
}

/// A name in a plugin's configuration that the host defines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reference {
    /// What is named.
    pub kind: ReferenceKind,
    /// The name.
    pub name: String,
    /// The file.
    pub file: String,
    /// Where in it.
    pub at: Position,
}

/// What a plugin's configuration may name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReferenceKind {
    /// An egress pool.
    EgressPool,
}

/// Why a plugin did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its configuration is not right; here is everything that is wrong with it, and the names for the host to check in
    /// what could be read.
    #[error("the configuration is refused")]
    Configuration(Configuration),
    /// It failed while it was set up.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// A plugin that runs as a component.
pub struct WasmPlugin {
    component: Arc<Component>,
    maker: Maker,
    files: Vec<wit::File>,
    instances: Instances,
    idle: Mutex<Vec<Guest>>,
}

impl WasmPlugin {
    /// Makes a plugin of a component and configures a first instance of it.
    ///
    /// # Errors
    /// [`StartError`]: the configuration's fault, or the plugin's.
    pub fn start(
        name: &str,
        component: Arc<Component>,
        files: Vec<ConfigFile>,
        limits: Limits,
        instances: Instances,
    ) -> Result<(Self, Configuration), StartError> {
        let files = files.into_iter().map(|file| wit::File { name: file.name, content: file.content }).collect();
        let maker = Maker { plugin: Arc::from(name), limits: Arc::new(limits), log: Arc::new(LogBudget::new()) };
        let plugin = Self { component, maker, files, instances, idle: Mutex::new(Vec::new()) };
        let mut guest = Guest::instantiate(&plugin.component, &plugin.maker)?;
        let loaded = guest
            .configure(&plugin.component, &plugin.files)?
            .map_err(|refused| StartError::Configuration(configuration(refused.diagnostics, refused.references)))?;
        plugin.give_back(guest);
        Ok((plugin, configuration(loaded.diagnostics, loaded.references)))
    }

    fn take(&self) -> Result<Guest, Failure> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(guest) => Ok(guest),
            None => self.make(),
        }
    }

    fn make(&self) -> Result<Guest, Failure> {
        let mut guest = Guest::instantiate(&self.component, &self.maker)?;
        match guest.configure(&self.component, &self.files)? {
            Ok(_) => Ok(guest),
            Err(refused) => {
                let first = refused.diagnostics.first().map_or("", |finding| &finding.message);
                Err(self.nonsense(format!("refuses a configuration that it took before: {first}")))
            }
        }
    }

    fn give_back(&self, guest: Guest) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // A fresh plugin keeps the instance that its start has configured for its first event.
        let unused = guest.calls == 0;
        if (self.instances == Instances::Warm || unused) && guest.calls < CALLS && idle.len() < KEPT {
            idle.push(guest);
        }
    }

    fn nonsense(&self, detail: String) -> Failure {
        Failure { plugin: self.maker.plugin.to_string(), kind: FailureKind::Nonsense, detail }
    }

    fn answer(&self, answer: Result<WitVerdict, WitReply>) -> Result<Answer, Failure> {
        Ok(match answer {
            Ok(WitVerdict::Accept) => Ok(Verdict::Accept),
            Ok(WitVerdict::Discard) => Ok(Verdict::Discard),
            Ok(WitVerdict::Hold(reason)) => Ok(Verdict::Hold(reason)),
            Err(reply) => Err(self.refusal(reply)?),
        })
    }

    fn refusal(&self, reply: WitReply) -> Result<Refusal, Failure> {
        let reply = crate::capability::reply_from_guest(reply).map_err(|reason| self.nonsense(reason))?;
        Refusal::try_from(reply).map_err(|reply| self.nonsense(format!("{reply} refuses nothing")))
    }
}

impl Plugin for WasmPlugin {
    fn name(&self) -> &str {
        &self.maker.plugin
    }

    fn events(&self) -> Events {
        self.component.events()
    }

    fn placement(&self) -> Placement {
        match self.instances {
            Instances::Warm => Placement::Inline,
            Instances::Fresh => Placement::Worker,
        }
    }

    fn message_received(&self, received: &Arc<Received>, edits: Edits) -> Result<(Edits, Answer), Failure> {
        let mut guest = self.take()?;
        let received = Arc::clone(received);
        let (edits, answer) = guest.event(&self.component, |functions, store| {
            let handle = store.data_mut().table.push(MessageHandle { received, edits })?;
            let borrowed = wasmtime::component::Resource::new_borrow(handle.rep());
            let event = functions.message_received.expect("only events that the component exports are asked");
            let answer = event.tollgate_policy_message_received().call_message_received(&mut *store, borrowed)?;
            Ok((store.data_mut().table.delete(handle)?.edits, answer))
        })?;
        self.give_back(guest);
        Ok((edits, self.answer(answer)?))
    }

    fn queue_config(&self, name: &QueueName, so_far: &Settings) -> Result<Option<Settings>, Failure> {
        let mut guest = self.take()?;
        let answer = guest.event(&self.component, |functions, store| {
            let so_far = store.data_mut().table.push(SettingsHandle(so_far.clone()))?;
            let borrowed = wasmtime::component::Resource::new_borrow(so_far.rep());
            let event = functions.queue_config.expect("only events that the component exports are asked");
            let interface = event.tollgate_policy_queue_config();
            let answer = interface.call_get_queue_config(&mut *store, &queue_name(name), borrowed)?;
            let table = &mut store.data_mut().table;
            table.delete(so_far)?;
            answer
                .map(|settings| settings.map(|handle| table.delete(handle).map(|handle| handle.0)).transpose())
                .map_or_else(
                    |error| Ok(Err(format!("{error:?}"))),
                    |settings| settings.map(Ok).map_err(wasmtime::Error::from),
                )
        })?;
        self.give_back(guest);
        answer.map_err(|reason| self.nonsense(format!("no settings for {name}: {reason}")))
    }

    fn throttles(&self, tenant: Option<&str>, campaign: Option<&str>) -> Result<Vec<Throttle>, Failure> {
        let mut guest = self.take()?;
        let throttles = guest.event(&self.component, |functions, store| {
            let event = functions.throttles.expect("only events that the component exports are asked");
            event.tollgate_policy_throttles().call_throttles(store, tenant, campaign)
        })?;
        self.give_back(guest);
        throttles.into_iter().map(throttle).collect::<Result<_, _>>().map_err(|reason| self.nonsense(reason))
    }
}

fn queue_name(name: &QueueName) -> WitQueueName {
    WitQueueName {
        campaign: name.campaign.clone(),
        tenant: name.tenant.clone(),
        domain: name.domain.clone(),
        routing_domain: name.routing_domain.clone(),
    }
}

fn throttle(throttle: WitThrottle) -> Result<Throttle, String> {
    let scope = match throttle.scope {
        WitScope::Tenant => Scope::Tenant,
        WitScope::TenantCampaign => Scope::TenantCampaign,
    };
    Ok(Throttle { scope, key: throttle.key, rate: crate::capability::rate_from_guest(throttle.rate)? })
}

fn finding(diagnostic: wit::Diagnostic) -> Finding {
    let severity = match diagnostic.severity {
        wit::Severity::Error => Severity::Error,
        wit::Severity::Warning => Severity::Warning,
        wit::Severity::Note => Severity::Note,
    };
    let at = diagnostic.line.map(|line| Position { line, column: diagnostic.column.unwrap_or(1) });
    Finding { severity, file: diagnostic.file, at, message: diagnostic.message }
}

fn configuration(diagnostics: Vec<wit::Diagnostic>, references: Vec<wit::Reference>) -> Configuration {
    let reference = |reference: wit::Reference| Reference {
        kind: match reference.kind {
            wit::ReferenceKind::EgressPool => ReferenceKind::EgressPool,
        },
        name: reference.name,
        file: reference.file,
        at: Position { line: reference.line, column: reference.column },
    };
    Configuration {
        findings: diagnostics.into_iter().map(finding).collect(),
        references: references.into_iter().map(reference).collect(),
    }
}
