//! Builds the plugins that tests run as components.

use std::{env, path::PathBuf, process::exit};

const PLUGINS: [&str; 2] = ["hello", "rogue"];

fn main() {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    let root = here.join("../..");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    for folder in ["wit", "guest-sdk", "plugins/examples", "tests/guests", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", root.join(folder).display());
    }
    for plugin in PLUGINS {
        if let Err(error) = tollgate_build::component(&root.join("Cargo.toml"), plugin, &out) {
            println!("cargo::error={}", error.to_string().replace('\n', "\ncargo::error="));
            exit(1);
        }
    }
}
