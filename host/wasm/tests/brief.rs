//! Plugins that are told of messages in brief: what they are told, and what comes of what they say.

use std::{sync::Arc, time::Duration};

use tollgate_message::{Draft, Edits, QueueName, Session};
use tollgate_policy::{Event, Events, FailureKind, OptionValue, Plugin as _, QueueOption, Settings, Verdict};
use tollgate_testkit::{guest::CURT, received};
use tollgate_wasm::{Compiler, ConfigFile, Instances, Limits, Runtime, Setup, StartError, WasmPlugin};

fn start(questions: &str) -> Result<WasmPlugin, StartError> {
    let component = Runtime::new(None, Compiler::Here).expect("an engine").load(CURT).expect("a component");
    let limits = Limits { wall: Duration::from_secs(20), ..Limits::default() };
    let files = vec![ConfigFile { name: "questions".to_owned(), content: questions.as_bytes().to_vec() }];
    WasmPlugin::start(component, Setup { name: "curt".to_owned(), files, limits, ..Setup::default() })
        .map(|(plugin, _)| plugin)
}

/// Returns a message from a session that may relay, or may not.
fn draft(header: &str, may_relay: bool) -> Draft {
    let mut received = received(format!("{header}\r\nbody\r\n"));
    let session = Session { may_relay, authz_id: Some("user:scott".to_owned()), ..(*received.session).clone() };
    received.session = Arc::new(session);
    let mut draft = Draft::new(received);
    draft.edits.meta.insert("class".to_owned(), "bulk".to_owned());
    draft
}

/// Tells what came of a message, and which fields it has then.
fn told(questions: &str, draft: &Draft) -> (String, Vec<String>) {
    let plugin = start(questions).expect("a plugin");
    let fields = |edits: &Edits| edits.header.iter().map(|(name, _)| name.to_owned()).collect();
    match plugin.message_received(&draft.received, draft.edits.clone()) {
        Ok((edits, Ok(verdict))) => (format!("{verdict:?}"), fields(&edits)),
        Ok((edits, Err(refusal))) => (refusal.reply().to_string(), fields(&edits)),
        Err(failure) => (failure.to_string(), Vec::new()),
    }
}

#[test]
fn every_question_is_answered_in_its_place() {
    let questions = "header x-try\nmay-relay\nauthz-id\ndomain\ntake-header X-Tag\nheader X-Tag\ntake-schedule X-When\n\
        take-schedule X-Blank\ntake-schedule X-None\nmeta class\nmeta none";
    let header = "X-Try: =?utf-8?q?tell?=\r\nX-Tag:  one\r\nx-tag: two\r\nX-Blank: \r\n\
        X-When: {\"first_attempt\":\"2040-01-01T00:00:00Z\"}\r\n";

    let (told, fields) = told(questions, &draft(header, true));

    let answers = "tell, true, user:scott, example.com, one, none, true, false, false, bulk, none";
    assert_eq!((told, fields), (format!("550 5.0.0 {answers}"), vec!["X-Try".to_owned()]));
}

#[test]
fn who_may_not_relay_sets_no_schedule_and_the_field_goes_all_the_same() {
    let header = "X-Try: accept\r\nX-When: {\"first_attempt\":\"2040-01-01T00:00:00Z\"}\r\n";
    let draft = draft(header, false);
    let plugin = start("header X-Try\ntake-schedule X-When").expect("a plugin");

    let (edits, answer) = plugin.message_received(&draft.received, draft.edits.clone()).expect("an answer");

    let fields: Vec<_> = edits.header.iter().map(|(name, _)| name).collect();
    assert_eq!((answer, edits.schedule, fields), (Ok(Verdict::Accept), None, vec!["X-Try"]));
}

#[test]
fn a_schedule_that_cannot_be_used_refuses_and_the_plugin_is_not_asked() {
    let draft = draft("X-Try: panic\r\nX-When: tomorrow\r\n", true);

    let (told, _) = told("header X-Try\ntake-schedule X-When", &draft);

    let reply =
        "550 5.6.0 tomorrow from header X-When is not a valid Scheduling header: expected ident at line 1 column 2";
    assert_eq!(told, reply);
}

#[test]
fn what_a_sender_writes_at_length_is_measured_and_not_handed_over() {
    let draft = draft(&format!("X-Try: tell\r\nX-Large: {}\r\n", "x".repeat(70_000)), true);

    let (told, _) = told("header X-Try\nheader X-Large\nheader X-Try", &draft);

    assert_eq!(told, "550 5.0.0 tell, 70000 too long, tell");
}

#[test]
fn all_answers_together_are_what_may_cross_in_a_call() {
    let draft = draft(&format!("X-Try: tell\r\nX-Large: {}\r\n", "x".repeat(60_000)), true);

    let (told, _) = told(&format!("header X-Try\n{}header X-Try", "header X-Large\n".repeat(20)), &draft);

    let handed_over = (1 << 20) / 60_000;
    assert_eq!(
        (told.matches("60000 octets").count(), told.matches("60000 too long").count(), told.ends_with("tell")),
        (handed_over, 20 - handed_over, true)
    );
}

#[test]
fn edits_are_made_and_verdicts_come_through() {
    let wishes = ["add X-A: 1", "replace Subject: t", "remove Subject", "set tag: spring", "hold", "discard"];
    let plugin = start("header X-Try").expect("a plugin");
    let told = wishes.map(|wish| {
        let draft = draft(&format!("Subject: s\r\nX-Try: {wish}\r\n"), true);
        let (edits, answer) = plugin.message_received(&draft.received, draft.edits.clone()).expect("an answer");
        let value = |name| edits.header.values(name).next().map(tollgate_message::header::decode).unwrap_or_default();
        let tag = edits.meta.get("tag").cloned().unwrap_or_default();
        format!("{:?} A={} Subject={} tag={tag}", answer.expect("no refusal"), value("X-A"), value("Subject"))
    });

    assert_eq!(
        told,
        [
            "Accept A=1 Subject=s tag=",
            "Accept A= Subject=t tag=",
            "Accept A= Subject= tag=",
            "Accept A= Subject=s tag=spring",
            "Hold(\"told to\") A= Subject=s tag=",
            "Discard A= Subject=s tag=",
        ]
    );
}

#[test]
fn an_edit_that_may_not_be_made_and_a_refusal_that_is_none_are_nonsense() {
    let refused = |what| format!("plugin curt failed (nonsense): makes a change that is refused: PolicyError::{what}");
    for (wish, expected) in [
        ("add X-A: a\\r\\nBcc: b", refused("Invalid(\"a header value holds no CR, LF or NUL\")")),
        ("set : a", refused("Invalid(\"a metadata key is 1 to 255 octets of printable text\")")),
        ("flood", refused("TooLarge(65536)")),
        ("reject-with-250", "plugin curt failed (nonsense): 250 fine refuses nothing".to_owned()),
    ] {
        let (told, _) = told("header X-Try", &draft(&format!("X-Try: {wish}\r\n"), true));

        assert_eq!(told, expected, "{wish}");
    }
}

#[test]
fn questions_and_edits_count_as_calls_to_the_host() {
    let (told, _) = told("header X-Try", &draft("X-Try: edit-too-much\r\n", true));

    assert_eq!(told, "plugin curt failed (host-calls): more than 1000 calls to the host (limits.host_calls)");
}

#[test]
fn who_asks_too_much_does_not_start() {
    let failure = start(&"domain\n".repeat(65)).err().map(|error| error.to_string());

    let expected = "plugin curt failed (nonsense): asks 65 questions of every message, and 64 is the most";
    assert_eq!(failure.as_deref(), Some(expected));
}

#[test]
fn it_handles_the_events_of_those_that_are_shown_things_whole() {
    let plugin = start("domain").expect("a plugin");

    assert_eq!(plugin.events(), Events::default().with(Event::MessageReceived).with(Event::QueueConfig));
}

#[test]
fn a_panic_is_a_failure_as_everywhere() {
    let plugin = start("header X-Try").expect("a plugin");
    let draft = draft("X-Try: panic\r\n", true);

    let failure = plugin.message_received(&draft.received, draft.edits.clone()).expect_err("a failure");

    assert_eq!(failure.kind, FailureKind::Trap);
}

#[test]
fn of_a_panic_the_first_kibibyte_is_told_on_one_line() {
    let plugin = start("header X-Try").expect("a plugin");
    let draft = draft("X-Try: panic-at-length\r\n", true);

    let failure = plugin.message_received(&draft.received, draft.edits.clone()).expect_err("a failure");

    let told = failure.detail.split(';').next().unwrap_or_default();
    let expected = format!("panicked: {}", "ü ".repeat(341));
    assert_eq!((failure.kind, told), (FailureKind::Trap, expected.as_str()));
}

#[test]
fn instances_may_go_on_from_event_to_event() {
    let component = Runtime::new(None, Compiler::Here).expect("an engine").load(CURT).expect("a component");
    let setup = Setup { name: "curt".to_owned(), instances: Instances::Warm, ..Setup::default() };
    let (plugin, _) = WasmPlugin::start(component, setup).expect("a plugin");
    let draft = draft("X-Try: add X-A: 1\r\n", true);

    let answers: Vec<_> =
        (0..3).map(|_| plugin.message_received(&draft.received, draft.edits.clone()).expect("an answer").1).collect();

    assert_eq!(answers, [Ok(Verdict::Accept), Ok(Verdict::Accept), Ok(Verdict::Accept)]);
}

/// Tells what a plugin sets for the queue of a campaign: the age, where anything is set.
fn set(campaign: &str) -> String {
    let plugin = start("domain").expect("a plugin");
    let name = QueueName::new(Some(campaign), None, "example.com", None);
    match plugin.queue_config(&name, &Settings::default()) {
        Ok(None) => "passes".to_owned(),
        Ok(Some(settings)) => settings.get(&QueueOption::MaxRetryInterval).map(OptionValue::text).unwrap_or_default(),
        Err(failure) => failure.to_string(),
    }
}

#[test]
fn a_queue_is_set_up_passed_or_not_answered_for() {
    let told = ["no pause", "anything else", "pass", "error", "nothing", "set too much"].map(set);

    assert_eq!(
        told,
        [
            "1s",
            "",
            "passes",
            "plugin curt failed (unavailable): it has no answer about the queue error:@example.com: \
             PolicyError::Other(\"told to\")",
            "plugin curt failed (nonsense): sets for the queue nothing:@example.com what is refused: \
             PolicyError::Invalid(\"a rate's limit is at least 1\")",
            "plugin curt failed (host-calls): more than 1000 calls to the host (limits.host_calls)",
        ]
    );
}
