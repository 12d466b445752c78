//! How the component is linked.

#![allow(clippy::print_stdout, reason = "cargo reads what a build script prints")]

/// Octets of stack, an eighth of what a linker gives: whoever clears up after an instance looks through all of its memory.
const STACK: u32 = 128 << 10;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|family| family == "wasm") {
        println!("cargo::rustc-link-arg-cdylib=-zstack-size={STACK}");
    }
}
