//! What any plugin has to survive, whatever it is for.
//!
//! Every clause puts events to the component in the engine that servers have, or files to its configuration, and is broken by
//! a failure (a trap, a limit, nonsense), never by a refusal: what a policy decides is its author's affair. [`given`] has the
//! events.

mod configuration;
mod given;
mod instances;

use std::{sync::Arc, time::Instant};

use tollgate_policy::{Event as Kind, Plugin};
use tollgate_wasm::{Component, Instances, Setup, StartError, WasmPlugin};

use crate::{
    ask::ask,
    event::Event,
    report::{Entry, Suite, Verdict},
};

/// A component, and what it is set up with.
#[derive(Clone)]
pub struct Subject {
    /// The component.
    pub component: Arc<Component>,
    /// Its files, limits and the rest; how its instances live is each clause's own.
    pub setup: Setup,
}

/// An event with a name for people.
pub(crate) type Named = (String, Event);

/// A clause: its name, what it demands, and the check.
type Clause = (&'static str, &'static str, fn(&Subject) -> Verdict);

const CLAUSES: [Clause; 11] = [
    ("configures", "It takes the files that it is given.", configuration::configures),
    (
        "odd-files",
        "It takes or refuses files that nobody would write, and says why; it does not fail.",
        configuration::odd_files,
    ),
    ("absent-headers", "It judges messages whose fields are absent, empty, or there many times.", |subject| {
        survives(subject, given::absent_headers())
    }),
    (
        "bodies",
        "It judges messages with no body, a huge one, and one of which only the first part is here.",
        |subject| survives(subject, given::bodies()),
    ),
    ("encodings", "It judges messages in odd encodings, or in none that there is.", |subject| {
        survives(subject, given::encodings())
    }),
    ("envelopes", "It judges messages of any sender to any recipients, by either door, from anybody.", |subject| {
        survives(subject, given::envelopes())
    }),
    ("queues", "It answers about any queue, and about rates of any tenant and campaign.", |subject| {
        survives(subject, given::queues())
    }),
    ("other-events", "It answers sessions, egress, mail that was put off, and records, in every variant.", |subject| {
        survives(subject, given::others())
    }),
    (
        "same-answers",
        "It answers alike in a fresh instance and in one that has answered before.",
        instances::same_answers,
    ),
    ("ten-thousand", "It answers 10,000 events in one instance after the other.", instances::ten_thousand),
    (
        "steady-memory",
        "Its memory does not grow so with every event that instances soon have to be replaced.",
        instances::steady_memory,
    ),
];

/// Most problems of a clause that are told.
const TOLD: usize = 10;

/// Holds a component to the contract. `told` hears of each clause when it has been run.
pub fn run(subject: &Subject, mut told: impl FnMut(&Entry)) -> Suite {
    let mut entries: Vec<Entry> = Vec::with_capacity(CLAUSES.len());
    for (name, demand, check) in CLAUSES {
        let started = Instant::now();
        // Without its files there is no plugin that could be asked.
        let is_configured = entries.first().is_none_or(|first| first.verdict == Verdict::Holds);
        let verdict = match is_configured || name == "odd-files" {
            true => check(subject),
            false => Verdict::Skipped("it does not take the files that it is given".to_owned()),
        };
        let entry = Entry { name: name.to_owned(), demand: demand.to_owned(), verdict, took: started.elapsed() };
        told(&entry);
        entries.push(entry);
    }
    Suite { name: "contract", entries }
}

impl Subject {
    /// Starts the plugin with instances of this kind.
    fn start(&self, instances: Instances) -> Result<WasmPlugin, String> {
        let setup = Setup { instances, ..self.setup.clone() };
        let started = WasmPlugin::start(Arc::clone(&self.component), setup);
        started.map(|(plugin, _)| plugin).map_err(|error| start_error(&error))
    }
}

fn start_error(error: &StartError) -> String {
    match error {
        StartError::Configuration(refused) => match refused.findings.first() {
            Some(first) => format!("the configuration is refused: {first}"),
            None => "the configuration is refused without a word".to_owned(),
        },
        StartError::Failed(failure) => failure.to_string(),
    }
}

/// Puts events to the plugin, those that it handles.
fn survives(subject: &Subject, events: Vec<Named>) -> Verdict {
    let plugin = match subject.start(Instances::Fresh) {
        Ok(plugin) => plugin,
        Err(reason) => return Verdict::Broken(vec![reason]),
    };
    let events: Vec<Named> = events.into_iter().filter(|(_, event)| handles(&plugin, event)).collect();
    if events.is_empty() {
        return Verdict::Skipped("it handles no such event".to_owned());
    }
    let failed = events.iter().filter_map(|(name, event)| {
        let failure = ask(&plugin, event).answer.err()?;
        Some(format!("{}, {name}: {}: {}", event.kind().name(), failure.kind.word(), failure.detail))
    });
    verdict(failed.collect())
}

fn handles(plugin: &dyn Plugin, event: &Event) -> bool {
    plugin.events().contains(event.kind())
}

/// Returns the verdict that follows from problems, cut to what people read.
fn verdict(mut problems: Vec<String>) -> Verdict {
    if problems.is_empty() {
        return Verdict::Holds;
    }
    let more = problems.len().saturating_sub(TOLD);
    problems.truncate(TOLD);
    if more > 0 {
        problems.push(format!("and {more} more"));
    }
    Verdict::Broken(problems)
}

/// Returns whether any of the plugin's events is one of these.
fn handles_any(plugin: &dyn Plugin, kinds: &[Kind]) -> bool {
    kinds.iter().any(|kind| plugin.events().contains(*kind))
}
