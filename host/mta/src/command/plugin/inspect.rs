//! `tollgate plugin inspect`: what a component is, before anything of it is compiled or run.

use std::{
    fs,
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use serde_json::{Value, json};
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
            let ink = args.color.ink(&out);
            let text = if args.json {
                format!("{:#}\n", as_json(&found))
            } else {
                page(&args.file.display().to_string(), &found, ink)
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

fn as_json(found: &Inspection) -> Value {
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
    })
}

fn page(file: &str, found: &Inspection, ink: Ink) -> String {
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
    if let Some(misfit) = &found.misfit {
        page.section("Misfit", "");
        misfit.to_string().lines().for_each(|line| page.line(toned(Tone::Bad, line)));
    }
    page.finish()
}

fn offered(offer: Offer) -> Cell {
    match offer {
        Offer::Everybody => "offered".into(),
        Offer::Granted(capability) => toned(Tone::Caution, format!("to be granted: \"{}\"", capability.name())),
        Offer::Nobody => toned(Tone::Bad, "not offered"),
    }
}
