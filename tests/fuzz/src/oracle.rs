//! What must hold whatever the files are.
//!
//! The guest neither traps nor runs into a limit. It says the same twice. It refuses with an error or loads without one.
//! What it says has words, and a place in a file that it was given. What it has loaded, it can be asked about.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bytes::Bytes;
use tollgate_config::{Finding, Severity};
use tollgate_message::{
    Draft, Envelope, MessageId, Origin, QueueName, Received, Session, Timestamp, envelope::Address,
};
use tollgate_policy::{Event, Plugin as _, Settings};
use tollgate_wasm::{Compiler, Component, Configuration, Instances, Limits, Runtime, Setup, StartError, WasmPlugin};

use crate::Input;

/// Most queues that are asked for after a load.
const QUEUES: usize = 12;

/// A component that is given files.
pub struct Target {
    component: Arc<Component>,
}

/// What a good run shows: the kinds of things that were said.
pub type Shape = BTreeSet<String>;

impl Target {
    /// Compiles a component.
    ///
    /// # Panics
    /// Where it is none: it comes with the build.
    #[must_use]
    pub fn new(component: &[u8]) -> Self {
        let runtime = Runtime::new(None, Compiler::Here).expect("an engine");
        Self { component: runtime.load(component).expect("a component") }
    }

    /// Gives the files to the plugin and asks it about them.
    ///
    /// # Errors
    /// What does not hold.
    pub fn check(&self, input: &Input) -> Result<Shape, String> {
        let (plugin, said) = self.load(input)?;
        for finding in &said.findings {
            judge(finding, input)?;
        }
        for reference in &said.references {
            place(input, &reference.file, reference.at.line, reference.at.column, &reference.name)?;
        }
        let (again, said_again) = self.load(input)?;
        if said != said_again || plugin.is_some() != again.is_some() {
            return Err("loading the same twice says two things".to_owned());
        }
        if let Some(plugin) = plugin {
            ask(&plugin, input)?;
        }
        Ok(said.findings.iter().map(|finding| shape(&finding.message)).collect())
    }

    fn load(&self, input: &Input) -> Result<(Option<WasmPlugin>, Configuration), String> {
        // As an operator has them, but for time: these files are small, and a busy machine is no fault.
        let limits = Limits {
            init: Duration::from_secs(2),
            init_memory: 64 << 20,
            wall: Duration::from_secs(30),
            ..Limits::default()
        };
        let (name, files) = ("fuzzed".to_owned(), input.0.clone());
        let setup = Setup { name, files, limits, instances: Instances::Warm, ..Setup::default() };
        match WasmPlugin::start(Arc::clone(&self.component), setup) {
            Ok((_, said)) if errors(&said) > 0 => Err("loads files that it calls wrong".to_owned()),
            Ok((plugin, said)) => Ok((Some(plugin), said)),
            Err(StartError::Configuration(said)) if errors(&said) == 0 => {
                Err("refuses files without an error".to_owned())
            }
            Err(StartError::Configuration(said)) => Ok((None, said)),
            Err(StartError::Failed(failure)) => Err(format!("fails to load: {failure}")),
        }
    }
}

fn errors(said: &Configuration) -> usize {
    said.findings.iter().filter(|finding| finding.severity == Severity::Error).count()
}

fn judge(finding: &Finding, input: &Input) -> Result<(), String> {
    if finding.message.trim().is_empty() {
        return Err(format!("says nothing: {finding:?}"));
    }
    match (&finding.file, finding.at) {
        (Some(file), Some(at)) => place(input, file, at.line, at.column, &finding.message),
        _ => Err(format!("does not say where: {finding}")),
    }
}

/// Checks that a place is in a file; what ends a file or a line is just behind it.
fn place(input: &Input, file: &str, line: u32, column: u32, what: &str) -> Result<(), String> {
    let is_inside = |content: &[u8]| {
        let text = String::from_utf8_lossy(content);
        let line = usize::try_from(line).ok().and_then(|line| text.split('\n').nth(line.checked_sub(1)?));
        line.is_some_and(|line| (1..=line.chars().count() + 1).contains(&usize::try_from(column).unwrap_or(usize::MAX)))
    };
    // Two files of one name cannot be told apart by it.
    let inside = input.0.iter().filter(|given| given.name == file).any(|given| is_inside(&given.content));
    if inside { Ok(()) } else { Err(format!("{file}:{line}:{column} is no place in its file: {what}")) }
}

/// Asks about queues, rates and messages; every answer but a failure will do. A plugin that handles
/// not all of that is asked nothing.
fn ask(plugin: &WasmPlugin, input: &Input) -> Result<(), String> {
    let all = [Event::MessageReceived, Event::QueueConfig, Event::Throttles];
    if !all.iter().all(|event| plugin.events().contains(*event)) {
        return Ok(());
    }
    let names = names(input);
    let name = |at: usize| names.get(at % names.len().max(1)).map_or("t", String::as_str);
    for at in 0..QUEUES {
        let (domain, tenant, campaign) = (name(at), name(at + 1), name(at + 2));
        let queue = QueueName::new(Some(campaign), Some(tenant), domain, None);
        plugin
            .queue_config(&queue, &Settings::default())
            .map_err(|failure| format!("no settings for {queue}: {failure}"))?;
        plugin
            .throttles(Some(tenant), Some(campaign))
            .map_err(|failure| format!("no rates for {tenant}: {failure}"))?;
        let draft = draft(domain, tenant, campaign);
        let answer = plugin.message_received(&draft.received, draft.edits.clone());
        drop(answer.map_err(|failure| format!("no answer for a message of {tenant} to {domain}: {failure}"))?);
    }
    Ok(())
}

/// Returns words of the files that are likely to be names: what is in quotes, and what is between dots in headers.
fn names(input: &Input) -> Vec<String> {
    let mut names = vec!["t".to_owned(), "c".to_owned(), "a.example".to_owned()];
    for file in &input.0 {
        let text = String::from_utf8_lossy(&file.content);
        let words = text.split(['\'', '"', '[', ']', '\n']).filter(|word| (1..200).contains(&word.len()));
        names.extend(words.filter(|word| !word.contains('=')).take(40).map(str::to_owned));
    }
    names.reverse();
    names
}

fn draft(domain: &str, tenant: &str, campaign: &str) -> Draft {
    let now = Timestamp::from_millis(1_764_000_000_000);
    let plain = |text: &str| text.replace(['\r', '\n'], " ");
    let content = format!("X-Tenant: {}\r\nX-Campaign: {}\r\nX-Schedule: {{}}\r\n\r\n", plain(tenant), plain(campaign));
    let session = Session {
        origin: Origin::Smtp,
        authz_id: Some(tenant.to_owned()),
        may_relay: true,
        peer: None,
        local: None,
        ehlo_domain: None,
        hostname: "mta.example".to_owned(),
    };
    let recipients = vec![Address::new(format!("u@{domain}"))];
    Draft::new(Received {
        id: MessageId::new(now),
        at: now,
        envelope: Envelope { sender: None, recipients, smtputf8: false, eight_bit: false },
        session: Arc::new(session),
        size: content.len() as u64,
        content: Bytes::from(content),
    })
}

/// Returns a message without what it quotes, so that the same thing said of two names is one kind.
fn shape(message: &str) -> String {
    let mut quoted = false;
    let kept = message.chars().filter(|c| {
        quoted ^= matches!(c, '`' | '\'' | '"');
        !quoted && !c.is_ascii_digit()
    });
    kept.take(80).collect()
}
