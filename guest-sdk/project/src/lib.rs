//! A plugin's project, in any language: made from a template, built with the language's own tool, described in the component.
//!
//! `plugin.toml` ([`Project`]) says what a project is. [`create`] writes a new one, [`Project::build`] makes its component, and
//! [`metadata`] is what a component says of itself. Tools of languages are called, never fetched: what is missing is named, with
//! the command that brings it.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap fails the test"))]

mod build;
mod manifest;
pub mod metadata;
mod template;
mod world;

use std::{io, path::PathBuf};

use tollgate_config::Finding;

pub use manifest::{Language, Project};
pub use template::create;

/// The file that says what a project is.
pub const MANIFEST: &str = "plugin.toml";

/// Why a project cannot be made, read or built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectError {
    /// There is no project in the folder.
    #[error("{0}: there is no plugin.toml; `tollgate plugin new NAME --lang LANGUAGE` makes a project")]
    NoProject(PathBuf),
    /// `plugin.toml` is not right; here is everything that is wrong with it.
    #[error("plugin.toml is not right")]
    Manifest(Vec<Finding>),
    /// A new project cannot have this name.
    #[error("'{0}' is no name for a plugin: it is 1 to 64 of a to z, 0 to 9 and -, a letter first")]
    Name(String),
    /// A new project's folder is there already.
    #[error("{0}: there is something already; nothing was written")]
    Taken(PathBuf),
    /// A tool of the language's is not there.
    #[error("{what} is missing; `{how}` brings it")]
    Missing {
        /// What is missing.
        what: String,
        /// The command that brings it.
        how: String,
    },
    /// A tool failed; here is what it said.
    #[error("{tool} failed:\n{output}")]
    Tool {
        /// The tool.
        tool: String,
        /// What it printed.
        output: String,
    },
    /// A Rust crate could not be built.
    #[error(transparent)]
    Cargo(#[from] tollgate_build::BuildError),
    /// What a tool made is no component.
    #[error("what was built is no component: {0}")]
    Component(String),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl ProjectError {
    /// Returns what turns an error of the system's about this file into one of ours.
    fn at(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
