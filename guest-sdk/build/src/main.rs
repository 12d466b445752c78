//! `tollgate-build MANIFEST OUT PACKAGE…`: builds plugins as components, `OUT/PACKAGE.wasm`, and says where each is.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command")]

use std::{env, path::Path, process::ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [manifest, out, packages @ ..] = arguments.as_slice() else {
        eprintln!("usage: tollgate-build MANIFEST OUT PACKAGE...");
        return ExitCode::from(2);
    };
    for package in packages {
        match tollgate_build::component(Path::new(manifest), package, Path::new(out)) {
            Ok(path) => println!("{}", path.display()),
            Err(reason) => {
                eprintln!("tollgate-build: {reason}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
