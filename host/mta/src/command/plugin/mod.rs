//! `tollgate plugin`: components on an author's desk, and the plugins of a running server.

mod annotate;
mod bench;
mod change;
mod check;
mod component;
mod events;
mod inspect;
mod list;
mod project;
mod registry;
mod replay;
mod run;
mod test;

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
    /// Writes a new project: a policy that builds, a test, a case, an event, and what to do with them.
    New(project::New),
    /// Builds a project's component with its language's own tool.
    Build(project::Build),
    /// Writes into a component what it says of itself: name, version, what it would like.
    Annotate(annotate::Args),
    /// Tells what a component is: events, imports, size, what it comes to. Nothing of it is compiled or run.
    Inspect(inspect::Args),
    /// Tells whether a host would take a component with its configuration files.
    Check(check::Args),
    /// Puts one event to a component, in the engine that servers have, and shows what it does.
    Run(run::Args),
    /// Holds a component to the contract of all plugins, to its author's cases, or to those of queue-helper.
    Test(test::Args),
    /// Measures what an event costs, in fresh instances and in warm ones.
    Bench(bench::Args),
    /// Puts recorded events to two versions of a component, and shows where they differ.
    Replay(replay::Args),
    /// Pushes a component into an OCI registry, and prints the reference that is pinned to it.
    Push(registry::Push),
    /// Pulls a component out of an OCI registry, and prints the reference that is pinned to it, as `tollgate.toml` takes it.
    Pull(registry::Pull),
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
        Command::New(args) => project::new(args),
        Command::Build(args) => project::build(args),
        Command::Annotate(args) => annotate::run(args),
        Command::Inspect(args) => inspect::run(args),
        Command::Check(args) => check::run(args),
        Command::Run(args) => run::run(args),
        Command::Test(args) => test::run(args),
        Command::Bench(args) => bench::run(args),
        Command::Replay(args) => replay::run(args),
        Command::Push(args) => registry::push(args),
        Command::Pull(args) => registry::pull(args),
        Command::List(args) => list::run(args),
        Command::Swap { name, file, server } => change::swap(name, file, server),
        Command::Rollback { name, server } => change::rollback(name, server),
    }
}
