//! Attacks that run for ever, or until something gives.

use tollgate_policy::Plugin;
use tollgate_wasm::Instances;

use crate::kit::{MESSAGE, THROTTLES, judge, judged, plugin, told};

/// What a guest reads that ran for too long.
const CPU: &str = "time: more than 20ms of CPU time (limits.cpu)";

#[test]
fn attack_6_a_loop_ends() {
    assert_eq!(judged("06-loop"), [CPU; 2]);
}

#[test]
fn attack_7_a_loop_before_the_first_event_ends() {
    let reason = plugin("07-loop-in-start", MESSAGE, Instances::Fresh).err();

    assert!(reason.as_deref().is_some_and(|reason| reason.contains("of CPU time")), "{reason:?}");
}

#[test]
fn attack_7_a_loop_after_the_answer_ends_and_the_answer_does_not_count() {
    assert_eq!(judged("07-loop-in-post-return"), [CPU; 2]);
}

#[test]
fn attack_7_a_loop_while_arguments_are_handed_over_ends() {
    let plugin = plugin("07-loop-in-realloc", THROTTLES, Instances::Fresh).expect("a plugin");

    let failure = plugin.throttles(Some("tenant"), None).expect_err("a failure");

    assert_eq!(told(&failure), CPU);
}

#[test]
fn attack_8_recursion_ends_on_whatever_thread() {
    let here = judged("08-recursion");
    let small = std::thread::Builder::new().stack_size(2 << 20).spawn(|| judged("08-recursion"));
    let there = small.expect("a thread").join().expect("a thread that lives");

    let told = [here, there].concat();
    assert!(told.iter().all(|told| told.starts_with("memory: wasm trap: call stack exhausted")), "{told:?}");
}

#[test]
fn attack_15_instructions_that_nothing_interrupts_end_with_the_next_one() {
    assert_eq!(judged("15-bulk"), [CPU; 2]);
}

#[test]
fn attack_26_failing_again_and_again_opens_nothing() {
    let plugin = plugin("06-loop", MESSAGE, Instances::Warm).expect("a plugin");

    let outcomes: Vec<String> = (0..5).map(|_| judge(&plugin)).collect();

    assert_eq!(outcomes, [CPU; 5]);
}
