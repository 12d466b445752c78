//! Components that attack their host.
//!
//! Those that run are core modules in text, one file for each attack under `attacks/`, wrapped here as components of the world
//! that they name. Those that are attacks on whoever reads or compiles them are made in [`bomb`], since their size is the point.

pub mod bomb;

use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Returns the attack of this name, `attacks/NAME.wat`, as a component of a world in `wit/`.
///
/// # Panics
/// Where there is no such attack, or it is no module of that world: both come with the source.
#[must_use]
pub fn attack(name: &str, world: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = folder.join("attacks").join(format!("{name}.wat"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    component(&text, world)
}

/// Wraps a core module in text as a component of a world in `wit/`.
///
/// # Panics
/// Where it is no module of that world.
#[must_use]
pub fn component(module: &str, world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../wit/v0.1");
    let (package, _) = resolve.push_path(wit).expect("wit/ is right");
    let world = resolve.select_world(&[package], Some(world)).expect("the world is in wit/");
    let mut module = wat::parse_str(module).expect("a module in text");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("types for the module");
    let mut encoder = ComponentEncoder::default();
    // What does not validate is for the host to find out.
    let encoded = encoder.validate(false).module(&module).and_then(ComponentEncoder::encode);
    encoded.expect("a module of that world")
}
