//! `tollgate plugin replay`: recorded events through two versions of a component.

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use serde_json::{Value, json};
use tollgate_desk::{Event, ask, matching};
use tollgate_policy::Plugin;

use super::{
    super::terminal::{Colour, Ink, Tone, plain},
    change::unasked,
    component::Given,
    events,
};

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Recorded events: a file as `serve` records them (`.jsonl`), one event, or a folder of either.
    #[arg(long, value_name = "PATH")]
    events: PathBuf,
    #[command(flatten)]
    given: Given,
    /// The version that it is compared with.
    #[arg(long, value_name = "COMPONENT")]
    against: PathBuf,
    /// A file of the other's configuration, where that is not the same; may be repeated.
    #[arg(long, value_name = "FILE")]
    against_config: Vec<PathBuf>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    /// Whether to colour what is printed.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t)]
    color: Colour,
}

/// An event that the two versions answer differently.
struct Differing {
    place: String,
    event: &'static str,
    /// Each place of the answers, with what this one and the other say there.
    differences: Vec<(String, Value, Value)>,
}

/// Replays; returns 1 where the versions differ.
pub(super) fn run(args: &Args) -> ExitCode {
    let events = match events::all(&args.events) {
        Ok(events) => events,
        Err(reason) => return unasked(&reason),
    };
    let component = match args.given.component() {
        Ok(component) => component,
        Err(code) => return code,
    };
    let other = component.other(&args.against, &args.against_config);
    let (this, other) = match (component.load(args.color), other.load(args.color)) {
        (Ok(this), Ok(other)) => (this, other),
        (Err(code), _) | (_, Err(code)) => return code,
    };
    let handled: Vec<_> = events
        .iter()
        .filter(|(_, event)| [&this, &other].iter().any(|desk| desk.plugin.events().contains(event.kind())))
        .collect();
    if handled.is_empty() {
        return unasked(&format!(
            "{}: neither component handles any of its {} events",
            args.events.display(),
            events.len()
        ));
    }
    let differing: Vec<Differing> =
        handled.iter().filter_map(|(place, event)| compare(place, event, &*this.plugin, &*other.plugin)).collect();
    let text = if args.json {
        format!("{:#}\n", as_json(handled.len(), &differing))
    } else {
        page(handled.len(), &differing, args.color.ink(&io::stdout()))
    };
    drop(io::stdout().write_all(text.as_bytes()));
    if differing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn compare(place: &str, event: &Event, this: &dyn Plugin, other: &dyn Plugin) -> Option<Differing> {
    let (mine, theirs) = (answer(this, event), answer(other, event));
    let differences = matching::apart(&mine, &theirs);
    (!differences.is_empty()).then(|| Differing { place: place.to_owned(), event: event.kind().name(), differences })
}

fn answer(plugin: &dyn Plugin, event: &Event) -> Value {
    if !plugin.events().contains(event.kind()) {
        return json!({ "handled": false });
    }
    let outcome = ask(plugin, event);
    outcome.answer.unwrap_or_else(|failure| json!({ "failure": failure.kind.word(), "detail": failure.detail }))
}

fn as_json(events: usize, differing: &[Differing]) -> Value {
    let difference = |(at, this, other): &(String, Value, Value)| json!({ "at": at, "this": this, "other": other });
    let entry = |Differing { place, event, differences }: &Differing| json!({ "place": place, "event": event, "differences": differences.iter().map(difference).collect::<Vec<_>>() });
    let entries: Vec<Value> = differing.iter().map(entry).collect();
    json!({ "ok": differing.is_empty(), "events": events, "differ": differing.len(), "differing": entries })
}

fn page(events: usize, differing: &[Differing], ink: Ink) -> String {
    let mut text = String::new();
    for Differing { place, event, differences } in differing {
        text.push_str(&format!("{} {event}\n", ink.paint(Tone::Place, &plain(place))));
        for (at, this, other) in differences {
            let line = |sign: char, tone, value: &Value| ink.paint(tone, &plain(&format!("{sign} {at}: {value}")));
            text.push_str(&format!("  {}\n  {}\n", line('-', Tone::Bad, other), line('+', Tone::Good, this)));
        }
    }
    let (same, count) = (events - differing.len(), differing.len());
    let plural = if events == 1 { "" } else { "s" };
    text.push_str(&format!("{events} event{plural}: {same} alike, {count} different (- the other, + this one)\n"));
    text
}
