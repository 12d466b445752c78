//! A component with a name, its configuration and its limits: what answers events.

mod brief;
mod egress;
mod events;
pub(crate) mod idle;
mod message;
mod queue;
mod session;
pub(crate) mod snapshots;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
};

use serde::{Deserialize, Serialize};
use tollgate_capability::http::Allowed;
use tollgate_config::{Finding, Position, Severity};
use tollgate_policy::{Failure, FailureKind, Room, Vitals, scope::Scope};

use crate::{
    bindings::{
        configure::exports::tollgate::policy::configure as wit, host::tollgate::policy::types::PolicyError,
        message_brief::exports::tollgate::policy::message_brief::Question,
    },
    component::Component,
    given::Services,
    instance::{Guest, Maker},
    limits::Limits,
};

use snapshots::SnapshotState;

/// How many warm instances are kept when no one uses them; more than most machines have threads that would.
const KEPT: usize = 64;

/// Whether instances are used again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Instances {
    /// One event, one instance.
    #[default]
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
    /// Names of which the host has to know.
    pub references: Vec<Reference>,
}

/// A name in a plugin's configuration of which the host has to know.
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
    /// A tenant for which the plugin demands that the sender has an identity.
    GuardedTenant,
    /// A template for the paths of mailboxes.
    MaildirPath,
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

/// What a plugin is started with, besides its component.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// The name that the operator gave it.
    pub name: String,
    /// Its configuration.
    pub files: Vec<ConfigFile>,
    /// What it may use.
    pub limits: Limits,
    /// Whether its instances are used again.
    pub instances: Instances,
    /// What it may touch.
    pub scope: Scope,
    /// What it finds where it was granted something.
    pub services: Services,
    /// The hosts that it may reach, where it was granted that.
    pub hosts: Arc<Allowed>,
    /// Folder for core dumps of instances that trapped; none are written without one.
    pub core_dumps: Option<PathBuf>,
}

/// A plugin that runs as a component.
pub struct WasmPlugin(Arc<Inner>);

/// What a plugin and whoever takes its snapshot share.
pub(crate) struct Inner {
    component: Arc<Component>,
    maker: Arc<Maker>,
    files: Vec<wit::File>,
    instances: Instances,
    /// What it asks of every message, where it is told of messages in brief.
    questions: Option<Vec<Question>>,
    /// Where its events run that may wait; none where they do not.
    room: Option<Arc<Room>>,
    /// Instances that nobody uses; the one that was used last is taken first.
    idle: Mutex<Vec<Guest>>,
    snapshot: SnapshotState,
}

impl WasmPlugin {
    /// Makes a plugin of a component and configures a first instance of it.
    ///
    /// # Errors
    /// [`StartError`]: the configuration's fault, or the plugin's.
    pub fn start(component: Arc<Component>, setup: Setup) -> Result<(Self, Configuration), StartError> {
        let Setup { name, files, limits, instances, scope, services, hosts, core_dumps } = setup;
        let files: Vec<_> =
            files.into_iter().map(|file| wit::File { name: file.name, content: file.content }).collect();
        let given = component.runtime.keeper().give(&name, component.grants(), &limits, &services, hosts);
        let place = &component.image.place;
        let all = &place.rooms[usize::from(scope.bounds().is_some())];
        let room = component.grants().wait().then(|| Arc::new(Room::new(limits.at_once, all)));
        let maker = Maker::new(&name, limits, scope, given, core_dumps);
        let mut guest = Guest::instantiate(&component.image, &maker)?;
        let loaded = guest
            .configure(&files)?
            .map_err(|refused| StartError::Configuration(configuration(refused.diagnostics, refused.references)))?;
        let questions = brief::questions(&mut guest)?;
        maker.given.metrics.close();
        let snapshot = SnapshotState::new(&component, &files, instances);
        let inner =
            Inner { component, maker, files, instances, questions, room, idle: Mutex::new(Vec::new()), snapshot };
        inner.give_back(guest);
        let inner = Arc::new(inner);
        inner.component.image.place.idle.watch(&inner);
        Ok((Self(inner), configuration(loaded.diagnostics, loaded.references)))
    }

    /// Takes the plugin's snapshot now, where it has a use for one; otherwise that happens behind its first events.
    ///
    /// # Errors
    /// Why there is none, in words. The plugin works all the same.
    pub fn take_snapshot(&self) -> Result<(), String> {
        self.0.take_snapshot()
    }

    /// Returns its component.
    #[must_use]
    pub fn component(&self) -> &Arc<Component> {
        &self.0.component
    }
}

impl Inner {
    fn take(self: &Arc<Self>) -> Result<Guest, Failure> {
        match self.instances {
            Instances::Fresh => self.make(),
            Instances::Warm => {
                let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
                idle.map_or_else(|| self.make(), Ok)
            }
        }
    }

    fn make(self: &Arc<Self>) -> Result<Guest, Failure> {
        if let Some(snapshot) = self.snapshot() {
            return Guest::instantiate(&snapshot, &self.maker);
        }
        let mut guest = Guest::instantiate(&self.component.image, &self.maker)?;
        match guest.configure(&self.files)? {
            Ok(_) => Ok(guest),
            Err(refused) => {
                let first = refused.diagnostics.first().map_or("", |finding| &finding.message);
                Err(self.nonsense(format!("refuses a configuration that it took before: {first}")))
            }
        }
    }

    /// Drops an instance that nobody uses, if there is one.
    pub(crate) fn drop_idle(&self) -> bool {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.is_some()
    }

    fn give_back(&self, mut guest: Guest) {
        if self.instances == Instances::Warm && !guest.is_worn() {
            guest.will_be_used_again();
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < KEPT {
                idle.push(guest);
            }
        }
    }

    fn vitals(&self) -> Vitals {
        let counts = &self.maker.counts;
        Vitals {
            instances: counts.instances.load(Ordering::Relaxed),
            memory: counts.memory.load(Ordering::Relaxed) as u64,
            host_calls: counts.host_calls.load(Ordering::Relaxed),
            has_snapshot: self.has_snapshot(),
        }
    }

    /// Returns what is made of an error that the guest returned: it says itself that it has no answer, and nothing is wrong with it.
    fn no_answer(&self, about: &str, error: &PolicyError) -> Failure {
        let detail = format!("it has no answer {about}: {error:?}");
        Failure { plugin: self.maker.plugin.to_string(), kind: FailureKind::Unavailable, detail }
    }

    fn nonsense(&self, detail: String) -> Failure {
        self.maker.nonsense(detail)
    }
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
            wit::ReferenceKind::GuardedTenant => ReferenceKind::GuardedTenant,
            wit::ReferenceKind::MaildirPath => ReferenceKind::MaildirPath,
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
