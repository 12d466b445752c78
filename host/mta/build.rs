//! Builds the stock plugin, which the program embeds as a component.

use std::path::Path;

fn main() {
    tollgate_build::script::embed(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."), &["queue-helper"]);
}
