//! `tollgate cache`: compiled code, before it is needed.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use clap::Subcommand;

use super::{
    BAD, finding,
    terminal::{Colour, plain},
};
use crate::{
    config::{self, Config, Refused},
    policy::Loader,
};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Compiles all components that a configuration names into its server's cache; a server may run meanwhile.
    Warm {
        /// The configuration file.
        #[arg(long, short, value_name = "FILE")]
        config: PathBuf,
    },
}

/// Runs a command to its end: 0 when everything is compiled, 1 when something cannot be, 2 when the configuration is bad.
pub(crate) fn run(args: &Args) -> ExitCode {
    let Command::Warm { config: path } = &args.command;
    let (config, _) = match config::read(path) {
        Ok(read) => read,
        Err(Refused::Findings(findings, _)) => {
            finding::print(&findings, path, Colour::Auto.ink(&io::stderr()), &mut io::stderr());
            return ExitCode::from(BAD);
        }
        Err(unreadable) => {
            drop(writeln!(io::stderr(), "tollgate: {unreadable}"));
            return ExitCode::from(BAD);
        }
    };
    match warm(&config, path) {
        Ok(done) => {
            drop(writeln!(io::stdout(), "{done}"));
            ExitCode::SUCCESS
        }
        Err(reason) => {
            drop(writeln!(io::stderr(), "tollgate: {}", plain(&reason)));
            ExitCode::FAILURE
        }
    }
}

/// Loads what a server would, and has what it would only take behind the first events taken now.
fn warm(config: &Config, path: &Path) -> Result<String, String> {
    let (started, cache) = (Instant::now(), config.spool.path.join("compiled"));
    let mut loader = Loader::new(Some(&cache)).map_err(|reason| format!("no engine: {reason}"))?;
    let loaded = loader.load(config).map_err(|errors| {
        finding::print(&errors, path, Colour::Auto.ink(&io::stderr()), &mut io::stderr());
        "not everything could be compiled".to_owned()
    })?;
    let errors: Vec<_> = loaded.said().filter(|said| finding::any_error(std::slice::from_ref(said))).collect();
    finding::print(&errors, path, Colour::Auto.ink(&io::stderr()), &mut io::stderr());
    let (snapshots, without) = loaded.take_snapshots();
    let seconds = started.elapsed().as_secs_f64();
    let count = snapshots + without;
    let text =
        format!("{count} components are in {} after {seconds:.1} s, {snapshots} with snapshots", cache.display());
    if errors.is_empty() { Ok(text) } else { Err(format!("not everything could be compiled; {text}")) }
}
