//! Builds the plugins that tests run as components.

use std::path::Path;

fn main() {
    tollgate_build::script::embed(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."),
        &["hello", "rogue", "queue-helper"],
    );
}
