//! The program that is held to the cases: the one just built, or the one that `TOLLGATE_BIN` names.

use std::{
    env,
    ffi::OsString,
    io::Write as _,
    process::{Command, Stdio},
    thread,
};

use serde_json::Value;

/// Puts requests to one run of the program and returns its responses.
pub(crate) fn ask(requests: impl Iterator<Item = Value>) -> Vec<Value> {
    let lines: String = requests.map(|request| format!("{request}\n")).collect();
    ask_lines(lines.as_bytes())
}

/// Puts octets to one run of the program and returns its responses, one for each line that it wrote.
///
/// # Panics
/// Where the program does not end with status 0, or writes something else than lines of JSON.
pub(crate) fn ask_lines(lines: &[u8]) -> Vec<Value> {
    let program = env::var_os("TOLLGATE_BIN").unwrap_or_else(|| OsString::from(env!("CARGO_BIN_EXE_tollgate")));
    let mut command = Command::new(program);
    command.args(["explain", "--batch"]).env("XDG_CACHE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let lines = lines.to_vec();
    // Both directions at once: a program that answers early must not block on an answer that no one reads yet.
    let writer = thread::spawn(move || input.write_all(&lines));
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the program ended with {}", output.status);
    writer.join().unwrap().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"))).collect()
}
