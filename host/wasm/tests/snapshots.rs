//! Plugins whose instances live for one event: with their configuration in memory, and as if it had been read each time.

use std::time::Duration;

use tollgate_message::QueueName;
use tollgate_policy::{Plugin, Settings};
use tollgate_testkit::guest;
use tollgate_wasm::{Compiler, ConfigFile, Instances, Limits, Runtime, Setup, WasmPlugin};

const QUEUES: &str = "[queue.default]\nmax_age = '3 days'\n[queue.'a.example']\nmax_age = '1 day'\n";

fn plugin(runtime: &Runtime, queues: &str, instances: Instances) -> WasmPlugin {
    let component = runtime.load(guest::QUEUE_HELPER).expect("a component");
    let files = vec![ConfigFile { name: "queues.toml".to_owned(), content: queues.as_bytes().to_vec() }];
    let limits = Limits { wall: Duration::from_secs(20), ..Limits::default() };
    WasmPlugin::start(component, Setup { name: "test".to_owned(), files, limits, instances, ..Setup::default() })
        .expect("a plugin")
        .0
}

fn settings(plugin: &WasmPlugin, queue: &str) -> Option<Settings> {
    plugin.queue_config(&QueueName::parse(queue), &Settings::default()).expect("an answer")
}

#[test]
fn a_plugin_answers_the_same_from_its_snapshot_as_configured_each_time_and_warm() {
    let runtime = Runtime::new(None, Compiler::Here).expect("an engine");
    let [with, without, warm] =
        [Instances::Fresh, Instances::Fresh, Instances::Warm].map(|instances| plugin(&runtime, QUEUES, instances));
    let before = ["a.example", "b.example"].map(|queue| settings(&without, queue));

    with.take_snapshot().expect("a snapshot");

    let after = ["a.example", "b.example", "a.example"].map(|queue| settings(&with, queue));
    let [a, b] = before;
    assert_eq!(after, [a.clone(), b.clone(), a.clone()]);
    assert_eq!(["a.example", "b.example"].map(|queue| settings(&warm, queue)), [a, b]);
}

#[test]
fn a_snapshot_belongs_to_one_configuration() {
    let runtime = Runtime::new(None, Compiler::Here).expect("an engine");
    let plugins =
        [QUEUES, "[queue.default]\nmax_age = '9 days'\n"].map(|queues| plugin(&runtime, queues, Instances::Fresh));
    plugins.iter().for_each(|plugin| plugin.take_snapshot().expect("a snapshot"));

    let ages = plugins.each_ref().map(|plugin| {
        settings(plugin, "b.example").and_then(|settings| settings.duration(&tollgate_policy::QueueOption::MaxAge))
    });

    assert_eq!(ages, [3, 9].map(|days| Some(Duration::from_secs(days * 86_400))));
}

#[test]
fn an_instance_that_lives_on_has_no_snapshot_in_common_with_one_that_does_not() {
    let runtime = Runtime::new(None, Compiler::Here).expect("an engine");
    let [fresh, warm] = [Instances::Fresh, Instances::Warm].map(|instances| plugin(&runtime, QUEUES, instances));

    fresh.take_snapshot().expect("a snapshot");

    assert_eq!([&fresh, &warm].map(|plugin| plugin.vitals().has_snapshot), [true, false]);
}

#[test]
fn a_plugin_without_configuration_has_no_use_for_a_snapshot() {
    let runtime = Runtime::new(None, Compiler::Here).expect("an engine");
    let hello = runtime.load(guest::HELLO).expect("a component");
    let setup = Setup {
        name: "hello".to_owned(),
        files: Vec::new(),
        limits: Limits::default(),
        instances: Instances::Fresh,
        ..Setup::default()
    };
    let hello = WasmPlugin::start(hello, setup).expect("a plugin").0;

    assert_eq!(hello.take_snapshot(), Err("the plugin has no use for one".to_owned()));
}
