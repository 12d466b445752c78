//! Rust, by cargo. `register!` says which events there are, so no world is written.

use super::read;
use crate::{Project, ProjectError};

pub(super) fn build(project: &Project) -> Result<Vec<u8>, ProjectError> {
    let (manifest, out) = (project.folder.join("Cargo.toml"), project.build_folder());
    // Cargo is started elsewhere, and a relative path would then lead elsewhere.
    let absolute = |path: &std::path::Path| std::path::absolute(path).map_err(ProjectError::at(path));
    let path = tollgate_build::component(&absolute(&manifest)?, project.name(), &absolute(&out)?)?;
    read(&path)
}
