//! The hunt: mutate, check, keep what shows something new, make small what breaks.

use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::{
    Input, corpus,
    mutate::mutate,
    oracle::{Shape, Target},
};

/// Most inputs that are kept.
const KEPT: usize = 2000;
/// Most tries to make an input smaller.
const TRIES: usize = 2000;

/// When a hunt ends.
#[derive(Clone, Copy, Debug)]
pub enum Budget {
    /// After so many inputs.
    Inputs(u64),
    /// After this time.
    Time(Duration),
}

/// What a hunt came to.
#[derive(Debug)]
pub struct Report {
    /// How many inputs were tried.
    pub inputs: u64,
    /// How many of them showed something new.
    pub kept: usize,
    /// What was found, if anything: the hunt ends there.
    pub found: Option<Found>,
}

/// An input for which something does not hold.
#[derive(Debug)]
pub struct Found {
    /// What does not hold.
    pub fault: String,
    /// The input, made small.
    pub input: Input,
}

/// Hunts from a seed until the budget is used up or something is found. The files of the corpus come first, as they are.
#[must_use]
pub fn hunt(target: &Target, seed: u64, budget: Budget) -> Report {
    let (mut random, started) = (Rng::with_seed(seed), Instant::now());
    let (mut kept, mut seen, mut inputs) = (Vec::new(), Shape::new(), 0);
    let mut waiting = corpus::seeds();
    waiting.reverse();
    while !is_over(budget, inputs, started) {
        let from_corpus = waiting.pop();
        let is_seed = from_corpus.is_some();
        let input = from_corpus.unwrap_or_else(|| next(&kept, &mut random));
        inputs += 1;
        match target.check(&input) {
            Ok(shape) => {
                let is_new = !shape.is_subset(&seen);
                seen.extend(shape);
                if (is_seed || is_new) && kept.len() < KEPT {
                    kept.push(input);
                }
            }
            Err(fault) => {
                let input = smaller(input, |input| target.check(input).is_err());
                return Report { inputs, kept: kept.len(), found: Some(Found { fault, input }) };
            }
        }
    }
    Report { inputs, kept: kept.len(), found: None }
}

fn is_over(budget: Budget, inputs: u64, started: Instant) -> bool {
    match budget {
        Budget::Inputs(most) => inputs >= most,
        Budget::Time(most) => started.elapsed() >= most,
    }
}

fn next(kept: &[Input], random: &mut Rng) -> Input {
    let (one, other) = (&kept[random.usize(..kept.len())], &kept[random.usize(..kept.len())]);
    mutate(one, other, random)
}

/// Takes away files, then lines, then octets, halves first, as long as the rest still breaks.
fn smaller(mut input: Input, mut breaks: impl FnMut(&Input) -> bool) -> Input {
    let mut tries = 0;
    let mut try_it = |input: &Input| {
        tries += 1;
        tries <= TRIES && breaks(input)
    };
    let mut at = 0;
    while input.0.len() > 1 && at < input.0.len() {
        let mut without = input.clone();
        without.0.remove(at);
        if try_it(&without) { input = without } else { at += 1 }
    }
    for file in 0..input.0.len() {
        for split in [by_lines, by_octets] {
            let mut parts = split(&input.0[file].content);
            let mut size = parts.len().div_ceil(2);
            while size > 0 {
                let mut from = 0;
                while from < parts.len() {
                    let mut fewer = parts.clone();
                    fewer.drain(from..(from + size).min(parts.len()));
                    let mut without = input.clone();
                    without.0[file].content = fewer.concat();
                    if try_it(&without) { (input, parts) = (without, fewer) } else { from += size }
                }
                size /= 2;
            }
        }
    }
    input
}

fn by_lines(content: &[u8]) -> Vec<Vec<u8>> {
    content.split_inclusive(|octet| *octet == b'\n').map(<[u8]>::to_vec).collect()
}

fn by_octets(content: &[u8]) -> Vec<Vec<u8>> {
    content.iter().map(|octet| vec![*octet]).collect()
}
