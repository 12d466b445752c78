//! What is in the way of a start: one clear line on standard error, and exit code 2.

use std::{fs, io::Read as _, net::TcpListener};

use tollgate_testkit::guest::HELLO;

use crate::kit::{Folder, Mta, Sink, TOLLGATE, queues, wait_for};

/// Starts a program that must not start; returns its exit code and what it said, the folder's name replaced.
pub(crate) fn refusal(folder: &Folder) -> (Option<i32>, String) {
    let mut child = folder.serve().spawn().unwrap();
    let status = wait_for("the program ends", || child.try_wait().unwrap());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    let said: String = said.lines().map(|line| format!("{}\n", without_time(line))).collect();
    (status.code(), said.replace(&folder.path().display().to_string(), "FOLDER"))
}

/// Returns a diagnostic without the time in front of it.
fn without_time(line: &str) -> &str {
    line.split_once("Z  WARN ").map_or(line, |(_, said)| said)
}

fn folder() -> Folder {
    Folder::new(TOLLGATE, &queues(([127, 0, 0, 1], 9).into(), ""))
}

/// Returns a folder whose configuration has one more plugin, of the octets given if any.
fn with_plugin(octets: Option<&[u8]>) -> Folder {
    let plugin = "[[plugin]]\nname = \"other\"\ncomponent = \"other.wasm\"\n[source.ip-1]";
    let folder = folder();
    folder.write("tollgate.toml", TOLLGATE.replace("[source.ip-1]", plugin));
    if let Some(octets) = octets {
        folder.write("other.wasm", octets);
    }
    folder
}

/// Returns what a program says that has no plugin of [`with_plugin`].
fn no_plugin(reason: &str) -> (Option<i32>, String) {
    let place = "FOLDER/tollgate.toml:20:1 error: plugin 'other': FOLDER/other.wasm";
    (Some(2), format!("{place}: {reason}\n    component = \"other.wasm\"\n    ^\n"))
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let listen = |section: &str| {
        let (free, used) =
            (format!("{section}\nlisten = \"127.0.0.1:0\""), format!("{section}\nlisten = \"{address}\""));
        let folder = folder();
        folder.write("tollgate.toml", TOLLGATE.replace(&free, &used));
        let (code, said) = refusal(&folder);
        (code, said.replace(&address, "ADDRESS"))
    };

    let seen = ["[smtp.listener.main]", "[http]"].map(listen);

    let expected = ["smtp listener main", "http"].map(|who| {
        (Some(2), format!("tollgate: {who} cannot listen on ADDRESS: Address already in use (os error 98)\n"))
    });
    assert_eq!(seen, expected);
}

#[test]
fn a_spool_of_another_process_is_left_alone() {
    let sink = Sink::start(&[]);
    let first = Mta::start(&queues(sink.address, ""));
    let second = folder();
    second.write("tollgate.toml", TOLLGATE.replace("\"spool\"", &format!("{:?}", first.spool())));

    let (code, said) = refusal(&second);

    let said = said.replace(&first.spool().display().to_string(), "SPOOL").replace(&first.id().to_string(), "PID");
    let served = crate::kit::send(first.smtp(), &["a@example.com"], "Subject: x\r\n\r\n");
    sink.wait_for(1);
    assert_eq!(
        (code, said.as_str(), served),
        (Some(2), "tollgate: SPOOL/lock is locked by another process (pid PID)\n", vec!["250 2.0.0 OK".to_owned()])
    );
}

#[test]
fn a_spool_that_is_a_file_is_named() {
    let folder = folder();
    folder.write("spool", "");

    let seen = refusal(&folder);

    let expected = "tollgate: FOLDER/spool is not a directory\n";
    assert_eq!(seen, (Some(2), expected.to_owned()));
}

#[test]
fn a_spool_that_cannot_be_written_is_named() {
    let folder = folder();
    // A place where even root may not write.
    folder.write("tollgate.toml", TOLLGATE.replace("\"spool\"", "\"/proc/self/spool\""));

    let seen = refusal(&folder);

    let expected = "tollgate: /proc/self/spool: No such file or directory (os error 2)\n";
    assert_eq!(seen, (Some(2), expected.to_owned()));
}

#[test]
fn records_that_cannot_be_written_are_named() {
    let folder = folder();
    fs::write(folder.path().join("log"), "").unwrap();

    let seen = refusal(&folder);

    let expected = "tollgate: log records cannot be written to FOLDER/log: File exists (os error 17)\n";
    assert_eq!(seen, (Some(2), expected.to_owned()));
}

#[test]
fn a_component_that_is_none_is_named() {
    let text: &[u8] = b"not a component";
    let module: &[u8] = b"\0asm\x01\0\0\0";
    let cut: &[u8] = &HELLO[..HELLO.len() / 2];

    let seen = [None, Some(text), Some(module), Some(cut)].map(|octets| {
        let (code, said) = refusal(&with_plugin(octets));
        // Where exactly the cut one breaks depends on the compiler that made it.
        (code, said.split(": unexpected end").next().unwrap_or_default().to_owned())
    });

    let wrap = "a core WebAssembly module, not a component; wrap it (`wasm-tools component new`, or `tollgate-build`)";
    let mut expected =
        ["No such file or directory (os error 2)", "not a WebAssembly file", wrap, "not a valid component"]
            .map(no_plugin);
    expected[3].1 = expected[3].1.replace("\n    component = \"other.wasm\"\n    ^\n", "");
    assert_eq!(seen, expected);
}

#[test]
fn a_component_that_wants_more_than_is_offered_is_named() {
    // `(component (import "wasi:sockets/network@0.2.0" (instance)))`, as octets.
    let component =
        [b"\0asm\x0d\0\x01\0".as_slice(), b"\x07\x03\x01\x42\0", b"\x0a\x1f\x01\0\x1awasi:sockets/network@0.2.0\x05\0"]
            .concat();

    let seen = refusal(&with_plugin(Some(&component)));

    let expected = "the component was built for another host:\n    \
                    interface             needs  this host has\n    \
                    wasi:sockets/network  0.2.0  not offered\n    \
                    built with tools unknown";
    assert_eq!(seen, no_plugin(expected));
}

#[test]
fn a_configuration_that_is_not_there_is_named() {
    let folder = folder();
    fs::remove_file(folder.config()).unwrap();

    let seen = refusal(&folder);

    let expected = "tollgate: FOLDER/tollgate.toml: No such file or directory (os error 2)\n";
    assert_eq!(seen, (Some(2), expected.to_owned()));
}
