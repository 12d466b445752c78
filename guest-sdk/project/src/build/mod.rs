//! From a project to its component, by the language's own tool.

mod c;
mod js;
mod python;
mod rust;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Language, Project, ProjectError,
    metadata::{self, Metadata},
    world,
};

impl Project {
    /// Builds the component, with what `plugin.toml` says of it inside, and returns where it is.
    ///
    /// # Errors
    /// [`ProjectError`]: a tool that is missing, or what the tool said.
    pub fn build(&self) -> Result<PathBuf, ProjectError> {
        let folder = self.build_folder();
        fs::create_dir_all(&folder).map_err(ProjectError::at(&folder))?;
        let (octets, sdk) = match self.language {
            Language::Rust => (rust::build(self)?, None),
            Language::Js => (js::build(self)?, Some("componentize-js")),
            Language::Python => (python::build(self)?, Some("componentize-py")),
            Language::C => (c::build(self)?, Some("clang")),
        };
        let said = Metadata { api: Some(world::API.to_owned()), sdk: sdk.map(str::to_owned), ..self.metadata.clone() };
        let said = said.over(metadata::read(&octets).unwrap_or_default());
        let octets = metadata::write(&octets, &said).map_err(ProjectError::Component)?;
        let path = self.component();
        fs::write(&path, octets).map_err(ProjectError::at(&path))?;
        Ok(path)
    }

    /// Writes the project's world, and returns the folder that it is in.
    fn wit(&self) -> Result<PathBuf, ProjectError> {
        let folder = self.build_folder().join("wit");
        world::write(self, &folder)?;
        Ok(folder)
    }
}

/// Runs a tool in the project's folder, and returns its output where it fails.
fn run(project: &Project, name: &str, how: &str, command: &mut Command) -> Result<(), ProjectError> {
    // An empty path is this folder to us, and none to the system.
    let folder = if project.folder.as_os_str().is_empty() { Path::new(".") } else { &*project.folder };
    let output = command.current_dir(folder).output();
    let output = match output {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(ProjectError::Missing { what: name.to_owned(), how: how.to_owned() });
        }
        Err(error) => return Err(ProjectError::at(name)(error)),
    };
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(ProjectError::Tool { tool: name.to_owned(), output: String::from_utf8_lossy(&said).trim_end().to_owned() })
}

/// Finds what a project's tools have put into its folder, or into one above it, where several projects share it.
fn above(project: &Project, what: &str) -> Result<Option<PathBuf>, ProjectError> {
    let folder = std::path::absolute(project.folder.join(".")).map_err(ProjectError::at(&project.folder))?;
    Ok(folder.ancestors().map(|folder| folder.join(what)).find(|path| path.exists()))
}

fn read(path: &Path) -> Result<Vec<u8>, ProjectError> {
    fs::read(path).map_err(ProjectError::at(path))
}
