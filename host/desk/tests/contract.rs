//! The contract breaks where it should: for each clause there is a guest that breaks it, and the suite says so.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::sync::Arc;

use tollgate_capability::Grants;
use tollgate_desk::{
    contract::{self, Subject},
    report::{Entry, Verdict},
};
use tollgate_testkit::guest::{FAULTY, GATEKEEPER, HELLO, QUEUE_HELPER, TENANT_POOL};
use tollgate_wasm::{Compiler, Component, ConfigFile, Limits, Runtime, Setup};

fn component(octets: &[u8]) -> Arc<Component> {
    let runtime = Runtime::new(None, Compiler::Here).unwrap();
    runtime.load_granted(octets, &Limits::default(), Grants::default()).unwrap()
}

/// Runs the contract on a component with this file, and returns the clauses that are broken.
fn broken(component: &Arc<Component>, file: Option<(&str, &str)>) -> Vec<Entry> {
    let read = |(name, content): (&str, &str)| ConfigFile { name: name.to_owned(), content: content.into() };
    let files = file.map(read).into_iter().collect();
    // Tests run many at a time, and none of this is about the clock.
    let limits = Limits { wall: std::time::Duration::from_secs(20), ..Limits::default() };
    let setup = Setup { name: "guest".to_owned(), files, limits, ..Setup::default() };
    let suite = contract::run(&Subject { component: Arc::clone(component), setup }, |_| ());
    suite.entries.into_iter().filter(|entry| matches!(entry.verdict, Verdict::Broken(_))).collect()
}

#[test]
fn each_fault_breaks_its_clause_and_the_suite_says_what_was_seen() {
    let faulty = component(FAULTY);
    let faults = [
        ("refuses", "configures", "file:1"),
        ("panics-when-cut", "odd-files", "half of the file: plugin guest failed (trap): panicked: half of a file"),
        ("says-nothing-when-cut", "odd-files", "half of the file: refused, and nothing says why"),
        ("warns-when-cut", "odd-files", "half of the file: refused, and nothing says why"),
        ("points-nowhere-when-cut", "odd-files", "half of the file: a diagnostic is about line 999 of 1"),
        ("names-another-file-when-cut", "odd-files", "a diagnostic is about '/etc/passwd', which it was not given"),
        (
            "needs-a-subject",
            "absent-headers",
            "message-received, no Subject: trap: panicked: every message has a subject",
        ),
        (
            "needs-one-tenant",
            "absent-headers",
            "message-received, every field twice: trap: panicked: a tenant too many",
        ),
        ("needs-a-body", "bodies", "message-received, no body: trap: panicked: every message has a body"),
        ("reads-the-whole-body", "bodies", "50 MiB, of which 256 KiB are here: "),
        ("needs-text", "encodings", "message-received, Latin-1: trap: panicked: UTF-8"),
        (
            "needs-a-sender",
            "envelopes",
            "message-received, the null sender: trap: panicked: every message has a sender",
        ),
        ("copies-each-recipient", "envelopes", "a thousand recipients: host-calls: "),
        ("answers-nonsense", "absent-headers", "nonsense"),
        (
            "needs-a-tenant",
            "queues",
            "queue-config, the queue receiver.example: trap: panicked: every queue has a tenant",
        ),
        ("needs-a-campaign", "queues", "throttles, rates of Some(\"tenant\") and None: trap"),
        (
            "needs-a-recipient",
            "other-events",
            "record, a record with more in it: trap: panicked: every record has a recipient",
        ),
        ("remembers", "same-answers", "a warm instance {\"headers_added\":[]"),
        ("wears-out", "ten-thousand", "of 10000, message-received, a message without fields: trap: panicked: worn out"),
        ("leaks", "steady-memory", "octets after 1000 events"),
    ];
    for (fault, clause, seen) in faults {
        let file = format!("{fault} {} end", "#".repeat(100));

        let broken = broken(&faulty, Some(("file", &file)));

        let told = broken.iter().find(|entry| entry.name == clause).map(|entry| match &entry.verdict {
            Verdict::Broken(problems) => problems.join("\n"),
            _ => String::new(),
        });
        assert!(told.as_ref().is_some_and(|told| told.contains(seen)), "{fault}: {told:?}, of {broken:?}");
    }
}

#[test]
fn plugins_that_are_as_they_should_be_break_nothing() {
    let queues = include_str!("../../../plugins/queue-helper/queues.toml");
    let pools = include_str!("../../../plugins/examples/tenant-pool/pools.toml");
    let faultless = format!("none {} end", "#".repeat(100));

    let told = [
        broken(&component(HELLO), None),
        broken(&component(QUEUE_HELPER), Some(("queues.toml", queues))),
        broken(&component(FAULTY), Some(("file", &faultless))),
        broken(&component(GATEKEEPER), None),
        broken(&component(TENANT_POOL), Some(("pools.toml", pools))),
    ];

    assert!(told.iter().all(Vec::is_empty), "{told:?}");
}
