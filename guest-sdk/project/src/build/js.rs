//! JavaScript and TypeScript: esbuild makes one module of the source and what it imports, componentize-js a component of that.

use std::{fs, process::Command};

use super::{above, read, run};
use crate::{Project, ProjectError};

/// What is run in node, with the project's own packages.
const SCRIPT: &str = include_str!("componentize.mjs");

const NODE: &str = "apt-get install nodejs npm";

pub(super) fn build(project: &Project) -> Result<Vec<u8>, ProjectError> {
    for package in ["@bytecodealliance/componentize-js", "esbuild"] {
        if above(project, &format!("node_modules/{package}"))?.is_none() {
            let (what, how) = (format!("the package {package}"), "npm install".to_owned());
            return Err(ProjectError::Missing { what, how });
        }
    }
    let (wit, script) = (project.wit()?, project.build_folder().join("componentize.mjs"));
    let out = project.build_folder().join("plugin.wasm");
    fs::write(&script, SCRIPT).map_err(ProjectError::at(&script))?;
    let mut command = Command::new("node");
    // The tool keeps what it makes of its engine in a folder of its own; colours are for terminals.
    command.env("NO_COLOR", "1");
    for path in [&script, &project.source(), &wit, &out] {
        command.arg(std::path::absolute(path).map_err(ProjectError::at(path))?);
    }
    run(project, "node", NODE, &mut command)?;
    read(&out)
}
