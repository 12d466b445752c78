//! Builds the stock plugin and hands its component to the program that embeds it.
//!
//! Packagers who bring their own artifact name it in `TOLLGATE_QUEUE_HELPER`, and nothing is built.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::exit,
};

const ARTIFACT: &str = "TOLLGATE_QUEUE_HELPER";

fn main() {
    println!("cargo::rerun-if-env-changed={ARTIFACT}");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    match env::var_os(ARTIFACT) {
        Some(artifact) => take(Path::new(&artifact), &out.join("queue-helper.wasm")),
        None => build(&out),
    }
}

fn take(artifact: &Path, embedded: &Path) {
    println!("cargo::rerun-if-changed={}", artifact.display());
    if let Err(reason) = fs::copy(artifact, embedded) {
        fail(&format!("{ARTIFACT}={}: {reason}", artifact.display()));
    }
}

fn build(out: &Path) {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    let root = here.join("../..");
    for folder in ["wit", "guest-sdk", "plugins/queue-helper", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", root.join(folder).display());
    }
    if let Err(error) = tollgate_build::component(&root.join("Cargo.toml"), "queue-helper", out) {
        fail(&error.to_string());
    }
}

fn fail(text: &str) {
    for line in text.lines() {
        println!("cargo::error={line}");
    }
    exit(1);
}
