//! `tollgate plugin run`: one message, put to a component in the engine that servers have.
//!
//! The event is JSON, with the fields of a request of `explain --batch`: `sender`, `recipients`, `headers`, `meta`, `authz_id`,
//! `may_relay`, `origin`, `now`.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use serde_json::{Map, Value, json};
use tollgate_message::{Draft, Edits, Timestamp};
use tollgate_policy::{Answer, Event, Failure, Plugin, Verdict, Vitals};

use super::{
    super::{
        explain::{message_of, user_cache},
        finding,
        page::{Cell, Page, toned},
        terminal::{Colour, Ink, Tone},
    },
    change::unasked,
    component::Component,
};
use crate::policy::Loader;

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(flatten)]
    component: Component,
    /// The message, as JSON; `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    event: PathBuf,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    /// Whether to colour what is printed.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t)]
    color: Colour,
}

/// What became of the message.
struct Outcome {
    answer: Result<(Edits, Answer), Failure>,
    took: Duration,
    vitals: Vitals,
}

/// Runs the event; returns 1 where the component fails or is not taken, 2 where it cannot even be asked.
pub(super) fn run(args: &Args) -> ExitCode {
    let draft = match event(&args.event) {
        Ok(draft) => draft,
        Err(reason) => return unasked(&format!("{}: {reason}", args.event.display())),
    };
    let mut loader = match Loader::new(user_cache().as_deref()) {
        Ok(loader) => loader,
        Err(reason) => return unasked(&format!("no engine: {reason}")),
    };
    let (plugin, findings) = loader.alone(&args.component.section());
    let findings = args.component.in_words(findings);
    finding::print(&findings, Path::new(""), args.color.ink(&io::stderr()), &mut io::stderr());
    let Some(plugin) = plugin else { return ExitCode::FAILURE };
    if !plugin.events().contains(Event::MessageReceived) {
        return unasked("the component does not handle message-received, which is the event that is run here");
    }
    super::super::log::start();
    let outcome = ask(&*plugin, &draft);
    let mut out = io::stdout();
    let text = if args.json {
        format!("{:#}\n", as_json(&draft, &outcome))
    } else {
        page(&draft, &outcome, args.color.ink(&out))
    };
    drop(out.write_all(text.as_bytes()));
    if outcome.answer.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn event(path: &Path) -> Result<Draft, String> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        io::stdin().read_to_string(&mut text).map(drop)
    } else {
        fs::read_to_string(path).map(|read| text = read)
    };
    read.map_err(|reason| reason.to_string())?;
    let object: Map<String, Value> =
        serde_json::from_str(&text).map_err(|reason| format!("no JSON object: {reason}"))?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    message_of(&object, Timestamp::from_millis(u64::try_from(now.as_millis()).unwrap_or(u64::MAX)))
}

fn ask(plugin: &dyn Plugin, draft: &Draft) -> Outcome {
    // What the first event of an instance pays once is not what an event costs.
    drop(plugin.take_snapshot());
    let started = Instant::now();
    let answer = plugin.message_received(&Arc::clone(&draft.received), draft.edits.clone());
    Outcome { answer, took: started.elapsed(), vitals: plugin.vitals() }
}

/// A field of the header, as it was and as it is: the lines that are gone, and those that have come.
fn header_changes(before: &Edits, after: &Edits) -> (Vec<String>, Vec<String>) {
    let lines = |edits: &Edits| -> Vec<String> {
        edits.header.iter().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value).trim())).collect()
    };
    let (old, new) = (lines(before), lines(after));
    let only = |here: &[String], there: &[String]| here.iter().filter(|line| !there.contains(line)).cloned().collect();
    (only(&old, &new), only(&new, &old))
}

fn meta_changes(before: &Edits, after: &Edits) -> Vec<(String, Option<String>, Option<String>)> {
    let keys: BTreeSet<&String> = before.meta.keys().chain(after.meta.keys()).collect();
    let changed = keys.into_iter().filter(|key| before.meta.get(*key) != after.meta.get(*key));
    changed.map(|key| (key.clone(), before.meta.get(key).cloned(), after.meta.get(key).cloned())).collect()
}

fn verdict(answer: &Answer) -> String {
    match answer {
        Ok(Verdict::Accept) => "accept".to_owned(),
        Ok(Verdict::Discard) => "discard".to_owned(),
        Ok(Verdict::Hold(reason)) => format!("hold: {reason}"),
        Err(refusal) => format!("{}: {}", refusal.word(), refusal.reply()),
    }
}

fn as_json(draft: &Draft, outcome: &Outcome) -> Value {
    let Outcome { answer, took, vitals } = outcome;
    let mut told = json!({
        "microseconds": u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        "memory_bytes": vitals.memory,
        "host_calls": vitals.host_calls,
    });
    match answer {
        Ok((edits, answer)) => {
            let (removed, added) = header_changes(&draft.edits, edits);
            let meta = meta_changes(&draft.edits, edits)
                .into_iter()
                .map(|(key, before, after)| json!({ "key": key, "before": before, "after": after }));
            told["verdict"] = verdict(answer).into();
            told["header"] = json!({ "removed": removed, "added": added });
            told["meta"] = meta.collect();
            told["schedule"] = json!(edits.schedule);
        }
        Err(failure) => told["failure"] = json!({ "kind": failure.kind.word(), "detail": failure.detail }),
    }
    told
}

fn page(draft: &Draft, outcome: &Outcome, ink: Ink) -> String {
    let (Outcome { answer, took, vitals }, mut page) = (outcome, Page::new(ink));
    match answer {
        Ok((edits, answer)) => {
            page.section("Verdict", verdict(answer));
            let (removed, added) = header_changes(&draft.edits, edits);
            let unchanged = removed.is_empty() && added.is_empty();
            page.section("Header", if unchanged { "as it was" } else { "" });
            removed.iter().for_each(|line| page.line(toned(Tone::Bad, format!("- {line}"))));
            added.iter().for_each(|line| page.line(toned(Tone::Good, format!("+ {line}"))));
            let meta = meta_changes(&draft.edits, edits);
            page.section("Metadata", if meta.is_empty() { "as it was" } else { "" });
            let or_none = |text: Option<String>| text.map_or_else(|| toned(Tone::Faint, "none"), Cell::from);
            let rows =
                meta.into_iter().map(|(key, before, after)| [key.into(), or_none(before), "→".into(), or_none(after)]);
            page.rows(&rows.collect::<Vec<_>>());
            if edits.schedule != draft.edits.schedule {
                page.section("Schedule", json!(edits.schedule).to_string());
            }
        }
        Err(failure) => {
            page.section("Failure", toned(Tone::Bad, failure.kind.word()));
            failure.detail.lines().for_each(|line| page.line(line));
        }
    }
    let mebibytes = vitals.memory as f64 / f64::from(1 << 20);
    let micros = took.as_micros();
    page.section("Cost", format!("{micros} µs, {mebibytes:.1} MiB of memory, {} calls to the host", vitals.host_calls));
    page.finish()
}
