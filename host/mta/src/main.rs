//! `tollgate`, the program: one command each in [`command`].

mod command;
mod config;
mod kept;
mod outcomes;
mod policy;
mod serve;
mod settings;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    command::run(&command::Cli::parse())
}
