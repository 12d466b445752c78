//! What policy costs: the stock plugin warm and in a fresh instance, a plugin that does nearly nothing, and the chain alone.

#[path = "policy/bare.rs"]
mod bare;
#[path = "policy/large.rs"]
mod large;
#[path = "policy/lua.rs"]
mod lua;
#[path = "policy/side_by_side.rs"]
mod side_by_side;

use std::{hint::black_box, sync::Arc, time::Duration};

use bytes::Bytes;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use tollgate_bench::{QUEUE_HELPER, QUEUES};
use tollgate_message::{
    Draft, Envelope, MessageId, Origin, QueueName, Received, Session, Timestamp, envelope::Address,
};
use tollgate_policy::{Chain, Link, OnFailure, Phase, Plugin, Settings, Verdict, Workers, scripted::Scripted};
use tollgate_testkit::guest::HELLO;
use tollgate_wasm::{Compiler, Component, ConfigFile, Instances, Limits, Runtime, Setup, WasmPlugin};

/// Fifteen fields, of which the plugin reads three and removes three.
const HEADER: &str = "Return-Path: <news@source.example>\r\n\
    Received: from out.source.example (out.source.example [192.0.2.7])\r\n\
    \tby relay.source.example (Postfix) with ESMTPS id 4Yb1Zq0Wxyz\r\n\
    \tfor <u@gmail.com>; Mon, 24 Nov 2025 03:00:00 +0000 (UTC)\r\n\
    Date: Mon, 24 Nov 2025 03:00:00 +0000\r\n\
    From: News <news@source.example>\r\n\
    To: U <u@gmail.com>\r\n\
    Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= and news of this week\r\n\
    Message-ID: <20251124030000.12345@source.example>\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    Content-Transfer-Encoding: 8bit\r\n\
    List-Unsubscribe: <https://source.example/unsubscribe?u=12345>\r\n\
    List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\
    X-Schedule: {\"first_attempt\":\"2040-01-01T00:00:00Z\"}\r\n\
    X-Tenant: mytenant\r\n\
    X-Campaign: welcome-campaign\r\n";

fn draft() -> Draft {
    draft_of("mytenant", "gmail.com")
}

/// Returns a message of a tenant, in its campaign, to a domain.
fn draft_of(tenant: &str, domain: &str) -> Draft {
    let now = Timestamp::from_millis(1_764_000_000_000);
    let address = |text: &str| Address::new(text);
    let session = Session {
        origin: Origin::Smtp,
        authz_id: None,
        may_relay: true,
        peer: None,
        local: None,
        ehlo_domain: Some("out.source.example".to_owned()),
        hostname: "mta.example".to_owned(),
    };
    let header = HEADER.replace("mytenant", tenant);
    let content = Bytes::from(format!("{header}\r\n{}", "a line of text\r\n".repeat(64)));
    Draft::new(Received {
        id: MessageId::new(now),
        at: now,
        envelope: Envelope {
            sender: Some(address("news@source.example")),
            recipients: vec![address(&format!("u@{domain}"))],
            smtputf8: false,
            eight_bit: false,
        },
        session: Arc::new(session),
        size: content.len() as u64,
        content,
    })
}

fn plugin(component: &Arc<Component>, files: Vec<ConfigFile>, instances: Instances) -> WasmPlugin {
    // A neighbour that takes the processor must not end an event.
    let limits = Limits { wall: Duration::from_secs(20), ..Limits::default() };
    let setup = Setup { name: "bench".to_owned(), files, limits, instances, ..Setup::default() };
    let plugin = WasmPlugin::start(Arc::clone(component), setup).expect("a plugin that starts").0;
    drop(plugin.take_snapshot());
    plugin
}

fn files() -> Vec<ConfigFile> {
    vec![ConfigFile { name: "queues.toml".to_owned(), content: QUEUES.as_bytes().to_vec() }]
}

fn chain(plugin: impl Plugin + 'static) -> Chain {
    let link = Link::new(plugin, Phase::Queue, OnFailure::Defer);
    Chain::new(vec![link], Workers::start(1).expect("a thread"))
}

fn message_received(criterion: &mut Criterion) {
    let runtime = Runtime::new(None, Compiler::Here).expect("an engine");
    let (stock, hello) = (load(&runtime, QUEUE_HELPER), load(&runtime, HELLO));
    let plugins = [
        ("queue-helper warm", plugin(&stock, files(), Instances::Warm)),
        ("queue-helper fresh", plugin(&stock, files(), Instances::Fresh)),
        ("hello warm", plugin(&hello, Vec::new(), Instances::Warm)),
        ("hello fresh", plugin(&hello, Vec::new(), Instances::Fresh)),
    ];
    let mut group = criterion.benchmark_group("message-received");
    let draft = draft();
    for (name, plugin) in &plugins {
        let ask = |edits| plugin.message_received(&draft.received, edits).expect("an answer");
        // What is measured must be what it is taken for.
        assert_eq!(ask(draft.edits.clone()).1, Ok(Verdict::Accept), "{name}");
        group.bench_function(*name, |bencher| {
            bencher.iter_batched(|| draft.edits.clone(), ask, BatchSize::SmallInput);
        });
    }
    group.bench_function("what the host does for it", |bencher| {
        bencher.iter_batched(|| draft.edits.clone(), |edits| bare::judged(&draft, edits), BatchSize::SmallInput);
    });
    let lua = lua::Policy::new();
    let same = |edits: tollgate_message::Edits| (edits.meta, edits.schedule, edits.header.iter().count());
    let ours = plugins[0].1.message_received(&draft.received, draft.edits.clone()).expect("an answer").0;
    assert_eq!(lua.judge(&draft, draft.edits.clone()).map(same), Ok(same(ours)), "Lua does the same");
    group.bench_function("queue-helper in Lua", |bencher| {
        let ask = |edits| lua.judge(&draft, edits).expect("an answer");
        bencher.iter_batched(|| draft.edits.clone(), ask, BatchSize::SmallInput);
    });
    group.finish();
    side_by_side::side_by_side();
}

fn settings(criterion: &mut Criterion) {
    let runtime = Runtime::new(None, Compiler::Here).expect("an engine");
    let plugin = plugin(&load(&runtime, QUEUE_HELPER), files(), Instances::Warm);
    let (name, so_far) = (QueueName::parse("welcome-campaign:mytenant@gmail.com"), Settings::default());
    criterion.bench_function("get-queue-config warm", |bencher| {
        bencher.iter(|| plugin.queue_config(black_box(&name), &so_far).expect("settings"));
    });
    criterion.bench_function("throttles warm", |bencher| {
        bencher.iter(|| plugin.throttles(black_box(Some("mytenant")), Some("welcome-campaign")).expect("rates"));
    });
}

/// What is paid around a plugin: parsing the header once, and the chain once for each plugin.
fn around(criterion: &mut Criterion) {
    let waiting = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let scripted = || Scripted::new("scripted").on_message(|_, _| Ok(Ok(Verdict::Accept)));
    let received = draft().received;
    criterion.bench_function("header parsed", |bencher| {
        bencher.iter(|| tollgate_message::Header::parse(black_box(received.content.clone())));
    });
    for (name, chain) in
        [("chain, scripted inline", chain(scripted())), ("chain, scripted on a worker", chain(scripted().on_worker()))]
    {
        criterion.bench_function(name, |bencher| {
            let ask = |mut draft: Draft| waiting.block_on(chain.message_received(&mut draft));
            bencher.iter_batched(draft, ask, BatchSize::SmallInput);
        });
    }
}

fn load(runtime: &Runtime, octets: &[u8]) -> Arc<Component> {
    runtime.load(octets).expect("a component")
}

/// Short: the machine's noise is larger than what longer measuring would tell.
fn quick() -> Criterion {
    Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
}

criterion_group! { name = policy; config = quick(); targets = message_received, settings, around, large::large }
criterion_main!(policy);
