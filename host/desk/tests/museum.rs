//! Plugins of every version of `tollgate:policy` that was ever offered still run, and still would be taken.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value;
use tollgate_capability::{Capability, Grants};
use tollgate_desk::{Event, ask};
use tollgate_message::Timestamp;
use tollgate_policy::Plugin as _;
use tollgate_wasm::{Compiler, ConfigFile, Limits, Runtime, Setup, WasmPlugin};
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve, WorldId};

const MUSEUM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/museum");

/// Returns the versions' folders.
fn versions() -> Vec<PathBuf> {
    let entries = fs::read_dir(MUSEUM).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_dir()).collect()
}

/// Puts a plugin's events to it, and returns each answer that is not the one of then.
fn changed(runtime: &Runtime, path: &Path) -> Vec<String> {
    let component =
        runtime.load(&fs::read(path).unwrap()).unwrap_or_else(|reason| panic!("{}: {reason}", path.display()));
    let told: Value = serde_json::from_slice(&fs::read(path.with_extension("json")).unwrap()).unwrap();
    let file = |(name, content): (&String, &Value)| ConfigFile {
        name: name.clone(),
        content: content.as_str().unwrap().into(),
    };
    let files = told["config"].as_object().into_iter().flatten().map(file).collect();
    let limits = Limits { wall: std::time::Duration::from_secs(20), ..Limits::default() };
    let setup = Setup { name: "exhibit".to_owned(), files, limits, ..Setup::default() };
    let (plugin, _) = WasmPlugin::start(Arc::clone(&component), setup).unwrap();
    let asked = told["events"].as_array().unwrap().iter().map(|asked| {
        let event = Event::read(asked["event"].as_object().unwrap(), Timestamp::from_millis(0)).unwrap();
        assert!(plugin.events().contains(event.kind()), "{asked}");
        (ask(&plugin, &event).answer.unwrap(), &asked["answer"])
    });
    let name = path.file_name().unwrap().to_string_lossy();
    asked
        .filter(|(answer, then)| answer != *then)
        .map(|(answer, then)| format!("{name}: {answer}, then {then}"))
        .collect()
}

#[test]
fn plugins_of_all_versions_answer_as_they_did_then() {
    let runtime = Runtime::new(None, Compiler::Here).unwrap();
    for version in versions() {
        let entries = fs::read_dir(&version).unwrap().map(|entry| entry.unwrap().path());
        let exhibits: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|end| end == "wasm")).collect();
        assert!(!exhibits.is_empty(), "{}", version.display());

        let changed: Vec<String> = exhibits.iter().flat_map(|path| changed(&runtime, path)).collect();

        assert_eq!(changed, [""; 0]);
    }
}

/// Returns a component that imports all of a world, and exports what it exports.
fn all_of(resolve: &Resolve, world: WorldId) -> Vec<u8> {
    let mut module = dummy_module(resolve, world, ManglingAndAbi::Standard32);
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8).unwrap();
    let mut encoder = ComponentEncoder::default();
    encoder.module(&module).and_then(ComponentEncoder::encode).unwrap()
}

#[test]
fn what_was_offered_in_any_version_is_offered_still() {
    let runtime = Runtime::new(None, Compiler::Here).unwrap();
    let grants: Grants = Capability::ALL.into_iter().collect();
    for version in versions() {
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_path(version.join("wit")).unwrap();
        let worlds = resolve.packages[package].worlds.clone();
        assert!(worlds.len() >= 10, "{worlds:?}");
        for (name, world) in worlds {
            let loaded = runtime.load_granted(&all_of(&resolve, world), &Limits::default(), grants);

            // Two of the worlds are what is offered, and have no event.
            let is_taken = match loaded {
                Ok(_) => true,
                Err(tollgate_wasm::LoadError::NoEvents) => true,
                Err(reason) => panic!("{}, world {name}: {reason}", version.display()),
            };
            assert!(is_taken);
        }
    }
}

/// Tells why the host does not take a component that is all of a world in a changed copy of `wit/`.
fn refused(world: &str, change: impl Fn(String) -> String) -> String {
    let runtime = Runtime::new(None, Compiler::Here).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(Path::new(MUSEUM).join("0.1.0/wit")).unwrap() {
        let path = entry.unwrap().path();
        fs::write(folder.path().join(path.file_name().unwrap()), change(fs::read_to_string(&path).unwrap())).unwrap();
    }
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(folder.path()).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let grants: Grants = Capability::ALL.into_iter().collect();
    let loaded = runtime.load_granted(&all_of(&resolve, world), &Limits::default(), grants);
    loaded.err().map(|reason| reason.to_string()).unwrap_or_default()
}

#[test]
fn what_is_taken_away_is_seen() {
    // As if there had been a function that is there no more.
    let told = refused("message-received-plugin", |text| {
        text.replace("        size: func() -> u64;", "        length: func() -> u64;")
    });

    assert!(told.contains("length"), "{told}");
}

#[test]
fn who_wants_to_be_asked_in_two_ways_is_told_to_take_one() {
    for (one, other) in [("message-received", "message-brief"), ("queue-config", "queue-brief")] {
        let export = format!("export {one};");
        let told =
            refused(&format!("{one}-plugin"), |text| text.replace(&export, &format!("{export}\n    export {other};")));

        assert_eq!(told, format!("the component exports both {one} and {other}; it takes one of them"));
    }
}
