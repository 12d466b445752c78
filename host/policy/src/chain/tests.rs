use std::time::Duration;

use tollgate_message::{Envelope, MessageId, Origin, Received, Session, Timestamp, envelope::Address};
use tollgate_smtp::Reply;

use super::*;
use crate::{OptionValue, QueueOption, scripted::Scripted};

fn draft() -> Draft {
    let now = Timestamp::from_millis(1_000);
    let session = Session {
        origin: Origin::Smtp,
        authz_id: None,
        may_relay: true,
        peer: None,
        local: None,
        ehlo_domain: None,
        hostname: "mta.example".to_owned(),
    };
    let to = Address::new("u@example.com");
    let envelope = Envelope { sender: None, recipients: vec![to], smtputf8: false, eight_bit: false };
    Draft::new(Received {
        id: MessageId::new(now),
        at: now,
        envelope,
        session: Arc::new(session),
        content: "Subject: x\r\n\r\n".into(),
        size: 14,
    })
}

fn chain(links: Vec<(Scripted, Phase, OnFailure)>) -> Chain {
    let link = |(plugin, phase, on_failure)| Link::new(plugin, phase, on_failure);
    Chain::new(links.into_iter().map(link).collect(), Workers::start(1).unwrap())
}

fn marks(name: &'static str) -> Scripted {
    Scripted::new(name).on_message(move |_, edits| {
        let seen = edits.meta.entry("seen".to_owned()).or_default();
        seen.push_str(name);
        Ok(Ok(Verdict::Accept))
    })
}

fn fails_after_an_edit(name: &'static str) -> Scripted {
    Scripted::new(name).on_message(move |_, edits| {
        edits.meta.insert("seen".to_owned(), "half done".to_owned());
        Err(Failure { plugin: name.to_owned(), kind: FailureKind::Trap, detail: "scripted".to_owned() })
    })
}

fn words(decision: &Decision) -> Vec<(&str, &str)> {
    decision.trail.iter().map(|step| (step.plugin.as_str(), step.outcome)).collect()
}

#[tokio::test]
async fn plugins_are_asked_in_the_order_of_their_phases() {
    let chain = chain(vec![
        (marks("q"), Phase::Queue, OnFailure::Defer),
        (marks("a"), Phase::Received, OnFailure::Defer),
        (marks("b").on_worker(), Phase::Received, OnFailure::Defer),
    ]);
    let mut draft = draft();

    let decision = chain.message_received(&mut draft).await;

    assert_eq!((decision.outcome, draft.edits.meta["seen"].as_str()), (Outcome::Accept, "abq"));
}

#[tokio::test]
async fn a_refusal_ends_the_chain() {
    let refusal = Refusal::try_from(Reply::new(550, None, "no").unwrap()).unwrap();
    let answer = refusal.clone();
    let no = Scripted::new("no").on_message(move |_, _| Ok(Err(answer.clone())));
    let chain = chain(vec![(no, Phase::Received, OnFailure::Defer), (marks("q"), Phase::Queue, OnFailure::Defer)]);

    let decision = chain.message_received(&mut draft()).await;

    assert_eq!((words(&decision), &decision.outcome), (vec![("no", "reject")], &Outcome::Refuse(refusal)));
}

#[tokio::test]
async fn a_failure_defers_and_leaves_no_edit() {
    let chain = chain(vec![(fails_after_an_edit("f"), Phase::Received, OnFailure::Defer)]);
    let mut draft = draft();

    let decision = chain.message_received(&mut draft).await;

    let Outcome::Refuse(refusal) = &decision.outcome else { panic!("{decision:?}") };
    assert_eq!(
        (refusal.reply().to_string().as_str(), draft.edits.meta.len()),
        ("451 4.3.0 message processing failed", 0)
    );
}

#[tokio::test]
async fn a_failure_that_may_be_skipped_leaves_the_rest_of_the_chain_as_it_was() {
    let chain = chain(vec![
        (fails_after_an_edit("f"), Phase::Received, OnFailure::Skip),
        (marks("q"), Phase::Queue, OnFailure::Defer),
    ]);
    let mut draft = draft();

    let decision = chain.message_received(&mut draft).await;

    assert_eq!((words(&decision), draft.edits.meta["seen"].as_str()), (vec![("f", "trap"), ("q", "accept")], "q"));
}

#[tokio::test]
async fn settings_merge_in_the_order_of_the_chain_and_remember_what_they_replaced() {
    let sets = |name: &'static str, hours: u64| {
        Scripted::new(name).on_queue(move |_| {
            let mut settings = Settings::default();
            let value = OptionValue::Duration(Duration::from_secs(hours * 3600));
            settings.set(QueueOption::MaxAge, value, Some(format!("{name}.toml:1")), &Arc::from(name)).unwrap();
            Ok(Some(settings))
        })
    };
    let chain = chain(vec![
        (sets("late", 2), Phase::Queue, OnFailure::Defer),
        (sets("early", 1), Phase::Received, OnFailure::Defer),
    ]);

    let (settings, failures) = chain.queue_config(&QueueName::parse("d.com")).await;

    let told: Vec<(String, Vec<&str>)> = settings
        .iter()
        .map(|(option, written)| {
            (option.name().to_owned(), written.iter().filter_map(|written| written.origin.as_deref()).collect())
        })
        .collect();
    assert_eq!((told, failures), (vec![("max_age".to_owned(), vec!["early.toml:1", "late.toml:1"])], vec![]));
}

#[tokio::test]
async fn a_worker_outlives_a_panic() {
    let panics = Scripted::new("p").on_worker().on_message(|_, edits| {
        assert!(edits.meta.contains_key("calm"), "scripted");
        Ok(Ok(Verdict::Accept))
    });
    let chain = chain(vec![(panics, Phase::Received, OnFailure::Defer)]);
    let mut calm = draft();
    calm.edits.meta.insert("calm".to_owned(), String::new());

    let decisions = [chain.message_received(&mut draft()).await, chain.message_received(&mut calm).await];

    assert_eq!(decisions.map(|decision| decision.trail[0].outcome), ["unavailable", "accept"]);
}

#[tokio::test]
async fn a_plugin_that_keeps_failing_is_not_asked_and_its_failure_means_what_it_meant() {
    let asked = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let fails = Scripted::new("p").on_queue(move |_| {
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Err(Failure { plugin: "p".to_owned(), kind: FailureKind::Trap, detail: "scripted".to_owned() })
    });
    let chain = chain(vec![(fails, Phase::Queue, OnFailure::Defer)]);
    let mut kinds = Vec::new();

    for _ in 0..8 {
        kinds.extend(chain.queue_config(&QueueName::parse("d")).await.1.iter().map(|failure| failure.kind.word()));
    }

    let expected = [["trap"; 5].as_slice(), &["quarantined"; 3]].concat();
    assert_eq!((kinds, asked.load(std::sync::atomic::Ordering::Relaxed)), (expected, 5));
}

#[tokio::test]
async fn one_message_that_breaks_a_plugin_again_and_again_does_not_put_it_into_quarantine() {
    let chain = chain(vec![(fails_after_an_edit("p"), Phase::Received, OnFailure::Defer)]);
    let mut words = Vec::new();

    for _ in 0..8 {
        words.extend(chain.message_received(&mut draft()).await.trail.iter().map(|step| step.outcome));
    }

    assert_eq!(words, ["trap"; 8]);
}
