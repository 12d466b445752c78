//! The stock plugin and the same policy in Lua by turns: what the machine does meanwhile, it does to all of them.

use std::{hint::black_box, time::Instant};

use tollgate_bench::{median, round, tell};
use tollgate_policy::Plugin as _;
use tollgate_wasm::{Compiler, Instances, Runtime};

use super::{QUEUE_HELPER, draft, files, load, lua, plugin};

/// Events in a turn, and turns.
const EVENTS: u32 = 500;
const TURNS: usize = 300;

/// Prints the medians, in microseconds, and what Lua takes over what the plugin takes.
pub(crate) fn side_by_side() {
    let runtime = Runtime::new(None, Compiler::Here).expect("an engine");
    let stock = load(&runtime, QUEUE_HELPER);
    let [warm, fresh] = [Instances::Warm, Instances::Fresh].map(|instances| plugin(&stock, files(), instances));
    let (draft, lua) = (draft(), lua::Policy::new());
    let ask = |plugin: &tollgate_wasm::WasmPlugin| {
        drop(black_box(plugin.message_received(&draft.received, draft.edits.clone()).expect("an answer")));
    };
    let in_lua = || drop(black_box(lua.judge(&draft, draft.edits.clone()).expect("an answer")));
    let mut times: [Vec<f64>; 3] = Default::default();
    for _ in 0..TURNS {
        times[0].push(timed(|| ask(&warm)));
        times[1].push(timed(|| ask(&fresh)));
        times[2].push(timed(in_lua));
    }
    let [warm, fresh, lua] = times.map(|mut times| median(&mut times));
    tell(&serde_json::json!({
        "figure": "queue-helper and the same in Lua, by turns",
        "warm_us": round(warm), "fresh_us": round(fresh), "lua_us": round(lua),
        "lua_over_warm": round(lua / warm), "fresh_over_lua": round(fresh / lua),
    }));
}

/// Returns the microseconds of an event in a turn of them.
fn timed(event: impl Fn()) -> f64 {
    let started = Instant::now();
    (0..EVENTS).for_each(|_| event());
    started.elapsed().as_secs_f64() * 1e6 / f64::from(EVENTS)
}
