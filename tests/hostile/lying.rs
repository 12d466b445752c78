//! Attacks that hand the host what makes no sense.

use tollgate_hostile::bomb;
use tollgate_wasm::{Instances, Setup, WasmPlugin};

use crate::kit::{judge, judged, limits, load};

/// Fails as a trap, whatever the engine calls it.
fn traps(name: &str, word: &str) {
    let outcomes = judged(name);

    assert!(outcomes.iter().all(|told| told.starts_with("trap: ") && told.contains(word)), "{outcomes:?}");
}

#[test]
fn attack_23_a_handle_that_was_never_given_is_none() {
    traps("23-forged-handle", "handle");
}

#[test]
fn attack_23_a_handle_of_another_kind_is_none() {
    traps("23-handle-of-another-kind", "handle");
}

#[test]
fn attack_23_a_handle_that_was_let_go_is_none() {
    traps("23-stale-handle", "handle");
}

#[test]
fn attack_23_a_handle_cannot_be_kept() {
    traps("23-kept-handle", "borrow");
}

#[test]
fn attack_36_a_verdict_that_there_is_none_of_is_a_trap() {
    traps("36-unknown-verdict", "discriminant");
}

#[test]
fn attack_36_text_that_is_none_is_a_trap() {
    traps("36-text-that-is-none", "utf-8");
}

#[test]
fn attack_36_text_outside_of_memory_is_a_trap() {
    traps("36-text-elsewhere", "bounds");
}

#[test]
fn attack_36_an_answer_outside_of_memory_is_a_trap() {
    traps("36-answer-elsewhere", "");
}

#[test]
fn attack_39_names_of_functions_are_cut_and_cannot_pass_for_lines_of_a_log() {
    let component = load(&bomb::of_names()).expect("a component");
    let setup = Setup { name: "names".to_owned(), limits: limits(), instances: Instances::Fresh, ..Setup::default() };
    let plugin = WasmPlugin::start(component, setup).expect("a plugin").0;

    let told = judge(&plugin);

    let expected = format!("trap: wasm trap: wasm `unreachable` instruction executed; in {}", "long".repeat(20));
    assert!(told.starts_with(&expected) && told.len() < 400 && !told.contains(char::is_control), "{told}");
}
