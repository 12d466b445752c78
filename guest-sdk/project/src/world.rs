//! The world of a project: what it imports and exports, and nothing else.
//!
//! Rust drops what a plugin does not use. Other languages import everything that their world names, and what was not granted
//! may not be imported, so the world names what is offered to everybody and what the project wants to be granted.

use std::{fs, path::Path};

use crate::{Project, ProjectError};

/// The version of `tollgate:policy` that projects are made for.
pub(crate) const API: &str = "0.1.0";

/// The package, file by file.
pub(crate) const WIT: [(&str, &str); 4] = [
    ("types.wit", include_str!("../../../wit/v0.1/types.wit")),
    ("host.wit", include_str!("../../../wit/v0.1/host.wit")),
    ("events.wit", include_str!("../../../wit/v0.1/events.wit")),
    ("worlds.wit", include_str!("../../../wit/v0.1/worlds.wit")),
];

/// What is offered to everybody.
const OFFERED: [&str; 11] = [
    "types",
    "log",
    "panic",
    "clock",
    "domains",
    "metrics",
    "message",
    "queue-settings",
    "session",
    "egress-settings",
    "queued-message",
];

/// Writes the world and what it needs into a folder.
pub(crate) fn write(project: &Project, folder: &Path) -> Result<(), ProjectError> {
    let package = folder.join("deps/tollgate-policy");
    fs::create_dir_all(&package).map_err(ProjectError::at(&package))?;
    for (name, text) in WIT {
        let path = package.join(name);
        fs::write(&path, text).map_err(ProjectError::at(&path))?;
    }
    let path = folder.join("world.wit");
    fs::write(&path, world(project)).map_err(ProjectError::at(&path))
}

fn world(project: &Project) -> String {
    let line = |word: &str, name: &str| format!("    {word} tollgate:policy/{}@{API};\n", escaped(name));
    let granted = project.metadata.grants.keys().map(String::as_str);
    let imports: String = OFFERED.into_iter().chain(granted).map(|name| line("import", name)).collect();
    let exports: String = project.events.iter().map(|name| line("export", name)).collect();
    format!("package tollgate:project;\n\nworld plugin {{\n{imports}{exports}}}\n")
}

/// A word of WIT's own is written with a sign before it.
fn escaped(name: &str) -> String {
    if name == "record" { format!("%{name}") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, path::PathBuf};

    use wit_bindgen_core::wit_parser::Resolve;

    use super::*;
    use crate::{
        Language,
        manifest::{EVENTS, GRANTS},
        metadata::Metadata,
    };

    #[test]
    fn what_is_offered_and_granted_is_what_the_package_says() {
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit/v0.1")).unwrap();
        let names = |item: &wit_bindgen_core::wit_parser::WorldKey| {
            resolve.name_world_key(item).split(['/', '@']).nth(1).unwrap_or_default().to_owned()
        };
        let worlds: Vec<_> = resolve.packages[package].worlds.values().map(|world| &resolve.worlds[*world]).collect();
        let imports: BTreeSet<String> = worlds.iter().flat_map(|world| world.imports.keys()).map(names).collect();
        let exports: BTreeSet<String> = worlds.iter().flat_map(|world| world.exports.keys()).map(names).collect();

        let known = |lists: &[&[&str]]| lists.concat().into_iter().map(str::to_owned).collect::<BTreeSet<_>>();

        assert_eq!((imports, exports), (known(&[&OFFERED, &GRANTS]), known(&[&EVENTS])));
    }

    #[test]
    fn the_world_of_any_project_is_one_that_the_host_knows() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("project")).unwrap();
        let text = format!(
            "name = 'all'\nlanguage = 'c'\nevents = {EVENTS:?}\n[grants]\n{}",
            GRANTS.map(|name| format!("{name} = 'x'\n")).concat()
        );
        fs::write(folder.path().join("project/plugin.toml"), text).unwrap();
        let project = Project::open(&folder.path().join("project")).unwrap();

        write(&project, &folder.path().join("wit")).unwrap();

        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_path(folder.path().join("wit")).unwrap();
        let world = resolve.select_world(&[package], Some("plugin")).unwrap();
        let (world, expected) = (&resolve.worlds[world], (OFFERED.len() + GRANTS.len(), EVENTS.len()));
        assert_eq!((world.imports.len(), world.exports.len()), expected);
        assert_eq!((project.language, project.metadata.name.as_str()), (Language::C, "all"));
        assert_ne!(project.metadata, Metadata::default());
        assert_eq!(project.config, Vec::<PathBuf>::new());
    }
}
