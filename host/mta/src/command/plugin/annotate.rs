//! `tollgate plugin annotate`: what a component says of itself.

use std::{
    fs,
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use tollgate_project::metadata::{self, Metadata};

use super::change::unasked;

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// The component; it is written anew.
    #[arg(value_name = "COMPONENT")]
    file: PathBuf,
    /// Its name.
    #[arg(long)]
    name: Option<String>,
    /// Its version; not named `version`, which asks for ours.
    #[arg(long = "set-version", value_name = "VERSION")]
    set_version: Option<String>,
    /// A line about it.
    #[arg(long)]
    description: Option<String>,
    /// Its licence, as an SPDX expression.
    #[arg(long)]
    license: Option<String>,
    /// A limit that it would like, such as cpu=5ms; may be repeated.
    #[arg(long = "limit", value_name = "NAME=VALUE", value_parser = pair)]
    limits: Vec<(String, String)>,
    /// What it would like to be granted, and why, such as kv='remembers who wrote first'; may be repeated.
    #[arg(long = "grant", value_name = "NAME=REASON", value_parser = pair)]
    grants: Vec<(String, String)>,
    /// Where the component is written, if not in its own place.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected a name, = and a text")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Writes it; returns 1 where the file is no component, 2 where it cannot be read or written.
pub(super) fn run(args: &Args) -> ExitCode {
    let octets = match fs::read(&args.file) {
        Ok(octets) => octets,
        Err(reason) => return unasked(&format!("{}: {reason}", args.file.display())),
    };
    let said = Metadata {
        name: args.name.clone().unwrap_or_default(),
        version: args.set_version.clone(),
        description: args.description.clone(),
        license: args.license.clone(),
        limits: args.limits.iter().cloned().collect(),
        grants: args.grants.iter().cloned().collect(),
        ..Metadata::default()
    };
    // What is not said now stays as it was said before.
    let said = said.over(metadata::read(&octets).unwrap_or_default());
    let written = match metadata::write(&octets, &said) {
        Ok(written) => written,
        Err(reason) => {
            drop(writeln!(io::stderr(), "tollgate: {}: {reason}", args.file.display()));
            return ExitCode::FAILURE;
        }
    };
    let path = args.output.as_ref().unwrap_or(&args.file);
    match fs::write(path, written) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => unasked(&format!("{}: {reason}", path.display())),
    }
}
