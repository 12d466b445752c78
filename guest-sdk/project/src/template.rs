//! New projects.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{Language, ProjectError, manifest::is_name, world::WIT};

/// Files of a template: where they go, and their text. `{{name}}` and `{{crate}}` stand for the plugin's name, as it is and as an
/// identifier.
type Files = &'static [(&'static str, &'static str)];

include!(concat!(env!("OUT_DIR"), "/templates.rs"));

/// Writes a new project into a folder of its name, and returns the folder.
///
/// # Errors
/// [`ProjectError`]: a name that is none, a folder that is there, what the system said.
pub fn create(name: &str, language: Language, parent: &Path) -> Result<PathBuf, ProjectError> {
    if !is_name(name) {
        return Err(ProjectError::Name(name.to_owned()));
    }
    let folder = parent.join(name);
    if fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) || folder.is_file() {
        return Err(ProjectError::Taken(folder));
    }
    for (path, text) in files(language) {
        let text = text.replace("{{name}}", name).replace("{{crate}}", &name.replace('-', "_"));
        write(&folder.join(path), &text)?;
    }
    if language == Language::Rust {
        for (path, text) in SDK {
            write(&folder.join("sdk").join(path), text)?;
        }
        for (path, text) in WIT {
            write(&folder.join("sdk/tollgate-sdk/wit").join(path), text)?;
        }
    }
    Ok(folder)
}

fn files(language: Language) -> Files {
    match language {
        Language::Rust => RUST,
        Language::Js => JS,
        Language::Python => PYTHON,
        Language::C => C,
    }
}

fn write(path: &Path, text: &str) -> Result<(), ProjectError> {
    let folder = path.parent().unwrap_or(Path::new(""));
    fs::create_dir_all(folder).map_err(ProjectError::at(folder))?;
    fs::write(path, text).map_err(ProjectError::at(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Project;

    #[test]
    fn a_new_project_of_any_language_is_one() {
        for language in Language::ALL {
            let parent = tempfile::tempdir().unwrap();

            let folder = create("my-policy", language, parent.path()).unwrap();

            let project = Project::open(&folder).unwrap();
            assert_eq!((project.name(), project.language), ("my-policy", language));
            let needed = [
                project.source(),
                folder.join("README.md"),
                folder.join(".gitignore"),
                folder.join("events/message.json"),
            ];
            assert_eq!(needed.map(|path| path.is_file()), [true; 4], "{language:?}");
            assert!(fs::read_dir(folder.join("cases")).unwrap().count() > 0);
            let texts = files(language).iter().map(|(path, _)| fs::read_to_string(folder.join(path)).unwrap());
            assert!(!texts.collect::<String>().contains("{{"), "{language:?}");
        }
    }

    #[test]
    fn nothing_is_written_over() {
        let parent = tempfile::tempdir().unwrap();
        fs::create_dir(parent.path().join("taken")).unwrap();
        fs::write(parent.path().join("taken/a"), "mine").unwrap();

        let told = ["taken", "../up", "Caps", "", "1st"].map(|name| create(name, Language::C, parent.path()).is_err());

        assert_eq!((told, fs::read_dir(parent.path()).unwrap().count()), ([true; 5], 1));
    }
}
