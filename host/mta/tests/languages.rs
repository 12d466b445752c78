//! The same two policies in every language, held to the same cases and to the contract.
//!
//! What the languages need is brought by `make test-languages`, which runs these tests.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::{path::Path, process::Command};

use serde_json::{Value, json};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../plugins/examples");

/// Runs the program in a folder; returns whether it ended well, and what it printed.
fn tollgate(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    command.arg("plugin").args(arguments).current_dir(folder);
    command.env("XDG_CACHE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache")).env_remove("TOLLGATE_LOG");
    let output = command.output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), said)
}

/// Builds both policies in a language, and holds them to the contract and to the cases that all languages share.
fn holds(language: &str) {
    for policy in ["tenant-header", "tenant-parameters"] {
        let folder = Path::new(EXAMPLES).join(language).join(policy);
        let (built, said) = tollgate(&folder, &["build"]);
        assert!(built, "{said}");
        let cases = format!("../../cases/{policy}");

        let suites = ["--suite", "contract", "--suite", "behaviour", "--cases", &cases, "--json"];
        let (_, said) = tollgate(&folder, &[&["test"][..], &suites].concat());

        let told: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}"));
        assert_eq!((&told["ok"], &told["broken"]), (&json!(true), &json!(0)), "{told:#}");
        assert!(told["suites"][1]["entries"].as_array().unwrap().len() >= 7, "{told:#}");
        let (_, said) = tollgate(&folder, &["inspect", &format!("{policy}-{language}.wasm"), "--json"]);
        let inspected: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}"));
        let imports = inspected["imports"].as_array().unwrap();
        assert!(imports.iter().all(|import| import["grant"].is_null() && import["offered"] == true), "{inspected:#}");
    }
}

#[test]
fn the_rust_examples_hold_the_cases_that_all_languages_share() {
    let folder = tempfile::tempdir().unwrap();
    for (policy, octets, file) in [
        ("tenant-header", tollgate_testkit::guest::TENANT_HEADER, "tenants.toml"),
        ("tenant-parameters", tollgate_testkit::guest::TENANT_PARAMETERS, "params.toml"),
    ] {
        std::fs::write(folder.path().join("policy.wasm"), octets).unwrap();
        let (cases, config) = (format!("{EXAMPLES}/cases/{policy}"), format!("{EXAMPLES}/{policy}/{file}"));

        let (holds, said) = tollgate(folder.path(), &["test", "policy.wasm", "--config", &config, "--cases", &cases]);

        assert!(holds, "{said}");
    }
}

#[test]
#[ignore = "needs clang and wasi-libc: make test-languages"]
fn c_holds_the_same_cases() {
    holds("c");
}

#[test]
#[ignore = "needs node and npm's packages: make test-languages"]
fn javascript_holds_the_same_cases() {
    holds("js");
}

#[test]
#[ignore = "needs python3 and PyPI's packages: make test-languages"]
fn python_holds_the_same_cases() {
    holds("python");
}
