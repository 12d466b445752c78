//! Python, by componentize-py: the interpreter, the plugin and what it imports in one component.

use std::process::Command;

use super::{read, run};
use crate::{Project, ProjectError};

const TOOL: &str = "componentize-py";
const HOW: &str = "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt";

pub(super) fn build(project: &Project) -> Result<Vec<u8>, ProjectError> {
    let (wit, source) = (project.wit()?, project.source());
    let own = std::path::absolute(project.folder.join(".venv/bin").join(TOOL)).map_err(ProjectError::at(TOOL))?;
    let out = std::path::absolute(project.build_folder().join("plugin.wasm")).map_err(ProjectError::at("build"))?;
    let module = source.file_stem().unwrap_or_default();
    let mut command = Command::new(if own.is_file() { own.as_os_str() } else { TOOL.as_ref() });
    command.arg("-d").arg(std::path::absolute(&wit).map_err(ProjectError::at(&wit))?).args(["-w", "plugin"]);
    command.arg("componentize").arg(module).arg("-o").arg(&out).arg("--stub-wasi");
    // Packages that the plugin imports are those of its own environment.
    let folder = source.parent().unwrap_or(&project.folder);
    command.arg("-p").arg(std::path::absolute(folder).map_err(ProjectError::at(folder))?);
    run(project, TOOL, HOW, &mut command)?;
    read(&out)
}
