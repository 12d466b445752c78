//! `tollgate plugin run`: one event, put to a component in the engine that servers have.

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use serde_json::{Map, Value, json};
use tollgate_desk::{Event, Outcome};

use super::{
    super::{
        page::{Cell, Page, toned},
        terminal::{Colour, Ink, Tone},
    },
    change::unasked,
    component::Given,
    events,
};

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(flatten)]
    given: Given,
    /// The event, as JSON, or TOML where the file's name says so; `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    event: PathBuf,
    /// Which line, of a file that has an event in each (`.jsonl`).
    #[arg(long, value_name = "N", default_value_t = 1)]
    line: usize,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    /// Whether to colour what is printed.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t)]
    color: Colour,
}

/// Runs the event; returns 1 where the component fails or is not taken, 2 where it cannot even be asked.
pub(super) fn run(args: &Args) -> ExitCode {
    let event = match events::one(&args.event, args.line) {
        Ok(event) => event,
        Err(reason) => return unasked(&reason),
    };
    let desk = match args.given.component().and_then(|component| component.load(args.color)) {
        Ok(desk) => desk,
        Err(code) => return code,
    };
    let name = event.kind().name();
    if !desk.plugin.events().contains(event.kind()) {
        return unasked(&format!("the component does not handle {name}, which the event is"));
    }
    super::super::log::start();
    // What the first event of an instance pays once is not what an event costs.
    drop(desk.plugin.take_snapshot());
    let outcome = tollgate_desk::ask(&*desk.plugin, &event);
    let mut out = io::stdout();
    let text =
        if args.json { format!("{:#}\n", as_json(&outcome)) } else { page(&event, &outcome, args.color.ink(&out)) };
    drop(out.write_all(text.as_bytes()));
    if outcome.answer.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn as_json(outcome: &Outcome) -> Value {
    let mut told = match &outcome.answer {
        Ok(answer) => answer.clone(),
        Err(failure) => json!({ "failure": { "kind": failure.kind.word(), "detail": failure.detail } }),
    };
    told["microseconds"] = u64::try_from(outcome.took.as_micros()).unwrap_or(u64::MAX).into();
    told["memory_bytes"] = outcome.memory.into();
    told["host_calls"] = outcome.host_calls.into();
    told
}

fn page(event: &Event, outcome: &Outcome, ink: Ink) -> String {
    let mut page = Page::new(ink);
    match (&outcome.answer, event) {
        (Ok(answer), Event::Message(draft)) => message(&mut page, answer, &draft.edits.meta),
        (Ok(answer), _) => other(&mut page, answer),
        (Err(failure), _) => {
            page.section("Failure", toned(Tone::Bad, failure.kind.word()));
            failure.detail.lines().for_each(|line| page.line(line));
        }
    }
    let mebibytes = outcome.memory as f64 / f64::from(1 << 20);
    let (micros, calls) = (outcome.took.as_micros(), outcome.host_calls);
    page.section("Cost", format!("{micros} µs, {mebibytes:.1} MiB of memory, {calls} calls to the host"));
    page.finish()
}

fn message(page: &mut Page, answer: &Value, before: &tollgate_message::Meta) {
    page.section("Verdict", verdict(answer));
    let (removed, added) = (lines(&answer["headers_removed"]), lines(&answer["headers_added"]));
    page.section("Header", if removed.is_empty() && added.is_empty() { "as it was" } else { "" });
    removed.iter().for_each(|line| page.line(toned(Tone::Bad, format!("- {line}"))));
    added.iter().for_each(|line| page.line(toned(Tone::Good, format!("+ {line}"))));
    let rows = meta(before, &answer["meta"]);
    page.section("Metadata", if rows.is_empty() { "as it was" } else { "" });
    page.rows(&rows);
    if let Some(schedule) = answer.get("schedule") {
        page.section("Schedule", schedule.to_string());
    }
}

fn verdict(answer: &Value) -> String {
    let word = answer["verdict"].as_str().unwrap_or_default();
    let more = answer["reply"].as_str().or(answer["hold"].as_str());
    more.map_or_else(|| word.to_owned(), |more| format!("{word}: {more}"))
}

fn lines(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Returns what of the metadata is not as it was: key, before, after.
fn meta(before: &tollgate_message::Meta, after: &Value) -> Vec<[Cell; 4]> {
    let empty = Map::new();
    let after = after.as_object().unwrap_or(&empty);
    let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
    keys.sort();
    keys.dedup();
    let or_none = |text: Option<&str>| text.map_or_else(|| toned(Tone::Faint, "none"), Cell::from);
    let row = |key: &String| {
        let (old, new) = (before.get(key).map(String::as_str), after.get(key).and_then(Value::as_str));
        (old != new).then(|| [key.as_str().into(), or_none(old), "→".into(), or_none(new)])
    };
    keys.into_iter().filter_map(row).collect()
}

/// Shows an answer that is no message's: each field, and of an object each of its fields.
fn other(page: &mut Page, answer: &Value) {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    page.section("Answer", "");
    for (name, value) in answer.as_object().into_iter().flatten() {
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                page.line(name.as_str());
                let rows = fields.iter().map(|(name, value)| [Cell::from(format!("  {name}")), text(value).into()]);
                page.rows(&rows.collect::<Vec<_>>());
            }
            Value::Array(items) if !items.is_empty() => {
                page.line(name.as_str());
                items.iter().for_each(|item| page.line(format!("  {}", text(item))));
            }
            plain => page.rows(&[[Cell::from(name.as_str()), text(plain).into()]]),
        }
    }
}
