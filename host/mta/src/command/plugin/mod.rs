//! `tollgate plugin`: the plugins of a running server.

mod change;
mod list;

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;

use super::server::Server;

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Lists the plugins that a server runs: versions, events, state, and how often which outcome was.
    List(list::Args),
    /// Gives a plugin another component at once, if the whole configuration holds with it.
    Swap {
        /// The plugin.
        name: String,
        /// The component.
        file: PathBuf,
        #[command(flatten)]
        server: Server,
    },
    /// Takes a plugin back to the component and files that it had before their last change.
    Rollback {
        /// The plugin.
        name: String,
        #[command(flatten)]
        server: Server,
    },
}

/// Runs a command to its end.
pub(crate) fn run(args: &Args) -> ExitCode {
    match &args.command {
        Command::List(args) => list::run(args),
        Command::Swap { name, file, server } => change::swap(name, file, server),
        Command::Rollback { name, server } => change::rollback(name, server),
    }
}
