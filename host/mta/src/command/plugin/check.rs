//! `tollgate plugin check`: whether a host would take a component with its files.

use std::{
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
};

use serde_json::json;
use tollgate_config::Severity;
use tollgate_policy::{Event, Events};

use super::{
    super::{explain::user_cache, finding, terminal::Colour},
    change::unasked,
    component::Given,
};
use crate::policy::Loader;

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(flatten)]
    given: Given,
    /// Prints the findings as one JSON object.
    #[arg(long)]
    json: bool,
    /// Whether to colour what is printed.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t)]
    color: Colour,
}

/// Looks it over, compiles it as a server does, configures it, and says what there is to say; returns 1 where a host would not
/// take it.
pub(super) fn run(args: &Args) -> ExitCode {
    let mut loader = match Loader::new(user_cache().as_deref()) {
        Ok(loader) => loader,
        Err(reason) => return unasked(&format!("no engine: {reason}")),
    };
    let component = match args.given.component() {
        Ok(component) => component,
        Err(code) => return code,
    };
    let (plugin, findings) = loader.alone(&component.section());
    let findings = component.in_words(findings);
    let events: Vec<&str> = plugin.iter().flat_map(|plugin| events(plugin.events())).collect();
    let (is_fine, mut out) = (!finding::any_error(&findings), io::stdout());
    if args.json {
        let told = |kind| finding::json(&findings, kind);
        let (errors, warnings, notes) = (told(Severity::Error), told(Severity::Warning), told(Severity::Note));
        let report = json!({ "ok": is_fine, "events": events, "errors": errors, "warnings": warnings, "notes": notes });
        drop(writeln!(out, "{report:#}"));
    } else {
        // Names of files are as they were given, from here.
        finding::print(&findings, Path::new(""), args.color.ink(&out), &mut out);
        if is_fine {
            drop(writeln!(out, "{} is fine: it handles {}", component.file.display(), events.join(", ")));
        }
    }
    if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn events(events: Events) -> impl Iterator<Item = &'static str> {
    Event::ALL.into_iter().filter(move |event| events.contains(*event)).map(Event::name)
}
