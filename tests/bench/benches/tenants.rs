//! Many tenants in one process: what a component costs in memory and descriptors, and what an event costs among them.
//!
//! A pair is a component and a configuration. There are a hundred components that differ, each with a hundred configurations.

use std::{
    fs,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use tollgate_bench::{round, tell};
use tollgate_message::Draft;
use tollgate_policy::Plugin as _;
use tollgate_testkit::{guest::TENANT_HEADER, received};
use tollgate_wasm::{Compiler, Component, ConfigFile, Instances, Limits, Pool, Runtime, Setup, WasmPlugin};

const CONFIGURATIONS: usize = 100;
/// Events that are measured at a time.
const EVENTS: u32 = 2000;

fn main() {
    for (name, pool) in
        [("with PAGEMAP_SCAN", Pool::default()), ("without PAGEMAP_SCAN", Pool { page_map: false, ..Pool::default() })]
    {
        let runtime = Runtime::with_pool(None, Compiler::Here, &pool).expect("an engine");
        for (components, configurations) in [(1, 1), (1, CONFIGURATIONS), (100, CONFIGURATIONS)] {
            measure(name, &runtime, components, configurations);
        }
    }
}

/// Starts the pairs, prints what they take, and what an event costs in one of them, on one thread and on two.
fn measure(name: &str, runtime: &Runtime, components: usize, configurations: usize) {
    let (memory, descriptors) = (resident(), open_descriptors());
    let components: Vec<_> = (0..components).map(|n| runtime.load(&distinct(n)).expect("a component")).collect();
    let compiled = resident();
    let pairs: Vec<WasmPlugin> =
        components.iter().flat_map(|component| (0..configurations).map(move |n| pair(component, n))).collect();
    let count = pairs.len();
    let each = |after: u64, before: u64, of: usize| after.saturating_sub(before) as f64 / of as f64;
    tell(&json!({
        "bench": "tenants", "pool": name, "components": components.len(), "pairs": count,
        "kib_per_component": round(each(compiled, memory, components.len()) / 1024.0),
        "kib_per_pair": round(each(resident(), compiled, count) / 1024.0),
        "descriptors_per_pair": each(open_descriptors(), descriptors, count),
    }));
    let busy = &pairs[count / 2];
    let configured = microseconds(busy);
    busy.take_snapshot().expect("a snapshot");
    let one = microseconds(busy);
    let two = thread::scope(|scope| {
        let threads = [0; 2].map(|_| scope.spawn(|| microseconds(busy)));
        threads.map(|thread| thread.join().expect("a measurement")).into_iter().fold(0.0, f64::max)
    });
    tell(&json!({
        "bench": "tenants", "pool": name, "pairs": count,
        "event_us_configured_each_time": round(configured), "event_us_from_a_snapshot": round(one),
        "event_us_on_each_of_two_threads": round(two), "two_threads_to_one": round(two / one),
    }));
}

/// Returns the example's component, different from all others by a section that says nothing.
fn distinct(number: usize) -> Vec<u8> {
    let text = number.to_string();
    let mut octets = TENANT_HEADER.to_vec();
    octets.extend([0, u8::try_from(text.len() + 2).expect("a short section"), 1, b'n']);
    octets.extend(text.as_bytes());
    octets
}

fn pair(component: &Arc<Component>, number: usize) -> WasmPlugin {
    let content = format!("header = 'X-Tenant'\n[tenant.'mytenant']\n[tenant.'tenant-{number}']\n").into_bytes();
    let files = vec![ConfigFile { name: "tenants.toml".to_owned(), content }];
    let limits = Limits { wall: Duration::from_secs(20), ..Limits::default() };
    let setup =
        Setup { name: format!("tenant-{number}"), files, limits, instances: Instances::Fresh, ..Setup::default() };
    WasmPlugin::start(Arc::clone(component), setup).expect("a plugin").0
}

fn microseconds(plugin: &WasmPlugin) -> f64 {
    let draft = draft();
    let started = Instant::now();
    for _ in 0..EVENTS {
        plugin.message_received(&draft.received, draft.edits.clone()).expect("an answer").1.expect("accepted");
    }
    started.elapsed().as_secs_f64() * 1e6 / f64::from(EVENTS)
}

fn draft() -> Draft {
    Draft::new(received("X-Tenant: mytenant\r\nSubject: s\r\n\r\nbody\r\n"))
}

/// Returns how many octets of this process are in memory.
fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0);
    pages * 4096
}

fn open_descriptors() -> u64 {
    fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count() as u64)
}
