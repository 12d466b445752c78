//! The loader of the stock plugin, in the guest, against files that no one would write.

use std::{env, time::Duration};

use tollgate_fuzz::{
    Input,
    hunt::{Budget, Report, hunt},
    oracle::Target,
};
use tollgate_testkit::guest::{QUEUE_HELPER, ROGUE};

/// Inputs of the hunt that is part of every test run: some seconds.
const INPUTS: u64 = 1200;

/// Fails with what was found, ready to be put into the corpus.
fn assert_nothing_is_found(report: &Report, seed: u64) {
    let Some(found) = &report.found else { return };
    let files: String =
        found.input.0.iter().map(|file| format!("--- {}\n{}\n", file.name, file.content.escape_ascii())).collect();
    panic!("seed {seed}, input {}: {}\n{files}", report.inputs, found.fault);
}

#[test]
fn the_loader_stands_whatever_it_is_given() {
    let report = hunt(&Target::new(QUEUE_HELPER), 1, Budget::Inputs(INPUTS));

    assert_nothing_is_found(&report, 1);
    // A hunt that meets nothing new hunts nothing.
    assert!(report.kept > 50, "{} inputs showed something new", report.kept);
}

/// `make fuzz`: as long as `FUZZ_SECONDS` says, from `FUZZ_SEED`.
#[test]
#[ignore = "runs as long as it is told to"]
fn the_loader_stands_for_long() {
    let number = |name: &str, default| env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (seed, seconds) = (number("FUZZ_SEED", 2), number("FUZZ_SECONDS", 60));

    let report = hunt(&Target::new(QUEUE_HELPER), seed, Budget::Time(Duration::from_secs(seconds)));

    eprintln!("seed {seed}: {} inputs in {seconds} s, {} of them showed something new", report.inputs, report.kept);
    assert_nothing_is_found(&report, seed);
}

#[test]
fn a_guest_that_breaks_is_told_from_one_that_refuses() {
    let target = Target::new(ROGUE);

    let faults =
        ["fine", "refuse", "panic", "clock", "loop"].map(|content| target.check(&Input::one("f", content)).err());

    let starts = faults.map(|fault| fault.map(|fault| fault.split(':').next().unwrap_or_default().to_owned()));
    let fails = Some("fails to load".to_owned());
    assert_eq!(starts, [None, None, fails.clone(), fails.clone(), fails]);
}
