//! Attacks on whoever reads and compiles a component.

use std::time::Duration;

use tollgate_hostile::bomb;
use tollgate_testkit::guest;
use tollgate_wasm::{CompileError, Limits, LoadError};

use crate::kit::{limits, load, load_within, refusal, refusal_within};

#[test]
fn attack_1_a_function_that_compiles_for_minutes_is_given_up_in_a_process_of_its_own() {
    let limits = Limits { compile: Duration::from_secs(1), ..limits() };

    let error = load_within(&bomb::of_branches(40_000), &limits).err();

    assert!(matches!(error, Some(LoadError::Compile(CompileError::Time(_)))), "{error:?}");
}

#[test]
fn attack_2_instances_that_make_instances_are_counted_and_not_made() {
    let refused: Vec<String> = (3..=12).map(|levels| refusal(&bomb::of_instances(levels))).collect();

    let expected: Vec<String> = (3..=12)
        .map(|levels| {
            format!("it comes to 1{} core instances, and 128 is the limit (limits.core_instances)", "0".repeat(levels))
        })
        .collect();
    assert_eq!(refused, expected);
}

#[test]
fn attack_3_depth_and_types_without_end_are_refused() {
    let refused = [refusal(&bomb::of_depth(90)), refusal(&bomb::of_types(60))];

    assert_eq!(refused[0], "components are nested more than 16 deep");
    assert!(refused[1].starts_with("not a valid component: "), "{}", refused[1]);
}

#[test]
fn attack_4_size_is_looked_at_before_anything_else() {
    let limits = Limits { artifact: 1 << 20, ..limits() };

    let refused = [bomb::of_data(2 << 20), vec![0; 3 << 20]].map(|octets| refusal_within(&octets, &limits));

    assert!(
        refused.iter().all(|refusal| refusal.ends_with("and 1048576 is the limit (limits.artifact)")),
        "{refused:?}"
    );
}

#[test]
fn attack_4_more_functions_than_any_policy_has_are_refused() {
    assert_eq!(refusal(&bomb::of_functions(250_000)), "more than 200000 functions");
}

#[test]
fn attack_5_what_is_no_component_hurts_nobody_who_reads_it() {
    let whole = guest::HELLO;
    let cut: Vec<Vec<u8>> = (0..24).map(|part| whole[..whole.len() * part / 24].to_vec()).collect();
    let changed = (0..24).map(|place| {
        let mut octets = whole.to_vec();
        let place = 8 + place * (octets.len() - 8) / 24;
        octets[place] ^= 0xff;
        octets
    });

    let outcomes: Vec<bool> = cut.into_iter().chain(changed).map(|octets| load(&octets).is_ok()).collect();

    // A changed octet of data is another component; one that is cut is none.
    assert_eq!(outcomes[..24], [false; 24]);
}

#[test]
fn attack_11_a_thousand_instances_side_by_side_are_refused_when_they_are_brought() {
    let refused = refusal(&bomb::of_flat_instances(990));

    assert_eq!(refused, "it comes to 990 core instances, and 128 is the limit (limits.core_instances)");
}

#[test]
fn attack_31_compiled_code_is_never_taken_for_a_component() {
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = tollgate_wasm::Runtime::new(Some(folder.path()), tollgate_wasm::Compiler::Here).expect("an engine");
    runtime.load(guest::HELLO).expect("a component");
    let files = std::fs::read_dir(folder.path()).expect("a folder").flatten().map(|entry| entry.path());
    let code = files.filter(|path| path.extension().is_some_and(|kind| kind == "cwasm")).map(std::fs::read);
    let code = code.last().expect("compiled code").expect("a file");

    // With the seal that the cache puts in front of it, and without.
    let refused = [refusal(&code), refusal(&code[32..])];

    assert_eq!(refused, ["not a WebAssembly file"; 2]);
}

#[test]
fn attacks_33_and_37_what_is_not_offered_cannot_be_imported_from_inside_either() {
    let import = "(import \"wasi:filesystem/types@0.2.0\" (instance $fs (export \"f\" (func))))";
    let nested = format!(
        "(component {import} (component $c {import} (core module)) (instance (instantiate $c (with \"wasi:filesystem/types@0.2.0\" (instance $fs)))))"
    );

    let refused = refusal(&wat::parse_str(nested).expect("a component in text"));

    let expected = "the component was built for another host:\n    \
                    interface              needs  this host has\n    \
                    wasi:filesystem/types  0.2.0  not offered\n    \
                    built with tools unknown";
    assert_eq!(refused, expected);
}
