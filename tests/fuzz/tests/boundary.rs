//! What guests hand to the host, and what they bring to be compiled.

use std::{collections::BTreeMap, env, time::Duration, time::Instant};

use arbitrary::{Arbitrary as _, Unstructured};
use fastrand::Rng;
use tollgate_fuzz::boundary::{Boundary, Way, body};
use tollgate_testkit::guest::HELLO;
use tollgate_wasm::{Compiler, Runtime};

/// Replays of the run that is part of every test run: some seconds.
const REPLAYS: u32 = 4000;

/// Replays from a seed while there is something to do; returns how often each outcome came.
fn replays(way: Way, seed: u64, mut goes_on: impl FnMut() -> bool) -> BTreeMap<&'static str, u32> {
    let (boundary, mut random, mut outcomes) = (Boundary::new(way), Rng::with_seed(seed), BTreeMap::new());
    while goes_on() {
        let body = body(way, &mut random);
        match boundary.replay(&body) {
            Ok(word) => *outcomes.entry(word).or_default() += 1,
            Err(fault) => panic!("seed {seed}: {fault}\n{}", body.escape_ascii()),
        }
    }
    outcomes
}

#[test]
fn the_host_stands_whatever_a_guest_calls_and_answers() {
    for (way, words) in
        [(Way::Whole, &["trap", "verdict"][..]), (Way::Brief, &["trap", "verdict", "nonsense", "reject"][..])]
    {
        let mut left = REPLAYS;
        let outcomes = replays(way, 1, || {
            left = left.saturating_sub(1);
            left > 0
        });

        // A run that ends at the first check of each call tries nothing.
        let common = words.iter().all(|word| outcomes.get(word).is_some_and(|count| *count > 50));
        assert!(common, "{way:?} {outcomes:?}");
    }
}

/// `make fuzz`: as long as `FUZZ_SECONDS` says, from `FUZZ_SEED`.
#[test]
#[ignore = "runs as long as it is told to"]
fn the_host_stands_for_long() {
    let number = |name: &str, default| env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (seed, time, started) =
        (number("FUZZ_SEED", 2), Duration::from_secs(number("FUZZ_SECONDS", 60)), Instant::now());

    for (way, until) in [(Way::Whole, time / 2), (Way::Brief, time)] {
        let outcomes = replays(way, seed, || started.elapsed() < until);
        eprintln!("seed {seed}, {way:?}: {outcomes:?}");
    }
}

#[test]
fn components_that_no_one_would_make_are_refused_or_taken_and_the_same_is_said_twice() {
    let runtime = Runtime::new(None, Compiler::Here).expect("an engine");
    let (mut random, mut refusals) = (Rng::with_seed(1), BTreeMap::<String, u32>::new());
    let said = |octets: &[u8]| runtime.load(octets).err().map_or_else(|| "taken".to_owned(), |error| error.to_string());

    for n in 0..600 {
        let octets = if n % 2 == 0 { made_up(&mut random) } else { damaged(&mut random) };
        let (once, twice) = (said(&octets), said(&octets));
        assert_eq!(once, twice, "{}", octets.escape_ascii());
        *refusals.entry(once.chars().take(30).collect()).or_default() += 1;
    }

    assert!(refusals.len() > 5, "too little was said: {refusals:?}");
}

/// Returns a component of random parts, valid most of the time.
fn made_up(random: &mut Rng) -> Vec<u8> {
    let octets: Vec<u8> = (0..random.usize(256..4096)).map(|_| random.u8(..)).collect();
    let component = wasm_smith::Component::arbitrary(&mut Unstructured::new(&octets));
    component.map(|component| component.to_bytes()).unwrap_or_default()
}

/// Returns a real component with some octets changed, most of them where its sections are told apart.
fn damaged(random: &mut Rng) -> Vec<u8> {
    let mut octets = HELLO.to_vec();
    for _ in 0..random.usize(1..6) {
        let within = if random.bool() { octets.len().min(600) } else { octets.len() };
        let at = random.usize(8..within);
        octets[at] = random.u8(..);
    }
    octets
}
