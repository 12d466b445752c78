//! `tollgate plugin swap` and `rollback`: 0 when the change is in force, 1 when the server refused it, 2 when it could not be
//! asked.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
};

use serde_json::Value;

use super::super::{
    BAD,
    server::{Said, Server, segment},
    terminal::plain,
};

pub(super) fn swap(name: &str, file: &Path, server: &Server) -> ExitCode {
    match fs::read(file) {
        Ok(octets) => tell(name, server.post(&format!("/api/v1/plugins/{}/swap", segment(name)), &octets)),
        Err(reason) => unasked(&format!("{}: {reason}", file.display())),
    }
}

pub(super) fn rollback(name: &str, server: &Server) -> ExitCode {
    tell(name, server.post(&format!("/api/v1/plugins/{}/rollback", segment(name)), &[]))
}

fn tell(name: &str, answer: Result<Said, String>) -> ExitCode {
    let said = match answer {
        Ok(said) => said,
        Err(reason) => return unasked(&reason),
    };
    if said.status != 200 {
        let mut out = io::stderr();
        let errors = said.content["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        if errors.is_empty() {
            drop(writeln!(out, "tollgate: {}", plain(&said.reason())));
        }
        errors.iter().for_each(|error| drop(writeln!(out, "{}", line(error))));
        drop(writeln!(out, "tollgate: plugin '{name}' stays as it was"));
        return ExitCode::FAILURE;
    }
    let plugin = &said.content["plugin"];
    let (version, digest) = (&plugin["version"], plugin["digest"].as_str().unwrap_or_default());
    drop(writeln!(io::stdout(), "plugin '{name}' is at version {version}, {}", plain(digest)));
    ExitCode::SUCCESS
}

/// Returns a finding as `check` prints its first line.
fn line(error: &Value) -> String {
    let place = match (error["file"].as_str(), error["line"].as_u64(), error["column"].as_u64()) {
        (Some(file), Some(line), Some(column)) => format!("{file}:{line}:{column} "),
        (Some(file), ..) => format!("{file} "),
        _ => String::new(),
    };
    plain(&format!("{place}error: {}", error["message"].as_str().unwrap_or_default()))
}

pub(super) fn unasked(reason: &str) -> ExitCode {
    drop(writeln!(io::stderr(), "tollgate: {}", plain(reason)));
    ExitCode::from(BAD)
}
