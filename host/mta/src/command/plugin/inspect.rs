//! `tollgate plugin inspect`: what a component is, before anything of it is compiled or run.

use std::{
    fs,
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use serde_json::{Value, json};
use tollgate_project::metadata::{self, Metadata};
use tollgate_wasm::{Inspection, Limits, Offer, inspect};

use super::{
    super::{
        page::{Cell, Page, toned},
        terminal::{Colour, Ink, Tone},
    },
    change::unasked,
};

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// The component.
    #[arg(value_name = "COMPONENT")]
    file: PathBuf,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    /// Whether to colour what is printed.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t)]
    color: Colour,
}

/// Tells what it is; returns 1 where no host like this one would run it, 2 where it cannot be read.
pub(super) fn run(args: &Args) -> ExitCode {
    let octets = match fs::read(&args.file) {
        Ok(octets) => octets,
        Err(reason) => return unasked(&format!("{}: {reason}", args.file.display())),
    };
    let mut out = io::stdout();
    match inspect(&octets, &Limits::default()) {
        Ok(found) => {
            let (ink, said) = (args.color.ink(&out), metadata::read(&octets));
            let text = if args.json {
                format!("{:#}\n", as_json(&found, said.as_ref()))
            } else {
                page(&args.file.display().to_string(), &found, said.as_ref(), ink)
            };
            drop(out.write_all(text.as_bytes()));
            if found.misfit.is_some() || found.events.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
        }
        Err(refused) if args.json => {
            drop(writeln!(out, "{:#}", json!({ "ok": false, "error": refused.to_string() })));
            ExitCode::FAILURE
        }
        Err(refused) => {
            drop(writeln!(io::stderr(), "tollgate: {}: {refused}", args.file.display()));
            ExitCode::FAILURE
        }
    }
}

fn as_json(found: &Inspection, said: Option<&Metadata>) -> Value {
    let census = &found.census;
    let import = |(name, offer): &(String, Offer)| {
        let (grant, offered) = match offer {
            Offer::Everybody => (None, true),
            Offer::Granted(capability) => (Some(capability.name()), true),
            Offer::Nobody => (None, false),
        };
        json!({ "name": name, "offered": offered, "grant": grant })
    };
    json!({
        "ok": found.misfit.is_none() && !found.events.is_empty(),
        "digest": format!("blake3:{}", found.digest),
        "size": census.size,
        "events": found.events,
        "imports": found.imports.iter().map(import).collect::<Vec<_>>(),
        "error": found.misfit.as_ref().map(ToString::to_string),
        "built_with": census.makers,
        "modules": census.modules,
        "functions": census.functions,
        "largest_function": census.largest_function,
        "core_instances": census.core_instances,
        "metadata": said,
    })
}

fn page(file: &str, found: &Inspection, said: Option<&Metadata>, ink: Ink) -> String {
    let (census, mut page) = (&found.census, Page::new(ink));
    page.section("Component", file);
    page.rows(&[
        ["digest".into(), format!("blake3:{}", found.digest).into()],
        ["size".into(), format!("{} octets", census.size).into()],
        ["built with".into(), census.makers.join(", ").into()],
        ["modules".into(), format!("{}, {} functions", census.modules, census.functions).into()],
        ["largest function".into(), format!("{} octets", census.largest_function).into()],
        ["core instances".into(), Cell::from(census.core_instances.to_string())],
    ]);
    let nothing = toned(Tone::Bad, "none: a host would never call it");
    page.section("Events", if found.events.is_empty() { nothing } else { found.events.join(", ").into() });
    page.section("Imports", if found.imports.is_empty() { "nothing" } else { "" });
    page.rows(&found.imports.iter().map(|(name, offer)| [name.as_str().into(), offered(*offer)]).collect::<Vec<_>>());
    says(&mut page, said);
    if let Some(misfit) = &found.misfit {
        page.section("Misfit", "");
        misfit.to_string().lines().for_each(|line| page.line(toned(Tone::Bad, line)));
    }
    page.finish()
}

/// Shows what the component says of itself, which is its author's word.
fn says(page: &mut Page, said: Option<&Metadata>) {
    let Some(said) = said else { return page.section("Says", "nothing of itself") };
    let Metadata { name, version, api, sdk, description, license, limits, grants } = said;
    page.section("Says", format!("{name} {}", version.as_deref().unwrap_or_default()));
    let lines = [("description", description), ("licence", license), ("made for", api), ("made with", sdk)];
    let lines = lines.into_iter().filter_map(|(key, value)| Some([Cell::from(key), value.as_deref()?.into()]));
    page.rows(&lines.collect::<Vec<_>>());
    for (title, wishes) in [("limits", limits), ("grants", grants)] {
        let rows = wishes.iter().map(|(name, value)| {
            [Cell::from(format!("would like {title}")), name.as_str().into(), value.as_str().into()]
        });
        page.rows(&rows.collect::<Vec<_>>());
    }
}

fn offered(offer: Offer) -> Cell {
    match offer {
        Offer::Everybody => "offered".into(),
        Offer::Granted(capability) => toned(Tone::Caution, format!("to be granted: \"{}\"", capability.name())),
        Offer::Nobody => toned(Tone::Bad, "not offered"),
    }
}
