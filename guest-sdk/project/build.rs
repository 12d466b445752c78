//! Lists the templates, and the SDK as a project of its own has it: manifests that need no workspace.

use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

fn main() {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let sdk = here.join("..");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let mut code = String::new();
    for (name, folder) in [("RUST", "rust"), ("JS", "js"), ("PYTHON", "python"), ("C", "c")] {
        let folder = sdk.join("templates").join(folder);
        let files = files(&folder).into_iter().map(|path| (target(&path, &folder), path));
        list(&mut code, name, files.collect());
    }
    let mut files_of_sdk = Vec::new();
    for (name, folder) in [("tollgate-sdk", "rust"), ("tollgate-config", "config")] {
        let folder = sdk.join(folder);
        let sources = files(&folder.join("src"));
        files_of_sdk.extend(sources.into_iter().map(|path| (format!("{name}/{}", target(&path, &folder)), path)));
        let manifest = out.join(format!("{name}.toml"));
        fs::write(&manifest, standalone(&folder.join("Cargo.toml"), &sdk.join("../Cargo.toml"))).expect("OUT_DIR");
        files_of_sdk.push((format!("{name}/Cargo.toml"), manifest));
    }
    list(&mut code, "SDK", files_of_sdk);
    fs::write(out.join("templates.rs"), code).expect("OUT_DIR");
}

fn list(code: &mut String, name: &str, files: Vec<(String, PathBuf)>) {
    writeln!(code, "const {name}: Files = &[").expect("text");
    for (target, path) in files {
        let path = path.canonicalize().expect("a file that was just listed");
        println!("cargo::rerun-if-changed={}", path.display());
        writeln!(code, "    ({target:?}, include_str!({:?})),", path.display().to_string()).expect("text");
    }
    code.push_str("];\n");
}

/// Returns where a file goes. Files whose name begins with a dot have none here, so that tools of ours do not obey them.
fn target(path: &Path, folder: &Path) -> String {
    let path = path.strip_prefix(folder).expect("a file in the folder").display().to_string();
    if path == "gitignore" { ".gitignore".to_owned() } else { path.trim_end_matches(".in").to_owned() }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|reason| panic!("{}: {reason}", folder.display())) {
        let path = entry.expect("an entry").path();
        let generated = ["target", "build", "node_modules", "__pycache__"].iter().any(|name| path.ends_with(name));
        match path.is_dir() {
            true if generated => {}
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found.sort();
    found
}

/// Returns a crate's manifest with what it has from its workspace written out.
fn standalone(manifest: &Path, workspace: &Path) -> String {
    for path in [manifest, workspace] {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    let read = |path: &Path| fs::read_to_string(path).expect("a manifest").parse::<toml::Table>().expect("TOML");
    let (mut crate_, root) = (read(manifest), read(workspace));
    let shared = root["workspace"].as_table().expect("a workspace");
    inherit(crate_["package"].as_table_mut().expect("a package"), &shared["package"]);
    for key in ["lints", "dev-dependencies"] {
        crate_.remove(key);
    }
    if let Some(targets) = crate_.get_mut("target").and_then(toml::Value::as_table_mut) {
        for (_, target) in targets {
            dependencies(target.as_table_mut().and_then(|target| target.get_mut("dependencies")), shared);
        }
    }
    dependencies(crate_.get_mut("dependencies"), shared);
    toml::to_string(&crate_).expect("TOML")
}

fn inherit(package: &mut toml::Table, shared: &toml::Value) {
    for (key, value) in package.iter_mut() {
        if value.get("workspace").is_some() {
            *value = shared[key.as_str()].clone();
        }
    }
}

fn dependencies(list: Option<&mut toml::Value>, shared: &toml::Table) {
    let Some(list) = list.and_then(toml::Value::as_table_mut) else { return };
    for (name, entry) in list.iter_mut() {
        let Some(own) = entry.as_table().filter(|entry| entry.contains_key("workspace")).cloned() else { continue };
        let mut whole = match &shared["dependencies"][name.as_str()] {
            toml::Value::String(version) => toml::Table::from_iter([("version".to_owned(), version.clone().into())]),
            other => other.as_table().expect("a dependency").clone(),
        };
        if whole.contains_key("path") {
            whole.insert("path".to_owned(), format!("../{name}").into());
        }
        whole.extend(own.into_iter().filter(|(key, _)| key != "workspace"));
        *entry = whole.into();
    }
}
