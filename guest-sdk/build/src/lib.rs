//! Building a plugin: a Rust crate in, a component out.
//!
//! Runs cargo for `wasm32-unknown-unknown` in a target folder of its own and wraps the module that comes out as a
//! component. Used by build scripts (the stock plugin is embedded in the program) and by tests. No Wasm runtime is needed
//! or linked.

#[allow(clippy::print_stdout, reason = "cargo reads what a build script prints")]
pub mod script;

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

/// The target that plugins are built for. It has no WASI, so a plugin can ask for nothing but what the host offers.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Why a plugin could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The standard library for [`TARGET`] is not installed.
    #[error("the Rust target {TARGET} is not installed; `make setup` (or `rustup target add {TARGET}`) brings it")]
    NoTarget,
    /// Cargo failed; what it said is on standard error.
    #[error("cargo could not build {package}:\n{output}")]
    Cargo {
        /// The package that was being built.
        package: String,
        /// What cargo printed.
        output: String,
    },
    /// The module could not be wrapped: it was not built with the SDK, or for other bindings.
    #[error("{package} is no component: {reason}")]
    Component {
        /// The package that was being built.
        package: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file could not be read or written, or a program not be started.
    #[error("{path}: {source}")]
    Io {
        /// The file or program.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Builds the package whose manifest is given and returns the path of its component, `OUT/PACKAGE.wasm`.
///
/// `out` also holds cargo's target folder for plugins, so that one folder serves several of them.
///
/// # Errors
/// [`BuildError`]; the caller's toolchain, the plugin's code, or the disk.
pub fn component(manifest: &Path, package: &str, out: &Path) -> Result<PathBuf, BuildError> {
    require_target()?;
    let module = build_module(manifest, package, &out.join("guest"))?;
    let octets = fs::read(&module).map_err(|source| BuildError::Io { path: module.clone(), source })?;
    let component = encode(&octets).map_err(|reason| BuildError::Component { package: package.to_owned(), reason })?;
    let path = out.join(format!("{package}.wasm"));
    fs::write(&path, component).map_err(|source| BuildError::Io { path: path.clone(), source })?;
    Ok(path)
}

/// Wraps a module that carries its interface types in custom sections, as the SDK's bindings write them.
///
/// # Errors
/// Why it is no component, in words.
pub fn encode(module: &[u8]) -> Result<Vec<u8>, String> {
    let mut encoder = wit_component::ComponentEncoder::default();
    let encoded = encoder.validate(true).module(module).and_then(wit_component::ComponentEncoder::encode);
    encoded.map_err(|reason| format!("{reason:#}"))
}

fn require_target() -> Result<(), BuildError> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let path = PathBuf::from(&rustc);
    let output = clean(Command::new(rustc))
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .map_err(|source| BuildError::Io { path, source })?;
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    let is_std = |name: &OsStr| name.to_string_lossy().starts_with("libstd-");
    let found = fs::read_dir(folder).is_ok_and(|entries| entries.flatten().any(|entry| is_std(&entry.file_name())));
    if found { Ok(()) } else { Err(BuildError::NoTarget) }
}

fn build_module(manifest: &Path, package: &str, target_dir: &Path) -> Result<PathBuf, BuildError> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let path = PathBuf::from(&cargo);
    let output = clean(Command::new(cargo))
        .args(["build", "--profile", "guest", "--target", TARGET, "--package", package])
        // A plugin's own workspace need not have the profile; where it has, its values hold.
        .args(["--config", "profile.guest.inherits='release'", "--manifest-path"])
        .arg(manifest)
        .arg("--target-dir")
        .arg(target_dir)
        .output()
        .map_err(|source| BuildError::Io { path, source })?;
    if !output.status.success() {
        let output = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(BuildError::Cargo { package: package.to_owned(), output });
    }
    Ok(target_dir.join(TARGET).join("guest").join(format!("{}.wasm", package.replace('-', "_"))))
}

/// Takes away what an outer cargo leaves in the environment for its own compiler: flags for another target, the linter in
/// the compiler's place, the outer target folder.
fn clean(mut command: Command) -> Command {
    let outer =
        ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_TARGET_DIR", "CARGO_BUILD_TARGET", "CARGO_BUILD_TARGET_DIR"];
    let wrappers = ["RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER", "CARGO_MAKEFLAGS", "CLIPPY_ARGS", "CLIPPY_CONF_DIR"];
    for name in outer.into_iter().chain(wrappers) {
        command.env_remove(name);
    }
    command
}
