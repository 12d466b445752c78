//! `tollgate plugin new` and `build`: an author's project.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use tollgate_project::{Language, Project, ProjectError};

use super::{
    super::{BAD, finding, terminal::Colour},
    change::unasked,
};

#[derive(clap::Args, Debug)]
pub(super) struct New {
    /// Its name: a to z, 0 to 9 and -.
    name: String,
    /// The language that it is written in.
    #[arg(long, value_name = "LANGUAGE", value_parser = language)]
    lang: Language,
}

#[derive(clap::Args, Debug)]
pub(super) struct Build {
    /// The project's folder.
    #[arg(value_name = "FOLDER", default_value = ".")]
    folder: PathBuf,
}

fn language(word: &str) -> Result<Language, String> {
    let all = || Language::ALL.map(Language::word).join(", ");
    Language::named(word).ok_or_else(|| format!("there are {}", all()))
}

/// Writes a project; returns 2 where there can be none of this name here.
pub(super) fn new(args: &New) -> ExitCode {
    match tollgate_project::create(&args.name, args.lang, Path::new("")) {
        Ok(folder) => {
            let folder = folder.display();
            drop(writeln!(io::stdout(), "{folder}: a project; {folder}/README.md says what to do with it"));
            ExitCode::SUCCESS
        }
        Err(error) => unasked(&error.to_string()),
    }
}

/// Builds a project; returns 1 where it does not build, 2 where there is none or a tool is missing.
pub(super) fn build(args: &Build) -> ExitCode {
    let folder = if args.folder == Path::new(".") { Path::new("") } else { &*args.folder };
    let project = match open(folder) {
        Ok(project) => project,
        Err(code) => return code,
    };
    match project.build() {
        Ok(path) => {
            let size = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
            drop(writeln!(io::stdout(), "{}: {size} octets", path.display()));
            ExitCode::SUCCESS
        }
        Err(error @ ProjectError::Missing { .. }) => unasked(&error.to_string()),
        Err(error) => {
            // What a compiler says has its own lines, and is the author's to read as it is.
            drop(writeln!(io::stderr(), "tollgate: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Opens the project in a folder, and prints what is wrong with it.
///
/// # Errors
/// The exit code where there is none, or none that is right.
pub(super) fn open(folder: &Path) -> Result<Project, ExitCode> {
    Project::open(folder).map_err(|error| match error {
        ProjectError::Manifest(findings) => {
            let mut err = io::stderr();
            finding::print(&findings, Path::new(""), Colour::Auto.ink(&err), &mut err);
            ExitCode::from(BAD)
        }
        ProjectError::NoProject(_) => {
            unasked("there is no plugin.toml here; `tollgate plugin new` makes a project, and other commands take a component's name")
        }
        other => unasked(&other.to_string()),
    })
}
