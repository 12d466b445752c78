//! C, by clang and wasi-libc: bindings are generated from the project's world, and nothing of WASI is left to import.

use std::{fs, path::Path, process::Command};

use wit_bindgen_core::{Files, wit_parser::Resolve};

use super::{read, run};
use crate::{Project, ProjectError};

const HOW: &str = "apt-get install clang lld wasi-libc libclang-rt-14-dev-wasm32";

pub(super) fn build(project: &Project) -> Result<Vec<u8>, ProjectError> {
    let (wit, bindings) = (project.wit()?, project.build_folder().join("bindings"));
    generate(&wit, &bindings)?;
    let module = project.build_folder().join("plugin.core.wasm");
    let absolute = |path: &Path| std::path::absolute(path).map_err(ProjectError::at(path));
    let mut command = Command::new("clang");
    command.args(["--target=wasm32-wasi", "-O2", "-std=gnu11", "-Wall", "-nostartfiles", "-fno-exceptions"]);
    command.args(["-Wl,--no-entry", "-Wl,--strip-debug", "-Wl,--export=cabi_realloc", "-Wl,--gc-sections"]);
    command.arg("-I").arg(absolute(&bindings)?).arg("-I").arg(absolute(&project.folder.join("tollgate"))?);
    command.arg(absolute(&project.source())?);
    for path in helpers(&project.folder.join("tollgate"))? {
        command.arg(absolute(&path)?);
    }
    command.arg(absolute(&bindings.join("plugin.c"))?).arg(absolute(&bindings.join("plugin_component_type.o"))?);
    command.arg("-o").arg(absolute(&module)?);
    run(project, "clang", HOW, &mut command).map_err(with_hint)?;
    tollgate_build::encode(&read(&module)?).map_err(|reason| ProjectError::Component(without_system(reason)))
}

/// Says what to look for where the C library wants a system.
fn without_system(reason: String) -> String {
    if !reason.contains("wasi_snapshot_preview1") {
        return reason;
    }
    format!(
        "{reason}\na plugin has no system: printf and its kin, files, clocks and random numbers of the C library are not there"
    )
}

/// Returns the C files that came with the project, besides its own source.
fn helpers(folder: &Path) -> Result<Vec<std::path::PathBuf>, ProjectError> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(Vec::new()) };
    let paths: Result<Vec<_>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = paths.map_err(ProjectError::at(folder))?;
    paths.retain(|path| path.extension().is_some_and(|end| end == "c"));
    paths.sort();
    Ok(paths)
}

fn generate(wit: &Path, out: &Path) -> Result<(), ProjectError> {
    let failed = |reason: &dyn std::fmt::Display| ProjectError::Component(format!("the project's world: {reason:#}"));
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(wit).map_err(|reason| failed(&format!("{reason:#}")))?;
    let world = resolve.select_world(&[package], Some("plugin")).map_err(|reason| failed(&reason))?;
    let mut files = Files::default();
    // What is lent for an event goes back at its end, without a word of the author's.
    let options = wit_bindgen_c::Opts { autodrop_borrows: wit_bindgen_c::Enabled::Yes, ..Default::default() };
    let mut generator = options.build();
    generator.generate(&mut resolve, world, &mut files).map_err(|reason| failed(&reason))?;
    fs::create_dir_all(out).map_err(ProjectError::at(out))?;
    for (name, content) in files.iter() {
        let path = out.join(name);
        fs::write(&path, content).map_err(ProjectError::at(&path))?;
    }
    Ok(())
}

/// Where parts of the tool chain are missing, clang says so in its own words; ours say what brings them.
fn with_hint(error: ProjectError) -> ProjectError {
    match error {
        ProjectError::Tool { tool, output }
            if ["wasm-ld", "libclang_rt", "stdlib.h", "string.h", "crt1"].iter().any(|part| {
                output.lines().any(|line| {
                    line.contains(part)
                        && (line.contains("not found")
                            || line.contains("cannot open")
                            || line.contains("invalid linker")
                            || line.contains("unable to execute"))
                })
            }) =>
        {
            let output = format!("{output}\nparts of the tool chain are missing; `{HOW}` brings them");
            ProjectError::Tool { tool, output }
        }
        other => other,
    }
}
