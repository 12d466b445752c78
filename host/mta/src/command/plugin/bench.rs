//! `tollgate plugin bench`: what an event costs.

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tollgate_desk::{Event, ask, contract::Subject};
use tollgate_policy::Plugin as _;
use tollgate_wasm::{Instances, Setup, WasmPlugin};

use super::{
    super::{
        page::{Cell, Page, toned},
        terminal::{Colour, Ink, Tone},
    },
    change::unasked,
    component::{Component, Given},
    events,
};

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(flatten)]
    given: Given,
    /// The event, as `run` takes it, or a file or folder of several, which are put in turn.
    #[arg(long, value_name = "FILE")]
    event: PathBuf,
    /// How long each kind of instance is measured, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
    seconds: f64,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    /// Whether to colour what is printed.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t)]
    color: Colour,
}

/// What events came to, in instances of one kind.
struct Measured {
    instances: Instances,
    /// Until the first answer: configured, a snapshot taken where that is done.
    start: Duration,
    /// Sorted.
    took: Vec<Duration>,
    calls: u64,
    memory: u64,
}

/// Measures; returns 1 where an event fails.
pub(super) fn run(args: &Args) -> ExitCode {
    let events = match events::all(&args.event) {
        Ok(events) if !events.is_empty() => events,
        Ok(_) => return unasked(&format!("{}: there is no event in it", args.event.display())),
        Err(reason) => return unasked(&reason),
    };
    let component = match args.given.component() {
        Ok(component) => component,
        Err(code) => return code,
    };
    let waiting = match component.subject(args.color) {
        Ok(waiting) => waiting,
        Err(code) => return code,
    };
    let long = Duration::try_from_secs_f64(args.seconds).unwrap_or(Duration::from_secs(2));
    let measured = [Instances::Fresh, Instances::Warm].map(|kind| measure(&waiting.subject, kind, &events, long));
    let measured: Vec<Measured> = match measured.into_iter().collect() {
        Ok(measured) => measured,
        Err(reason) => {
            drop(writeln!(io::stderr(), "tollgate: {reason}"));
            return ExitCode::FAILURE;
        }
    };
    let text = if args.json {
        format!("{:#}\n", Value::from_iter(measured.iter().map(as_json)))
    } else {
        page(args, &component, &measured, args.color.ink(&io::stdout()))
    };
    drop(io::stdout().write_all(text.as_bytes()));
    ExitCode::SUCCESS
}

fn measure(
    subject: &Subject,
    instances: Instances,
    events: &[(String, Event)],
    long: Duration,
) -> Result<Measured, String> {
    let setup = Setup { instances, ..subject.setup.clone() };
    let began = Instant::now();
    let started = WasmPlugin::start(Arc::clone(&subject.component), setup);
    let (plugin, _) = started.map_err(|error| format!("{error}; `tollgate plugin check` says more"))?;
    if instances == Instances::Fresh {
        drop(plugin.take_snapshot());
    }
    let mut events = events.iter().filter(|(_, event)| plugin.events().contains(event.kind())).cycle().peekable();
    events.peek().ok_or("the component handles none of these events")?;
    let (mut took, mut calls, mut start) = (Vec::new(), 0, None);
    let until = Instant::now() + long;
    while took.is_empty() || Instant::now() < until {
        let (name, event) = events.next().expect("a cycle of events that are there");
        let outcome = ask(&plugin, event);
        outcome.answer.map_err(|failure| format!("{name}: {failure}"))?;
        start.get_or_insert_with(|| began.elapsed());
        took.push(outcome.took);
        calls += outcome.host_calls;
    }
    took.sort_unstable();
    let (calls, memory) = (calls / took.len() as u64, plugin.vitals().memory);
    Ok(Measured { instances, start: start.unwrap_or_default(), took, calls, memory })
}

impl Measured {
    fn word(&self) -> &'static str {
        if self.instances == Instances::Warm { "warm" } else { "fresh" }
    }

    /// Returns the time within which this share of the events, in hundredths, was answered, in microseconds.
    fn within(&self, hundredths: usize) -> f64 {
        let at = (self.took.len() * hundredths / 100).min(self.took.len() - 1);
        self.took[at].as_secs_f64() * 1e6
    }

    fn per_second(&self) -> f64 {
        self.took.len() as f64 / self.took.iter().sum::<Duration>().as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

fn as_json(measured: &Measured) -> Value {
    let tenths = |number: f64| (number * 10.0).round() / 10.0;
    json!({
        "instances": measured.word(),
        "start_ms": tenths(measured.start.as_secs_f64() * 1e3),
        "events": measured.took.len(),
        "p50_us": tenths(measured.within(50)),
        "p99_us": tenths(measured.within(99)),
        "events_per_second": measured.per_second().round(),
        "host_calls": measured.calls,
        "memory_bytes": measured.memory,
    })
}

fn page(args: &Args, component: &Component, measured: &[Measured], ink: Ink) -> String {
    let mut page = Page::new(ink);
    page.section("Cost", format!("of an event of {} to {}", args.event.display(), component.file.display()));
    let right = |text: String| Cell::from(text).right();
    let head = ["instances", "p50", "p99", "a second", "host calls", "memory", "start"];
    let mut rows = vec![head.map(|word| toned(Tone::Faint, word))];
    rows.extend(measured.iter().map(|measured| {
        [
            measured.word().into(),
            right(format!("{:.1} µs", measured.within(50))),
            right(format!("{:.1} µs", measured.within(99))),
            right(format!("{:.0}", measured.per_second())),
            right(measured.calls.to_string()),
            right(format!("{:.1} MiB", measured.memory as f64 / f64::from(1 << 20))),
            right(format!("{:.0} ms", measured.start.as_secs_f64() * 1e3)),
        ]
    }));
    page.rows(&rows);
    page.line("One thread, no mail beside it; a start is with its code compiled already.");
    page.finish()
}
