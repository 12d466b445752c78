//! `tollgate plugin push` and `pull`: components in OCI registries.

use std::{
    fs,
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use tollgate_registry::{Cache, Pinned, Reference, Registry, RegistryError};
use tollgate_wasm::{Limits, inspect};

use super::{super::explain::user_cache, change::unasked};
use crate::policy::pulled;

#[derive(clap::Args, Debug)]
pub(super) struct Push {
    /// The component.
    #[arg(value_name = "COMPONENT")]
    file: PathBuf,
    /// Where to, such as registry.example/policies/mine:1.2.
    #[arg(value_name = "REFERENCE", value_parser = reference)]
    reference: Reference,
}

#[derive(clap::Args, Debug)]
pub(super) struct Pull {
    /// What, such as registry.example/policies/mine:1.2, or the same pinned by a digest.
    #[arg(value_name = "REFERENCE", value_parser = reference)]
    reference: Reference,
    /// Writes the component into a file.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

fn reference(text: &str) -> Result<Reference, String> {
    text.strip_prefix("oci://")
        .unwrap_or(text)
        .parse()
        .map_err(|error: tollgate_registry::ReferenceError| error.to_string())
}

fn registry() -> Registry {
    Registry::new(Cache::in_folder(pulled(user_cache().as_deref())))
}

/// Pushes; returns 1 where the registry or we do not take it, 2 where the file cannot be read.
pub(super) fn push(args: &Push) -> ExitCode {
    let octets = match fs::read(&args.file) {
        Ok(octets) => octets,
        Err(reason) => return unasked(&format!("{}: {reason}", args.file.display())),
    };
    // What no host would take is of no use to anybody there.
    if let Err(refused) = inspect(&octets, &Limits::default()) {
        drop(writeln!(io::stderr(), "tollgate: {}: {refused}", args.file.display()));
        return ExitCode::FAILURE;
    }
    told(registry().push(&args.reference, &octets))
}

/// Pulls; returns 1 where there is no such component to be had.
pub(super) fn pull(args: &Pull) -> ExitCode {
    // One that is pinned comes as it was pinned, whatever its tag leads to by now.
    let pulled = match args.reference.to_string().parse::<Pinned>() {
        Ok(pinned) => registry().pinned(&pinned).map(|octets| (pinned, octets)),
        Err(_) => registry().pull(&args.reference),
    };
    let (pinned, octets) = match pulled {
        Ok(pulled) => pulled,
        Err(error) => return told(Err(error)),
    };
    if let Some(path) = &args.output
        && let Err(reason) = fs::write(path, octets)
    {
        return unasked(&format!("{}: {reason}", path.display()));
    }
    told(Ok(pinned))
}

fn told(result: Result<Pinned, RegistryError>) -> ExitCode {
    match result {
        Ok(pinned) => {
            drop(writeln!(io::stdout(), "{pinned}"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            drop(writeln!(io::stderr(), "tollgate: {error}"));
            ExitCode::FAILURE
        }
    }
}
