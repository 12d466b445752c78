//! What plugins keep in the host between events: counters that were granted, and numbers that they show.

use tollgate_capability::{Capability, Grants};
use tollgate_message::Draft;
use tollgate_policy::{Metric, Plugin};
use tollgate_testkit::{guest, received};
use tollgate_wasm::{Compiler, ConfigFile, Instances, Limits, LoadError, Runtime, Setup, WasmPlugin};

fn runtime() -> Runtime {
    Runtime::new(None, Compiler::Here).expect("an engine")
}

fn limits() -> Limits {
    Limits { wall: std::time::Duration::from_secs(20), ..Limits::default() }
}

/// A plugin that was granted `counters` and declares counters of these names.
fn plugin(runtime: &Runtime, name: &str, declares: &str, limits: Limits) -> WasmPlugin {
    let grants = Grants::default().with(Capability::Counters);
    let component = runtime.load_granted(guest::KEEPER, &limits, grants).expect("a component");
    let files = vec![ConfigFile { name: "names".to_owned(), content: declares.as_bytes().to_vec() }];
    let setup = Setup { name: name.to_owned(), files, limits, instances: Instances::Fresh, ..Setup::default() };
    WasmPlugin::start(component, setup).expect("a plugin").0
}

/// Has the plugin do something, and returns what the host answered it.
fn told(plugin: &WasmPlugin, wish: &str) -> String {
    let draft = Draft::new(received(format!("X-Do: {wish}\r\n\r\nbody\r\n")));
    match plugin.message_received(&draft.received, draft.edits) {
        Ok((_, Ok(verdict))) => format!("{verdict:?}"),
        Ok((_, Err(refusal))) => refusal.reply().text().to_owned(),
        Err(failure) => failure.to_string(),
    }
}

#[test]
fn counters_outlive_the_instance_that_counts() {
    let plugin = plugin(&runtime(), "keeper", "", limits());

    let answers = ["count a", "count a", "count b", "read a", "age a", "age c", "forget a", "forget a", "read a"]
        .map(|wish| told(&plugin, wish));

    assert_eq!(answers, ["1", "2", "1", "2", "true", "false", "true", "false", "0"]);
}

#[test]
fn instances_of_a_snapshot_count_together_with_those_before_it() {
    let plugin = plugin(&runtime(), "keeper", "seen\n", limits());
    let before = [told(&plugin, "count a"), told(&plugin, "show seen")];

    plugin.take_snapshot().expect("a snapshot");

    let after = [told(&plugin, "count a"), told(&plugin, "show seen"), told(&plugin, "declared")];
    let shown: Vec<u64> = plugin.metrics().into_iter().map(|metric| metric.value).collect();
    assert_eq!((before, after), (["1", "()"].map(str::to_owned), ["2", "()", "()"].map(str::to_owned)));
    assert_eq!(shown, [2]);
}

#[test]
fn each_plugin_counts_for_itself_and_goes_on_when_it_is_loaded_anew() {
    let runtime = runtime();
    let [one, other] = ["one", "other"].map(|name| plugin(&runtime, name, "seen\n", limits()));
    let first = [&one, &other, &one].map(|plugin| told(plugin, "count a") + &told(plugin, "show seen"));

    let anew = plugin(&runtime, "one", "seen\n", limits());
    drop(one);

    let then = [&anew, &other].map(|plugin| told(plugin, "count a"));
    let shown = [&anew, &other].map(|plugin| plugin.metrics()[0].value);
    assert_eq!((first, then), (["1()", "1()", "2()"].map(str::to_owned), ["3", "2"].map(str::to_owned)));
    assert_eq!(shown, [2, 1]);
}

#[test]
fn a_plugin_keeps_no_more_counters_than_it_may() {
    let plugin = plugin(&runtime(), "keeper", "", Limits { counters: 100, ..limits() });

    let answers = ["count a", "flood k", "read a", "read k799", "read k899"].map(|wish| told(&plugin, wish));

    assert_eq!(answers, ["1", "1", "0", "0", "1"]);
}

#[test]
fn what_was_not_granted_is_refused_before_it_is_linked() {
    let Err(LoadError::Misfit(misfit)) = runtime().load(guest::KEEPER) else { panic!("loaded") };

    let told = misfit.to_string();

    let line = "tollgate:policy/counters  0.1.0  not granted; write grants = [\"counters\"] in its section";
    assert!(told.starts_with("the component wants what was not granted:") && told.contains(line), "{told}");
}

#[test]
fn numbers_are_shown_as_they_were_declared() {
    let plugin = plugin(&runtime(), "keeper", "seen\nmissed\n", limits());

    let answers = ["show seen", "show seen", "show made_up", "declare made_up"].map(|wish| told(&plugin, wish));

    let metric =
        |name: &str, value| Metric { name: name.to_owned(), help: "what a message told it to".to_owned(), value };
    let denied = [
        "PolicyError::Denied(\"'made_up' is not declared; declare it while the plugin is configured\")",
        "PolicyError::Denied(\"counters are declared while the plugin is configured\")",
    ];
    assert_eq!(answers, ["()", "()", denied[0], denied[1]]);
    assert_eq!(plugin.metrics(), [metric("missed", 0), metric("seen", 2)]);
}

#[test]
fn attack_17_names_without_end_come_to_the_thirty_two_that_may_be() {
    let names: String = (0..50_000).map(|n| format!("n{n}\n")).collect();

    let plugin = plugin(&runtime(), "keeper", &names, limits());

    assert_eq!((told(&plugin, "declared"), plugin.metrics().len()), ("PolicyError::TooLarge(32)".to_owned(), 32));
}
