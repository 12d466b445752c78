//! What plugins are asked before and after a message: answers come through, and what makes no sense is a failure.

use std::{sync::Arc, time::Duration};

use tollgate_message::{Address, MessageId, Meta, Origin, QueueName, Session, Timestamp};
use tollgate_policy::{
    Event, Events, Plugin,
    event::{
        egress::{PathOption, PathSettings, PathValue, PathWritten, Way},
        record::Batch,
        requeue::{Changes, Queued},
        smtp_session::{Credentials, OpenSession, Question},
    },
};
use tollgate_smtp::Reply;
use tollgate_testkit::guest;
use tollgate_wasm::{Compiler, Instances, Limits, Runtime, Setup, WasmPlugin};

fn gatekeeper() -> WasmPlugin {
    let runtime = Runtime::new(None, Compiler::Here).expect("an engine");
    let component = runtime.load(guest::GATEKEEPER).expect("a component");
    let limits = Limits { wall: Duration::from_secs(20), ..Limits::default() };
    let setup = Setup { name: "gate".to_owned(), limits, instances: Instances::Warm, ..Setup::default() };
    WasmPlugin::start(component, setup).expect("a plugin").0
}

fn session(peer: &str, ehlo: Option<&str>) -> Arc<OpenSession> {
    let session = Session {
        origin: Origin::Smtp,
        authz_id: None,
        may_relay: true,
        peer: Some(format!("{peer}:4711").parse().expect("an address")),
        local: None,
        ehlo_domain: ehlo.map(str::to_owned),
        hostname: "mta.example".to_owned(),
    };
    Arc::new(OpenSession { listener: "main".into(), session })
}

fn queued(recipient: &str) -> Arc<Queued> {
    let put_off = Reply::new(450, None, "not now").expect("a reply");
    Arc::new(Queued {
        id: MessageId::new(Timestamp::from_millis(1_000)),
        sender: None,
        put_off: vec![(Address::new(recipient), put_off)],
        queue: QueueName::parse("t@d.example"),
        attempts: 3,
        size: 7,
        due: Timestamp::from_millis(5_000),
        last_due: Timestamp::from_millis(9_000_000),
        meta: Meta::from([("tenant".to_owned(), "t".to_owned())]),
    })
}

#[test]
fn it_handles_what_it_exports() {
    let all = [Event::SmtpSession, Event::Egress, Event::Requeue, Event::Record];

    assert_eq!(gatekeeper().events(), all.into_iter().fold(Events::default(), Events::with));
}

#[test]
fn each_step_of_a_session_is_judged_with_what_is_known_by_then() {
    let plugin = gatekeeper();
    let rcpt = |local: &str| Question::Rcpt {
        sender: Some(Address::new("ann@client.example")),
        recipient: Address::new(format!("{local}@example.com")),
    };
    let bad = || Question::Ehlo("bad.example".to_owned());
    let cases = [
        (session("127.0.0.66", None), Question::Connect, "554 5.7.1 no service for you at main"),
        (session("127.0.0.67", None), Question::Connect, "trap"),
        (session("127.0.0.1", None), Question::Connect, "passes"),
        (session("127.0.0.1", None), bad(), "550 5.7.1 nobody may not be bad.example"),
        (session("127.0.0.1", Some("a.example")), bad(), "550 5.7.1 a.example may not be bad.example"),
        (session("127.0.0.1", Some("a.example")), Question::Mail(None), "passes"),
        (
            session("127.0.0.1", Some("a.example")),
            Question::Mail(Some(Address::new("x@spam.example"))),
            "550 5.7.1 a.example sends no mail of spam.example",
        ),
        (session("127.0.0.1", None), rcpt("nobody"), "550 5.1.1 ann writes to nobody"),
        (session("127.0.0.1", None), rcpt("slow"), "451 4.2.1 not now"),
        (session("127.0.0.1", None), rcpt("odd"), "nonsense"),
        (session("127.0.0.1", None), rcpt("bob"), "passes"),
    ];

    let told: Vec<String> = cases
        .iter()
        .map(|(session, question, _)| match plugin.smtp_session(session, question) {
            Ok(Ok(())) => "passes".to_owned(),
            Ok(Err(refusal)) => refusal.reply().to_string(),
            Err(failure) => failure.kind.word().to_owned(),
        })
        .collect();

    assert_eq!(told, cases.map(|(_, _, expected)| expected));
}

#[test]
fn credentials_prove_an_identity_or_are_refused_or_are_another_plugins_affair() {
    let (plugin, session) = (gatekeeper(), session("127.0.0.1", None));
    let told = [("greta", "lovage"), ("greta", "x"), ("odd", "x"), ("scott", "x")].map(|(authc, password)| {
        let (authz, authc, password) = ("list".to_owned(), authc.to_owned(), password.to_owned());
        match plugin.auth(&session, &Credentials { authz, authc, password }) {
            Ok(Ok(identity)) => format!("{identity:?}"),
            Ok(Err(refusal)) => refusal.reply().to_string(),
            Err(failure) => failure.kind.word().to_owned(),
        }
    });

    assert_eq!(told, ["Some(\"list\")", "535 5.7.8 wrong password", "nonsense", "None"]);
}

#[test]
fn pools_and_sources_come_back_as_they_were_made() {
    let plugin = gatekeeper();

    let pools = ["gate-pool", "odd-pool", "unknown"].map(|name| match plugin.egress_pool(name) {
        Ok(pool) => format!("{:?}", pool.map(|pool| (pool.sources().to_vec(), pool.ttl))),
        Err(failure) => failure.kind.word().to_owned(),
    });
    let source = plugin.egress_source("gate-1").expect("an answer").expect("a source");

    let expected = ["Some(([(\"gate-1\", 2), (\"ip-1\", 1)], 60s))", "unavailable", "None"];
    let address = source.source_address.map(|address| address.to_string());
    let told = (pools, address.as_deref(), source.ehlo_domain());
    assert_eq!(told, (expected.map(str::to_owned), Some("127.0.0.21"), Some("gate1.example")));
}

#[test]
fn a_path_is_laid_over_what_others_set() {
    let plugin = gatekeeper();
    let way = |source: &str| Way { domain: "d.example".into(), source: source.into(), site: "mx.d.example".to_owned() };
    let mut set = PathSettings::default();
    let written = PathWritten { value: Some(PathValue::Count(9)), origin: None, plugin: "other".into() };
    set.write(PathOption::ConnectionLimit, written).expect("a value");

    let told = [("gate-1", &PathSettings::default()), ("ip-1", &PathSettings::default()), ("gate-1", &set)].map(
        |(source, so_far)| plugin.egress_path(&way(source), so_far).expect("an answer").map(|path| path.to_string()),
    );

    let whole = "connection_limit=1 (gatekeeper:1) max_deliveries_per_connection=1 (gatekeeper:2)";
    assert_eq!(told, [Some(whole.to_owned()), None, None]);
}

#[test]
fn a_message_that_was_put_off_waits_as_the_plugin_has_it_and_a_failure_changes_nothing() {
    let plugin = gatekeeper();
    let ask = |local: &str| {
        let queued = queued(&format!("{local}@d.example"));
        match plugin.requeue(&queued, Changes::default()) {
            Ok(changes) => {
                let campaign = changes.get_meta(&queued, "campaign").unwrap_or("-").to_owned();
                format!("{campaign} {}", changes.not_before().map_or(0, Timestamp::as_millis))
            }
            Err(failure) => failure.kind.word().to_owned(),
        }
    };

    let told = ["u", "later", "elsewhere", "too-late", "stolen", "panic"].map(ask);

    assert_eq!(told, ["- 0", "- 1005000", "after-3-450 0", "unavailable", "unavailable", "trap"]);
}

#[test]
fn records_are_taken_or_lost() {
    let plugin = gatekeeper();
    let batch = |line: &str| Batch::from([line.to_owned()]);

    let told = ["{\"type\":\"Delivery\"}", "panic-record"]
        .map(|line| plugin.record(&batch(line)).map_err(|failure| failure.kind.word()));

    assert_eq!(told, [Ok(()), Err("trap")]);
}
