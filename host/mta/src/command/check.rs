//! `tollgate check`: everything that can be said about a configuration before it is used.
//!
//! Reads `tollgate.toml`, loads and configures every plugin as `serve` would, and prints what was found: all errors at
//! once, each at its place. Binds no socket, opens no spool and writes nothing but the cache of compiled code. Where a
//! server runs at the configured address, it is asked whether it refused what it read last.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde_json::json;
use tollgate_config::{Finding, Severity};

use super::{
    BAD, explain, finding, running,
    terminal::{Colour, Ink, Tone},
};
use crate::{
    config::{self, Config, Refused},
    policy::{Loader, examined},
};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The configuration file.
    #[arg(long, short, value_name = "FILE")]
    config: PathBuf,
    /// Prints the findings as one JSON object.
    #[arg(long)]
    json: bool,
    /// Whether to colour what is printed.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t)]
    color: Colour,
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
        Err(refused) if !args.json => {
            drop(writeln!(io::stderr(), "tollgate: {refused}"));
            return ExitCode::from(BAD);
        }
        Err(refused) => Report { findings: vec![unreadable(&refused)], content: None },
    };
    let mut out = io::stdout();
    if args.json {
        drop(writeln!(out, "{}", report.json()));
    } else {
        let ink = args.color.ink(&out);
        finding::print(&report.findings, &args.config, ink, &mut out);
        drop(writeln!(out, "{}", report.summary(&args.config, ink)));
    }
    if finding::any_error(&report.findings) { ExitCode::from(BAD) } else { ExitCode::SUCCESS }
}

/// Finds what there is to say. Fails where the file itself cannot be read.
fn examine(path: &Path) -> Result<Report, Refused> {
    let cache = explain::user_cache();
    match config::read(path).map_err(|refused| examined(refused, cache.as_deref())) {
        Ok((config, mut findings)) => {
            findings.extend(plugins(&config, cache.as_deref()));
            findings.extend(running::refusal(&config));
            Ok(Report { findings, content: Some(content(&config)) })
        }
        Err(Refused::Findings(findings, _)) => Ok(Report { findings, content: None }),
        Err(unreadable) => Err(unreadable),
    }
}

fn plugins(config: &Config, cache: Option<&Path>) -> Vec<Finding> {
    match Loader::new(cache) {
        Ok(mut loader) => loader.load(config).map_or_else(|findings| findings, |loaded| loaded.said().collect()),
        Err(reason) => vec![error(None, format!("no engine for plugins: {reason}"))],
    }
}

fn content(config: &Config) -> String {
    let some = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let doors = config.listeners.len() + usize::from(config.http.is_some());
    // The built-in pool is always there.
    let pools = config.pools().len() - 1;
    [some(doors, "listener"), some(config.plugins.len(), "plugin"), some(pools, "pool")].join(", ")
}

fn unreadable(refused: &Refused) -> Finding {
    match refused {
        Refused::Unreadable { path, reason } => error(Some(path.display().to_string()), reason.clone()),
        other => error(None, other.to_string()),
    }
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

    /// Returns the last line: whether the configuration can be used, what was found, and what it has.
    fn summary(&self, path: &Path, ink: Ink) -> String {
        let (path, count) = (path.display(), finding::count(&self.findings));
        match &self.content {
            _ if finding::any_error(&self.findings) => {
                format!("{path} {}: {count}", ink.paint(Tone::Bad, "cannot be used"))
            }
            Some(content) if self.findings.is_empty() => {
                format!("{path} {}: {content}", ink.paint(Tone::Good, "is fine"))
            }
            content => {
                let content = content.as_deref().map(|content| format!(": {content}")).unwrap_or_default();
                format!("{path} {}, with {count}{content}", ink.paint(Tone::Good, "can be used"))
            }
        }
    }
}
