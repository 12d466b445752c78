//! Asking `tollgate explain`, as a program and as a person would.

use std::{
    fs,
    io::Write as _,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

pub(crate) const QUEUES: &str = "tenant_header = 'X-Tenant'\nremove_tenant_header = true\nscheduling_header = 'X-Schedule'\n\
    [tenant.t]\negress_pool = 'pool-1'\noverall_max_message_rate = '100/s'\n\
    [queue.default]\nmax_age = '2h'\n[queue.'a.com']\nmax_age = '90m'\nmax_message_rate = '10/s'\n";

pub(crate) const TOLLGATE: &str = "[spool]\npath = 'spool'\n\
    [smtp.listener.main]\nlisten = '127.0.0.1:2525'\nhostname = 'mta.example'\n\
    [[plugin]]\nname = 'queue-helper'\ncomponent = 'builtin:queue-helper'\nconfig = ['queues.toml']\n\
    [source.ip-1]\nsource_address = '127.0.0.1'\nehlo_domain = 'out1.example'\n\
    [pool.pool-1.ip-1]\nweight = 2\n";

pub(crate) fn explain() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    command.arg("explain").env("XDG_CACHE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"));
    command.env("TZ", "UTC").env_remove("NO_COLOR");
    command
}

/// Puts lines to `explain --batch` and returns the responses.
pub(crate) fn batch(lines: &[&[u8]]) -> Vec<Value> {
    let mut child = explain().arg("--batch").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(&lines.join(&b'\n')).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Asks one request and returns these fields of the response.
pub(crate) fn ask<const N: usize>(request: &Value, fields: [&str; N]) -> [Value; N] {
    let mut responses = batch(&[request.to_string().as_bytes()]);
    assert_eq!(responses.len(), 1);
    fields.map(|field| responses[0][field].take())
}

pub(crate) fn received(headers: &Value) -> Value {
    json!({"id": "1", "queues": [QUEUES], "sender": "s@b.org", "recipients": ["u@A.com", "v@b.com"], "headers": headers,
           "now": "2026-05-01T12:00:00Z"})
}

/// Asks as a person would, with the files in the working folder.
pub(crate) fn person(arguments: &[&str]) -> (Option<i32>, String, String) {
    person_with("", arguments)
}

/// Asks with one more file, `more.toml`, in the working folder.
pub(crate) fn person_with(more: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tollgate.toml"), TOLLGATE).unwrap();
    fs::write(folder.path().join("queues.toml"), QUEUES).unwrap();
    fs::write(folder.path().join("broken.toml"), "[queue.default]\nmax_aeg = '1h'\n").unwrap();
    fs::write(folder.path().join("more.toml"), more).unwrap();
    fs::write(folder.path().join("hello.wasm"), tollgate_testkit::guest::HELLO).unwrap();
    fs::write(folder.path().join("greedy.wasm"), tollgate_testkit::guest::GREEDY).unwrap();
    let Output { status, stdout, stderr } = explain().current_dir(folder.path()).args(arguments).output().unwrap();
    let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
    (status.code(), text(stdout), text(stderr))
}

/// Asks with the file `more.toml` alone, and returns the sections with these titles.
pub(crate) fn sections(more: &str, arguments: &[&str], titles: &[&str]) -> String {
    let (_, said, _) = person_with(more, &[&["--queues", "more.toml"], arguments].concat());
    let wanted = |section: &&str| titles.iter().any(|title| section.starts_with(title));
    said.trim_end().split("\n\n").filter(wanted).collect::<Vec<_>>().join("\n\n")
}
