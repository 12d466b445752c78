//! Attacks that take more of something than there is for them.

use std::time::Duration;

use tollgate_policy::Plugin;
use tollgate_wasm::{Instances, Limits, WasmPlugin};

use crate::kit::{MESSAGE, THROTTLES, judge, judged, limits, plugin, plugin_within, told};

#[test]
fn attack_9_memory_ends_and_the_error_names_the_knob() {
    assert_eq!(judged("09-grow-memory"), ["memory: more than 67108864 octets of memory (limits.memory)"; 2]);
}

#[test]
fn attack_9_a_component_that_starts_with_too_much_memory_does_not_start() {
    let reason = plugin("09-large-memory", MESSAGE, Instances::Fresh).err().expect("a refusal");

    assert!(reason.contains("memory"), "{reason}");
}

#[test]
fn attack_10_tables_end_and_the_error_names_the_knob() {
    assert_eq!(judged("10-grow-table"), ["memory: more than 20000 table elements (limits.table_elements)"; 2]);
}

#[test]
fn attack_12_an_answer_larger_than_may_cross_is_not_copied() {
    assert_eq!(
        judged("12-giant-text"),
        ["host-calls: more than 1048576 octets in one call (limits.host_call_bytes)"; 2]
    );
}

#[test]
fn attack_12_one_buffer_handed_over_many_times_counts_each_time() {
    let plugin = plugin("12-one-buffer-many-times", THROTTLES, Instances::Fresh).expect("a plugin");

    let failure = plugin.throttles(None, None).expect_err("a failure");

    assert_eq!(told(&failure), "host-calls: more than 1048576 octets in one call (limits.host_call_bytes)");
}

#[test]
fn attack_13_a_storm_of_calls_to_the_host_ends() {
    assert_eq!(judged("13-call-storm"), ["host-calls: more than 1000 calls to the host (limits.host_calls)"; 2]);
}

#[test]
fn attack_16_a_flood_of_long_lines_costs_no_more_than_its_budget() {
    // What reaches the log is told by the tests of the capability; here the guest gets through it and nobody else notices.
    assert_eq!(judged("16-log-flood"), ["accept"; 2]);
}

#[test]
fn attack_16_fields_that_are_one_piece_of_memory_count_each_time() {
    assert_eq!(judged("16-fields"), ["host-calls: more than 1048576 octets in one call (limits.host_call_bytes)"; 2]);
}

#[test]
fn attack_22_resources_that_are_never_let_go_end() {
    let outcomes = judged("22-handles");

    assert!(
        outcomes.iter().all(|told| told.starts_with("host-calls: ") || told.starts_with("memory: ")),
        "{outcomes:?}"
    );
}

/// Returns a plugin that fills megabytes, for which a busy machine may take longer than an event has.
fn canary(instances: Instances) -> WasmPlugin {
    let limits = Limits { cpu: Duration::from_secs(10), ..limits() };
    plugin_within("25-canary", MESSAGE, instances, limits).expect("a plugin")
}

#[test]
fn attack_25_nothing_is_found_of_what_another_instance_has_written() {
    let plugins: Vec<_> = (0..4).map(|n| canary(if n % 2 == 0 { Instances::Fresh } else { Instances::Warm })).collect();

    let first: Vec<String> = plugins.iter().map(judge).collect();
    let again: Vec<String> = (0..200).map(|n| judge(&plugins[n % 2 * 2])).collect();

    // Fresh instances take the slots of the pool in turn, warm ones keep theirs; the warm ones' own canary is theirs to find.
    assert_eq!((first, again), (vec!["accept".to_owned(); 4], vec!["accept".to_owned(); 200]));
}

#[test]
fn attack_40_idle_instances_of_many_plugins_make_room_for_one_that_is_busy() {
    let plugins: Vec<_> = (0..300).map(|_| canary(Instances::Warm)).collect();

    let outcomes: Vec<String> = plugins.iter().map(judge).collect();

    assert_eq!(outcomes, ["accept"; 300]);
}
