//! What plugins can do to the host and to a message: what they are asked to, and nothing else.

use std::{sync::Arc, time::Duration};

use tollgate_message::{Draft, QueueName, envelope::Address};
use tollgate_policy::{Event, Events, FailureKind, Plugin, QueueOption, Settings, Verdict};
use tollgate_testkit::{guest, received};
use tollgate_wasm::{Compiler, ConfigFile, Instances, Limits, LoadError, Runtime, Setup, StartError, WasmPlugin};

fn runtime() -> Runtime {
    Runtime::new(None, Compiler::Here).expect("an engine")
}

fn plugin(octets: &[u8], instances: Instances) -> WasmPlugin {
    let component = runtime().load(octets).expect("a component");
    // Time for a busy machine, and little memory, so that memory and not time is what an allocating guest runs out of.
    let limits = Limits { wall: Duration::from_secs(20), memory: 8 << 20, ..Limits::default() };
    WasmPlugin::start(
        component,
        Setup { name: "test".to_owned(), files: Vec::new(), limits, instances, ..Setup::default() },
    )
    .expect("a plugin")
    .0
}

fn draft(header: &str) -> Draft {
    let mut received = received(format!("{header}\r\nbody\r\n"));
    received.envelope.recipients.push(Address::new("v@example.com"));
    Draft::new(received)
}

/// Runs the rogue on one instruction and tells the outcome in words.
fn told(plugin: &WasmPlugin, instruction: &str) -> String {
    let draft = draft(&format!("Subject: s\r\nX-Do: {instruction}\r\n"));
    match plugin.message_received(&draft.received, draft.edits.clone()) {
        Ok((_, Ok(Verdict::Accept))) => "accept".to_owned(),
        Ok((_, Ok(other))) => format!("{other:?}"),
        Ok((_, Err(refusal))) => refusal.reply().to_string(),
        Err(failure) => failure.kind.word().to_owned(),
    }
}

fn fails_as(instruction: &str, kind: FailureKind, detail: &str) {
    let plugin = plugin(guest::ROGUE, Instances::Warm);
    let draft = draft(&format!("X-Do: {instruction}\r\n"));

    let failure = plugin.message_received(&draft.received, draft.edits.clone()).expect_err("a failure");

    assert!(failure.kind == kind && failure.detail.contains(detail), "{failure}");
}

#[test]
fn a_plugin_handles_the_events_that_it_exports() {
    let events = [guest::HELLO, guest::ROGUE].map(|octets| runtime().load(octets).expect("a component").events());

    let message = Events::default().with(Event::MessageReceived);
    assert_eq!(events, [message, message.with(Event::QueueConfig)]);
}

#[test]
fn hello_greets_in_a_header() {
    let draft = draft("Subject: hi\r\n");

    let (edits, answer) =
        plugin(guest::HELLO, Instances::Warm).message_received(&draft.received, draft.edits).expect("an answer");

    let greeting = edits.header.values("X-Hello").next().map(tollgate_message::header::decode);
    assert_eq!((answer, greeting.as_deref()), (Ok(Verdict::Accept), Some("to 2 recipient(s)")));
}

#[test]
fn verdicts_and_refusals_come_through() {
    let plugin = plugin(guest::ROGUE, Instances::Warm);

    let outcomes = ["accept", "discard", "hold", "reject"].map(|instruction| told(&plugin, instruction));

    assert_eq!(outcomes, ["accept", "Discard", "Hold(\"told to\")", "550 5.7.1 told to"]);
}

#[test]
fn a_refusal_that_refuses_nothing_is_nonsense() {
    let plugin = plugin(guest::ROGUE, Instances::Warm);

    let outcomes = ["reject with 250", "reject with another class"].map(|instruction| told(&plugin, instruction));

    assert_eq!(outcomes, ["nonsense", "nonsense"]);
}

#[test]
fn a_panic_is_a_failure_with_its_message_and_place() {
    fails_as("panic", FailureKind::Trap, "told to panic file=tests/guests/rogue/src/lib.rs line=");
}

#[test]
fn an_endless_loop_ends_and_names_the_knob() {
    fails_as("loop", FailureKind::Time, "limits.cpu");
}

#[test]
fn endless_recursion_ends() {
    fails_as("recurse", FailureKind::Memory, "stack");
}

#[test]
fn endless_allocation_ends_and_names_the_knob() {
    fails_as("allocate", FailureKind::Memory, "limits.memory");
}

#[test]
fn a_storm_of_host_calls_ends_and_names_the_knob() {
    fails_as("call", FailureKind::HostCalls, "limits.host_calls");
}

#[test]
fn an_answer_that_is_too_large_is_not_copied_and_names_the_knob() {
    fails_as("hand over", FailureKind::HostCalls, "limits.host_call_bytes");
}

#[test]
fn of_many_large_answers_at_once_a_guest_gets_what_may_cross_in_a_call() {
    let plugin = plugin(guest::ROGUE, Instances::Warm);
    let draft = draft(&format!("X-Large: {}\r\nX-Do: ask\r\n", "x".repeat(60_000)));

    let (_, answer) = plugin.message_received(&draft.received, draft.edits.clone()).expect("an answer");

    let told = answer.map_err(|refusal| refusal.reply().to_string());
    assert_eq!(told, Err(format!("550 5.0.0 {}", (1 << 20) / 60_000)));
}

#[test]
fn an_instance_that_is_larger_than_events_may_make_it_goes_on_from_event_to_event() {
    let component = runtime().load(guest::ROGUE).expect("a component");
    let limits = Limits { wall: Duration::from_secs(20), memory: 1 << 20, ..Limits::default() };
    let setup = Setup { name: "test".to_owned(), limits, instances: Instances::Warm, ..Setup::default() };
    let (plugin, _) = WasmPlugin::start(component, setup).expect("a plugin");

    let calls = ["count", "count"].map(|instruction| told(&plugin, instruction));

    assert_eq!(calls, ["550 5.0.0 1", "550 5.0.0 2"]);
}

#[test]
fn header_injection_and_header_floods_are_refused() {
    let plugin = plugin(guest::ROGUE, Instances::Warm);

    let outcomes = ["smuggle", "flood header"].map(|instruction| told(&plugin, instruction));

    let refused = |reason| format!("550 5.0.0 Err(PolicyError::{reason})");
    let expected =
        [refused("Invalid(\"a header value holds no CR, LF or NUL\")"), refused(&format!("TooLarge({})", 64 << 10))];
    assert_eq!(outcomes, expected);
}

#[test]
fn a_warm_instance_goes_on_until_it_fails() {
    let plugin = plugin(guest::ROGUE, Instances::Warm);

    let outcomes = ["count", "count", "panic", "count"].map(|instruction| told(&plugin, instruction));

    assert_eq!(outcomes, ["550 5.0.0 1", "550 5.0.0 2", "trap", "550 5.0.0 1"]);
}

#[test]
fn a_fresh_instance_remembers_nothing() {
    let plugin = plugin(guest::ROGUE, Instances::Fresh);

    let outcomes = ["count", "count", "count"].map(|instruction| told(&plugin, instruction));

    assert_eq!(outcomes, ["550 5.0.0 1", "550 5.0.0 1", "550 5.0.0 1"]);
}

#[test]
fn settings_come_back_with_their_origins() {
    let plugin = plugin(guest::ROGUE, Instances::Warm);

    let settings = plugin.queue_config(&QueueName::parse("t@d.example"), &Settings::default()).expect("an answer");

    let told: Vec<(String, String, Option<String>)> = settings
        .expect("settings")
        .iter()
        .map(|(option, written)| {
            (
                option.name().to_owned(),
                written[0].value.as_ref().map_or(String::new(), tollgate_policy::OptionValue::text),
                written[0].origin.clone(),
            )
        })
        .collect();
    assert_eq!(told, [("max_age".to_owned(), "1h".to_owned(), Some("rogue.toml:7".to_owned()))]);
}

#[test]
fn passing_is_no_answer_and_an_error_is_a_failure() {
    let plugin = plugin(guest::ROGUE, Instances::Warm);
    let ask = |name| plugin.queue_config(&QueueName::parse(name), &Settings::default());

    let answers = ["pass.example", "error.example", "short.example", "loop.example"].map(ask);

    let kinds = answers.map(|answer| answer.map(|settings| settings.is_some()).map_err(|failure| failure.kind));
    assert_eq!(
        kinds,
        [Ok(false), Err(FailureKind::Unavailable), Err(FailureKind::Unavailable), Err(FailureKind::Time)]
    );
}

#[test]
fn the_layers_before_can_be_read() {
    let plugin = plugin(guest::ROGUE, Instances::Warm);
    let mut so_far = Settings::default();
    let hour = tollgate_policy::OptionValue::Duration(Duration::from_secs(3600));
    so_far.set(QueueOption::MaxAge, hour, None, &Arc::from("other")).expect("a value");

    let answers =
        [&so_far, &Settings::default()].map(|so_far| plugin.queue_config(&QueueName::parse("same.example"), so_far));

    assert_eq!(answers.map(|answer| answer.expect("an answer").is_some()), [true, false]);
}

#[test]
fn configuration_is_refused_with_positions_or_fails_in_words() {
    let component = runtime().load(guest::ROGUE).expect("a component");
    let start = |content: &str| {
        let limits = Limits { init: Duration::from_millis(200), ..Limits::default() };
        let file = ConfigFile { name: "rogue.toml".to_owned(), content: content.as_bytes().to_vec() };
        let setup = Setup {
            name: "rogue".to_owned(),
            files: vec![file],
            limits,
            instances: Instances::Warm,
            ..Setup::default()
        };
        match WasmPlugin::start(Arc::clone(&component), setup) {
            Ok(_) => "started".to_owned(),
            Err(StartError::Configuration(refused)) => refused.findings[0].to_string(),
            Err(StartError::Failed(failure)) => failure.kind.word().to_owned(),
        }
    };

    let outcomes = ["fine", "refuse", "panic", "clock", "loop"].map(start);

    assert_eq!(outcomes, ["started", "rogue.toml:1:1 told to refuse", "trap", "trap", "time"]);
}

#[test]
fn what_is_no_component_is_refused_in_words() {
    let refused = |octets: &[u8]| runtime().load(octets).err().map(|error| error.to_string());

    let outcomes = [refused(b"hello"), refused(b"\0asm\x01\0\0\0"), refused(b"\0asm\x0d\0\x01\0\xff")];

    let words = ["not a WebAssembly file", "a core WebAssembly module", "not a valid component"];
    for (outcome, word) in outcomes.iter().zip(words) {
        assert!(outcome.as_deref().is_some_and(|text| text.starts_with(word)), "{outcome:?}");
    }
}

#[test]
fn an_import_that_is_not_offered_is_named() {
    // (component (type (instance)) (import "wasi:cli/environment@0.2.0" (instance (type 0))))
    let name = b"wasi:cli/environment@0.2.0";
    let mut import = vec![1, 0, name.len() as u8];
    import.extend(name);
    import.extend([5, 0]);
    let mut octets = b"\0asm\x0d\0\x01\0".to_vec();
    octets.extend([7, 3, 1, 0x42, 0]);
    octets.extend([10, import.len() as u8]);
    octets.extend(&import);

    let error = runtime().load(&octets).err();

    let Some(LoadError::Misfit(misfit)) = error else { panic!("{error:?}") };
    assert!(misfit.to_string().contains("wasi:cli/environment  0.2.0  not offered"), "{misfit}");
}

#[test]
fn compiled_code_is_kept_and_a_changed_file_is_not_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let load = || {
        let runtime = Runtime::new(Some(folder.path()), Compiler::Here).expect("an engine");
        runtime.load(guest::HELLO).expect("a component").digest()
    };
    let compiled = || {
        let files = std::fs::read_dir(folder.path()).expect("a folder").flatten().map(|entry| entry.path());
        files.filter(|path| path.extension().is_some_and(|ext| ext == "cwasm")).collect::<Vec<_>>()
    };
    load();
    let kept = compiled().pop().expect("compiled code");
    let sound = std::fs::read(&kept).expect("compiled code");
    let mut changed = sound.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    std::fs::write(&kept, changed).expect("write");

    load();

    assert_eq!((compiled().len(), std::fs::read(&kept).expect("compiled code").len()), (1, sound.len()));
    assert!(std::fs::read(&kept).expect("compiled code") == sound, "the changed file was made anew");
}
