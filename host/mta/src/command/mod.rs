//! The commands.
//!
//! Exit codes are the same everywhere: 0 done, 1 it did not hold, 2 bad usage or bad configuration.

mod cache;
mod check;
mod demo;
mod explain;
pub(crate) mod finding;
mod log;
mod page;
mod plugin;
mod reload;
mod running;
mod send;
mod serve;
mod server;
mod sink;
mod terminal;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Bad usage or bad configuration.
pub(crate) const BAD: u8 = 2;

/// A mail transfer agent core whose policy is WebAssembly.
#[derive(Parser, Debug)]
#[command(name = "tollgate", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Runs the mail transfer agent in the foreground until SIGTERM or SIGINT.
    Serve(serve::Args),
    /// Checks a configuration and everything that it names; changes nothing.
    Check(check::Args),
    /// Shows what would become of a message, and why, or which settings a queue has.
    Explain(explain::Args),
    /// Shows Tollgate at work: accepts, queues, delivers, retries and expires mail on loopback, and leaves nothing behind.
    Demo(demo::Args),
    /// Makes, builds, tests and ships plugins; lists and swaps those of a running server.
    Plugin(plugin::Args),
    /// Compiles components before a server needs them.
    Cache(cache::Args),
    /// Sends a message, or a load of them, by SMTP.
    Send(send::Args),
    /// Takes mail by SMTP as a script tells it to, and says what came.
    Sink(sink::Args),
    /// Compiles one component, from standard input to standard output, for the program that started this.
    #[command(hide = true)]
    CompileChild,
}

/// Runs a command to its end.
pub(crate) fn run(cli: &Cli) -> ExitCode {
    match &cli.command {
        Command::Serve(args) => serve::run(args),
        Command::Check(args) => check::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Demo(args) => demo::run(args),
        Command::Plugin(args) => plugin::run(args),
        Command::Cache(args) => cache::run(args),
        Command::Send(args) => send::run(args),
        Command::Sink(args) => sink::run(args),
        Command::CompileChild => tollgate_wasm::compile_child(),
    }
}

/// Waits for SIGTERM or SIGINT.
pub(crate) async fn stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).expect("signals can be waited for");
    let mut interrupt = signal(SignalKind::interrupt()).expect("signals can be waited for");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
