//! `tollgate check`: everything that can be said about a configuration before it is used.
//!
//! Reads `tollgate.toml`, loads and configures every plugin as `serve` would, and prints what was found: all errors at
//! once, each at its place. Binds no socket, opens no spool and writes nothing but the cache of compiled code.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde_json::json;
use tollgate_config::{Finding, Severity};

use super::{BAD, explain, finding};
use crate::{
    config::{self, Config, Refused},
    policy::Loader,
};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The configuration file.
    #[arg(long, short, value_name = "FILE")]
    config: PathBuf,
    /// Prints the findings as one JSON object.
    #[arg(long)]
    json: bool,
}

/// What a check found.
struct Report {
    findings: Vec<Finding>,
    /// What the configuration has, in a few words, where it could be read.
    content: Option<String>,
}

/// Checks, prints, and returns 2 if there is an error.
pub(crate) fn run(args: &Args) -> ExitCode {
    let report = match examine(&args.config) {
        Ok(report) => report,
        Err(reason) if args.json => Report { findings: vec![unreadable(&args.config, &reason)], content: None },
        Err(reason) => {
            drop(writeln!(io::stderr(), "tollgate: {}: {reason}", args.config.display()));
            return ExitCode::from(BAD);
        }
    };
    let mut out = io::stdout().lock();
    if args.json {
        drop(writeln!(out, "{}", report.json()));
    } else {
        finding::print(&report.findings, &args.config, &mut out);
        drop(writeln!(out, "{}", report.summary(&args.config)));
    }
    if finding::any_error(&report.findings) { ExitCode::from(BAD) } else { ExitCode::SUCCESS }
}

/// Finds what there is to say. Fails where the file itself cannot be read.
fn examine(path: &Path) -> io::Result<Report> {
    let (config, mut findings) = match config::read(path) {
        Ok(read) => read,
        Err(Refused::Findings(findings)) => return Ok(Report { findings, content: None }),
        Err(Refused::Unreadable { source, .. }) => return Err(source),
    };
    findings.extend(plugins(&config));
    Ok(Report { findings, content: Some(content(&config)) })
}

fn plugins(config: &Config) -> Vec<Finding> {
    let pools: Vec<String> = config.pools().keys().cloned().collect();
    let mut loader = match Loader::new(explain::user_cache().as_deref()) {
        Ok(loader) => loader,
        Err(reason) => return vec![error(None, format!("no engine for plugins: {reason}"))],
    };
    loader.load(&config.plugins, &pools).map_or_else(|findings| findings, |loaded| loaded.findings)
}

fn content(config: &Config) -> String {
    let some = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let doors = config.listeners.len() + usize::from(config.http.is_some());
    // The built-in pool is always there.
    let pools = config.pools().len() - 1;
    [some(doors, "listener"), some(config.plugins.len(), "plugin"), some(pools, "pool")].join(", ")
}

fn unreadable(path: &Path, reason: &io::Error) -> Finding {
    error(Some(path.display().to_string()), format!("cannot be read: {reason}"))
}

fn error(file: Option<String>, message: String) -> Finding {
    Finding { severity: Severity::Error, file, at: None, message }
}

impl Report {
    fn json(&self) -> serde_json::Value {
        json!({
            "ok": !finding::any_error(&self.findings),
            "errors": finding::json(&self.findings, Severity::Error),
            "warnings": finding::json(&self.findings, Severity::Warning),
            "notes": finding::json(&self.findings, Severity::Note),
        })
    }

    /// Returns the last line: what was found, or that all is well.
    fn summary(&self, path: &Path) -> String {
        match &self.content {
            Some(content) if self.findings.is_empty() => format!("{} is fine: {content}", path.display()),
            _ => finding::count(&self.findings),
        }
    }
}
