use std::time::Duration;

use tollgate_message::{Envelope, MessageId, Meta, Origin, Received, Session, Timestamp, envelope::Address};
use tollgate_smtp::Reply;

use super::*;
use crate::{
    FailureKind, OptionValue, QueueOption,
    event::{
        requeue::Queued,
        smtp_session::{OpenSession, Question},
    },
    scripted::Scripted,
    watch::{Called, Shadowed},
};

fn session() -> Session {
    Session {
        origin: Origin::Smtp,
        authz_id: None,
        may_relay: true,
        peer: None,
        local: None,
        ehlo_domain: None,
        hostname: "mta.example".to_owned(),
    }
}

fn draft() -> Draft {
    let now = Timestamp::from_millis(1_000);
    let session = session();
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

fn trap(name: &str) -> Failure {
    Failure { plugin: name.to_owned(), kind: FailureKind::Trap, detail: "scripted".to_owned() }
}

#[tokio::test]
async fn the_first_refusal_is_what_a_client_reads_and_a_tenant_is_not_asked() {
    let refuses = |name: &'static str, code: u16| {
        Scripted::new(name).on_session(move |question| match question {
            Question::Ehlo(domain) if domain == "bad.example" => {
                Ok(Err(Refusal::try_from(Reply::new(code, None, name).unwrap()).unwrap()))
            }
            Question::Mail(_) => Err(trap(name)),
            _ => Ok(Ok(())),
        })
    };
    let chain = chain(vec![
        (refuses("tenant", 550), Phase::Tenant, OnFailure::Defer),
        (refuses("second", 551).on_worker(), Phase::Received, OnFailure::Defer),
        (refuses("first", 450), Phase::Session, OnFailure::Skip),
    ]);
    let session = Arc::new(OpenSession { listener: "main".into(), session: session() });

    let mut told = Vec::new();
    for question in [Question::Ehlo("bad.example".to_owned()), Question::Mail(None), Question::Connect] {
        let (answer, trail) = chain.smtp_session(&session, &question).await;
        let answer = answer.map_or_else(|refusal| refusal.reply().to_string(), |()| "passes".to_owned());
        told.push((answer, trail.iter().map(|step| step.outcome).collect::<Vec<_>>()));
    }

    let expected = [
        ("450 first", vec!["defer"]),
        ("451 4.3.0 message processing failed", vec!["trap", "trap"]),
        ("passes", vec!["accept", "accept"]),
    ];
    assert_eq!(told, expected.map(|(answer, trail)| (answer.to_owned(), trail)));
}

#[tokio::test]
async fn one_client_that_breaks_a_plugin_again_and_again_does_not_put_it_into_quarantine() {
    let chain = chain(vec![(Scripted::new("p").on_session(|_| Err(trap("p"))), Phase::Session, OnFailure::Defer)]);
    let open = Arc::new(OpenSession { listener: "main".into(), session: session() });
    let mut words = Vec::new();

    for number in 0..8 {
        let (_, trail) = chain.smtp_session(&open, &Question::Ehlo(format!("client-{number}.example"))).await;
        words.extend(trail.iter().map(|step| step.outcome));
    }

    assert_eq!(words, ["trap"; 8]);
}

#[tokio::test]
async fn a_plugin_that_fails_changes_nothing_of_where_mail_waits() {
    let moves = |name: &'static str, fails: bool| {
        Scripted::new(name).on_requeue(move |queued, changes| {
            let campaign = changes.get_meta(queued, "campaign").unwrap_or_default().to_owned() + name;
            changes.set_meta("campaign", Some(campaign)).unwrap();
            if fails { Err(trap(name)) } else { Ok(()) }
        })
    };
    let chain = chain(vec![
        (moves("a", false), Phase::Received, OnFailure::Defer),
        (moves("b", true), Phase::Received, OnFailure::Defer),
        (moves("c", false), Phase::Received, OnFailure::Defer),
    ]);
    let queued = Queued {
        id: MessageId::from_bytes([1; 16]),
        sender: None,
        put_off: Vec::new(),
        queue: QueueName::parse("d.example"),
        attempts: 1,
        size: 1,
        due: Timestamp::from_millis(1),
        last_due: Timestamp::from_millis(9),
        meta: Meta::new(),
    };

    let (changes, trail) = chain.requeue(queued).await;

    let told: Vec<_> = trail.iter().map(|step| step.outcome).collect();
    let meta = changes.changed_meta(&Meta::new()).unwrap_or_default();
    assert_eq!((meta["campaign"].as_str(), told), ("ac", vec!["requeue", "trap", "requeue"]));
}

/// Hands on what is told.
struct Ear(std::sync::mpsc::Sender<Shadowed>);

impl Watch for Ear {
    fn called(&self, _: &Called<'_>) {}

    fn shadowed(&self, shadowed: &Shadowed) {
        self.0.send(shadowed.clone()).unwrap();
    }
}

/// Returns a chain of a holder, if there is one, and somebody who is tried in its place, with what is told of shadows.
fn rivals(holder: Option<Scripted>, rival: Scripted, mode: Mode) -> (Chain, std::sync::mpsc::Receiver<Shadowed>) {
    let (ear, told) = std::sync::mpsc::channel();
    let rival =
        Link { mode, instead_of: Some("old".to_owned()), ..Link::new(rival, Phase::Received, OnFailure::Defer) };
    let holder = holder.map(|holder| Link::new(holder, Phase::Received, OnFailure::Defer));
    let last = Link::new(marks("q"), Phase::Queue, OnFailure::Defer);
    let links = [rival, last].into_iter().chain(holder).collect();
    (Chain::new(links, Workers::start(1).unwrap()).watched(Arc::new(Ear(ear))), told)
}

fn difference(told: &std::sync::mpsc::Receiver<Shadowed>) -> Option<String> {
    told.recv_timeout(Duration::from_secs(60)).unwrap().difference
}

#[tokio::test]
async fn a_shadow_decides_nothing_and_what_it_would_have_done_is_told() {
    let refuses = || {
        Scripted::new("new").on_message(|_, edits| {
            edits.meta.insert("seen".to_owned(), "new".to_owned());
            Ok(Err(OnFailure::Reject.refusal().unwrap()))
        })
    };
    let (beside, told) = rivals(Some(marks("old")), refuses(), Mode::Shadow);
    let (alone, told_alone) = rivals(None, refuses(), Mode::Shadow);
    let mut drafts = [draft(), draft()];

    let decisions = [beside.message_received(&mut drafts[0]).await, alone.message_received(&mut drafts[1]).await];

    let seen = drafts.map(|draft| draft.edits.meta["seen"].clone());
    let words = decisions.each_ref().map(words);
    let rejects = Some("reject '550 5.3.0 message processing failed' instead of accept".to_owned());
    assert_eq!(words, [vec![("old", "accept"), ("q", "accept")], vec![("q", "accept")]]);
    assert_eq!(seen, ["oldq".to_owned(), "q".to_owned()]);
    assert_eq!([difference(&told), difference(&told_alone)], [rejects.clone(), rejects]);
}

#[tokio::test]
async fn a_shadow_that_edits_otherwise_fails_or_agrees_is_told_apart() {
    let edits = |name: &'static str| marks(name);
    let shadows = [edits("new"), edits("old"), fails_after_an_edit("new")];
    let mut told = Vec::new();

    for shadow in shadows {
        let (chain, ear) = rivals(Some(marks("old")), shadow, Mode::Shadow);
        chain.message_received(&mut draft()).await;
        told.push(difference(&ear));
    }

    let expected = [Some("metadata seen: 'new' instead of 'old'"), None, Some("plugin new failed (trap): scripted")];
    assert_eq!(told, expected.map(|text| text.map(str::to_owned)));
}

#[tokio::test]
async fn a_canary_decides_for_its_share_and_for_the_same_messages_again() {
    let (chain, _told) = rivals(Some(marks("old")), marks("new"), Mode::Canary(Share::new(2500).unwrap()));
    // Each time it comes a message has another id of ours.
    let received = |n: u32| {
        let content = format!("Message-ID: <{n}@client.example>\r\n\r\n").into();
        Draft::new(Received { content, ..Received::clone(&draft().received) })
    };
    let mut rounds = Vec::new();

    for _ in 0..2 {
        let mut seen = Vec::new();
        for mut draft in (0..400).map(received) {
            chain.message_received(&mut draft).await;
            seen.push(draft.edits.meta["seen"].clone());
        }
        rounds.push(seen);
    }

    let new = rounds[0].iter().filter(|seen| *seen == "newq").count();
    let old = rounds[0].iter().filter(|seen| *seen == "oldq").count();
    assert_eq!((new + old, rounds[0] == rounds[1]), (400, true));
    assert!((50..150).contains(&new), "{new} of 400");
}
