//! Python, by componentize-py: the interpreter, the plugin and what it imports in one component.

use std::{fs, io, path::Path, process::Command};

use super::{above, read, run};
use crate::{Project, ProjectError};

const TOOL: &str = "componentize-py";
const HOW: &str = "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt";

pub(super) fn build(project: &Project) -> Result<Vec<u8>, ProjectError> {
    let (wit, source) = (project.wit()?, project.source());
    let own = above(project, &format!(".venv/bin/{TOOL}"))?;
    let out = std::path::absolute(project.build_folder().join("plugin.wasm")).map_err(ProjectError::at("build"))?;
    let module = source.file_stem().unwrap_or_default();
    let mut command = Command::new(own.as_ref().map_or(TOOL.as_ref(), |own| own.as_os_str()));
    command.arg("-d").arg(std::path::absolute(&wit).map_err(ProjectError::at(&wit))?).args(["-w", "plugin"]);
    command.arg("componentize").arg(module).arg("-o").arg(&out).arg("--stub-wasi");
    let copy = project.build_folder().join("src");
    copy_sources(source.parent().unwrap_or(&project.folder), &copy)?;
    command.arg("-p").arg(std::path::absolute(&copy).map_err(ProjectError::at(&copy))?);
    // Where the plugin is wrong, its own traceback says so; the tool's would say nothing.
    command.env("RUST_BACKTRACE", "0");
    run(project, TOOL, HOW, &mut command)?;
    read(&out)
}

/// Copies sources, links followed: the tool looks at one folder, and at nothing that a link leads to outside.
fn copy_sources(from: &Path, to: &Path) -> Result<(), ProjectError> {
    match fs::remove_dir_all(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(ProjectError::at(to)(error)),
        _ => fs::create_dir_all(to).map_err(ProjectError::at(to))?,
    }
    for entry in fs::read_dir(from).map_err(ProjectError::at(from))? {
        let path = entry.map_err(ProjectError::at(from))?.path();
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() && name != "__pycache__" {
            copy_sources(&path, &to.join(name))?;
        } else if path.is_file() {
            fs::copy(&path, to.join(name)).map_err(ProjectError::at(&path))?;
        }
    }
    Ok(())
}
