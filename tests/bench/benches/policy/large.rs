//! The stock plugin with a configuration of ten thousand tenants, beside the guide's: loading, and what events cost then.

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use criterion::{BatchSize, Criterion};
use tollgate_bench::{QUEUE_HELPER, QUEUES, large, median, round, tell};
use tollgate_message::{Draft, QueueName};
use tollgate_policy::{Plugin as _, Settings, Verdict};
use tollgate_wasm::{Compiler, Component, ConfigFile, Instances, Limits, Runtime, Setup, WasmPlugin};

use super::{draft_of, load, plugin};

/// A configuration with the mail that meets all of its levels.
struct Size {
    name: &'static str,
    text: String,
    tenant: &'static str,
    domain: &'static str,
}

impl Size {
    fn files(&self) -> Vec<ConfigFile> {
        vec![ConfigFile { name: "queues.toml".to_owned(), content: self.text.clone().into_bytes() }]
    }

    fn queue(&self) -> QueueName {
        QueueName::new(Some("welcome"), Some(self.tenant), self.domain, None)
    }
}

fn sizes() -> [Size; 2] {
    [
        Size { name: "small", text: QUEUES.to_owned(), tenant: "mytenant", domain: "gmail.com" },
        Size { name: "large", text: large::queues(), tenant: large::MET.0, domain: large::MET.1 },
    ]
}

pub(crate) fn large(criterion: &mut Criterion) {
    let runtime = Runtime::new(None, Compiler::Here).expect("an engine");
    let stock = load(&runtime, QUEUE_HELPER);
    let sizes = sizes();
    for size in &sizes {
        let warm = plugin(&stock, size.files(), Instances::Warm);
        let draft = draft_of(size.tenant, size.domain);
        // What is measured must be what it is taken for.
        assert_eq!(received(&warm, &draft), Ok(Verdict::Accept), "{}", size.name);
        criterion.bench_function(&format!("message_received/{}", size.name), |bencher| {
            let ask = |edits| warm.message_received(&draft.received, edits).expect("an answer");
            bencher.iter_batched(|| draft.edits.clone(), ask, BatchSize::SmallInput);
        });
        let (queue, so_far) = (size.queue(), Settings::default());
        criterion.bench_function(&format!("queue_config/{}", size.name), |bencher| {
            bencher.iter(|| warm.queue_config(black_box(&queue), &so_far).expect("settings"));
        });
    }
    let mut group = criterion.benchmark_group("load");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    for size in &sizes {
        group.bench_function(size.name, |bencher| {
            bencher.iter_batched(
                || size.files(),
                |files| plugin(&stock, files, Instances::Warm),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
    tell(&ratios(&stock, &sizes));
}

/// Returns how many times what the small one costs the large one costs, taken in turns since the machine is never quiet.
fn ratios(stock: &Arc<Component>, sizes: &[Size; 2]) -> serde_json::Value {
    let loads = sizes.each_ref().map(|size| timed(3, || plugin(stock, size.files(), Instances::Warm)));
    let plugins = sizes.each_ref().map(|size| plugin(stock, size.files(), Instances::Warm));
    let drafts = sizes.each_ref().map(|size| draft_of(size.tenant, size.domain));
    let (mut messages, mut queues) = (Vec::new(), Vec::new());
    for _ in 0..31 {
        let costs = [0, 1].map(|at| timed(200, || received(&plugins[at], &drafts[at])));
        messages.push(costs[1] / costs[0]);
        let costs = [0, 1].map(|at| timed(200, || plugins[at].queue_config(&sizes[at].queue(), &Settings::default())));
        queues.push(costs[1] / costs[0]);
    }
    serde_json::json!({
        "figure": "a configuration of 10,000 tenants and 1,000 destinations",
        "octets": sizes[1].text.len(),
        "load_ms": round(loads[1] * 1e3),
        "memory_mib": memory(stock, &sizes[1]),
        "message_received_over_small": round(median(&mut messages)),
        "queue_config_over_small": round(median(&mut queues)),
    })
}

/// Returns the seconds that each of some calls took, on the average.
fn timed<T>(calls: u32, mut call: impl FnMut() -> T) -> f64 {
    let started = Instant::now();
    for _ in 0..calls {
        black_box(call());
    }
    started.elapsed().as_secs_f64() / f64::from(calls)
}

fn received(plugin: &WasmPlugin, draft: &Draft) -> tollgate_policy::Answer {
    plugin.message_received(&draft.received, draft.edits.clone()).expect("an answer").1
}

/// Returns the least memory, in MiB, with which a configuration loads.
fn memory(stock: &Arc<Component>, size: &Size) -> usize {
    let loads_with = |mebibytes: usize| {
        let limits = Limits { init_memory: mebibytes << 20, wall: Duration::from_secs(20), ..Limits::default() };
        let setup = Setup {
            name: "bench".to_owned(),
            files: size.files(),
            limits,
            instances: Instances::Warm,
            ..Setup::default()
        };
        WasmPlugin::start(Arc::clone(stock), setup).is_ok()
    };
    let (mut refused, mut enough) = (1, 512);
    while enough - refused > 1 {
        let middle = usize::midpoint(refused, enough);
        if loads_with(middle) { enough = middle } else { refused = middle }
    }
    enough
}
