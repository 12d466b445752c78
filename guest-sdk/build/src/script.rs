//! Plugins built by a build script, for programs and tests that embed components.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::exit,
};

/// Names a component to embed as the stock plugin, for packagers who bring their own; nothing is built then.
pub const QUEUE_HELPER: &str = "TOLLGATE_QUEUE_HELPER";

/// Builds plugins of this workspace and leaves each as `OUT_DIR/PACKAGE.wasm`. Ends the build with the reason if it cannot.
///
/// `root` is the workspace's folder.
pub fn embed(root: &Path, packages: &[&str]) {
    println!("cargo::rerun-if-env-changed={QUEUE_HELPER}");
    for folder in ["wit", "guest-sdk", "plugins", "tests/guests", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", root.join(folder).display());
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR for build scripts"));
    for package in packages {
        match env::var_os(QUEUE_HELPER).filter(|_| *package == "queue-helper") {
            Some(artifact) => take(Path::new(&artifact), &out.join("queue-helper.wasm")),
            None => drop(
                crate::component(&root.join("Cargo.toml"), package, &out)
                    .unwrap_or_else(|error| fail(&error.to_string())),
            ),
        }
    }
}

fn take(artifact: &Path, embedded: &Path) {
    println!("cargo::rerun-if-changed={}", artifact.display());
    if let Err(reason) = fs::copy(artifact, embedded) {
        fail(&format!("{QUEUE_HELPER}={}: {reason}", artifact.display()));
    }
}

fn fail(text: &str) -> ! {
    for line in text.lines() {
        println!("cargo::error={line}");
    }
    exit(1);
}
