//! From nothing to mail that a policy has changed, as somebody does it who has never done it before: new, build, test, check, serve.
//!
//! Rust needs nothing that the rest of the tests does not. What the other languages need is brought by `make test-languages`,
//! which runs these tests too.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::kit::{Folder, Mta, Sink, TOLLGATE, queues, send, with_plugin};

/// Runs a tool in a folder, and returns what it printed; a failure fails the test with that.
fn run(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).env("XDG_CACHE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"));
    // The project's build is its own; nothing of the one around this test is meant for it.
    for name in ["CARGO_TARGET_DIR", "CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS"] {
        command.env_remove(name);
    }
    let output = command.output().unwrap_or_else(|reason| panic!("{program}: {reason}"));
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

fn tollgate(folder: &Path, arguments: &[&str]) -> String {
    run(folder, env!("CARGO_BIN_EXE_tollgate"), arguments)
}

/// Makes a project, with its language's tools brought by `tools`, and ships it; `unit` runs its own tests.
fn ships(language: &str, tools: impl FnOnce(&Path), unit: &[&str]) {
    let desk = tempfile::tempdir().unwrap();
    tollgate(desk.path(), &["plugin", "new", "my-policy", "--lang", language]);
    let project: PathBuf = desk.path().join("my-policy");
    tools(&project);
    run(&project, unit[0], &unit[1..]);
    tollgate(&project, &["plugin", "build"]);
    let inspected: Value =
        serde_json::from_str(&tollgate(&project, &["plugin", "inspect", "my-policy.wasm", "--json"])).unwrap();
    let tested: Value = serde_json::from_str(&tollgate(&project, &["plugin", "test", "--json"])).unwrap();
    tollgate(&project, &["plugin", "check"]);
    let ran: Value =
        serde_json::from_str(&tollgate(&project, &["plugin", "run", "--event", "events/message.json", "--json"]))
            .unwrap();
    let says = ["name", "version", "license"].map(|key| inspected["metadata"][key].clone());
    assert_eq!(says, ["my-policy", "0.1.0", "Apache-2.0 OR MIT"]);
    assert_eq!((&tested["ok"], &tested["suites"][1]["suite"]), (&true.into(), &"behaviour".into()), "{tested:#}");
    assert_eq!(ran["headers_added"], serde_json::json!(["X-Seen-By: my-policy"]));

    let sink = Sink::start(&[]);
    // The compiler of these tests is not optimised, and an interpreter is a large component.
    let keys = "config = ['policy.toml']\nlimits = { compile = '10m', wall = '20s' }";
    let folder = Folder::new(&with_plugin(TOLLGATE, "my-policy", keys), &queues(sink.address, ""));
    for file in ["my-policy.wasm", "policy.toml"] {
        fs::copy(project.join(file), folder.path().join(file)).unwrap();
    }
    let mta = Mta::start_in(folder);
    let replies = ["Hello", "HELLO YOU"]
        .map(|subject| send(mta.smtp(), &["ann@example.com"], &format!("Subject: {subject}\r\n\r\nbody\r\n")));
    mta.wait_until_empty();
    mta.terminate();
    let delivered: Vec<String> =
        sink.arrived().iter().map(|arrived| String::from_utf8_lossy(&arrived.data).into_owned()).collect();
    assert_eq!(replies.map(|reply| reply.concat()), ["250 2.0.0 OK", "550 5.7.1 please do not shout"]);
    assert!(delivered.len() == 1 && delivered[0].contains("\r\nX-Seen-By: my-policy\r\n"), "{delivered:?}");
}

#[test]
fn in_rust() {
    ships("rust", |_| (), &["cargo", "test", "--quiet"]);
}

#[test]
#[ignore = "needs clang and wasi-libc: make test-languages"]
fn in_c() {
    ships("c", |_| (), &["make", "test"]);
}

#[test]
#[ignore = "needs node and npm's packages: make test-languages"]
fn in_javascript() {
    let install = |project: &Path| {
        run(project, "npm", &["install", "--no-audit", "--no-fund", "--loglevel=error"]);
        run(project, "npm", &["run", "types"]);
    };
    ships("js", install, &["npm", "test"]);
}

#[test]
#[ignore = "needs python3 and PyPI's packages: make test-languages"]
fn in_python() {
    let install = |project: &Path| {
        run(project, "python3", &["-m", "venv", ".venv"]);
        drop(run(project, ".venv/bin/pip", &["install", "--quiet", "-r", "requirements.txt"]));
    };
    ships("python", install, &["python3", "-m", "unittest", "discover", "-s", "test"]);
}
