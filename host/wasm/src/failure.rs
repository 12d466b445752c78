//! How a guest failed: which limit it met, or where it trapped and what it said before.
//!
//! The detail is one line for the operator's log. Names of functions are the guest's own words, so they are cut and cleaned
//! like everything else that it says.

use tollgate_policy::{Failure, FailureKind};
use wasmtime::{PoolConcurrencyLimitError, Store, Trap, WasmBacktrace, WasmCoreDump};

use crate::{
    instance::Maker,
    limits::OutOfTime,
    state::{HostCallsExhausted, HostState},
};

/// How many functions of the stack are named, and how long a name may be, in characters.
const FRAMES: usize = 8;
const NAME: usize = 80;

/// Says how a guest failed, in the words of the limit that it met or of its own panic. Leaves a core dump of a trap where
/// the operator wants one.
pub(crate) fn failure(store: &mut Store<HostState>, maker: &Maker, error: &wasmtime::Error) -> Failure {
    let (kind, detail) = classify(store.data(), error);
    if let (FailureKind::Trap, Some(dump)) = (kind, error.downcast_ref::<WasmCoreDump>()) {
        maker.dumps.keep(&maker.plugin, || dump.serialize(store, &maker.plugin));
    }
    Failure { plugin: maker.plugin.to_string(), kind, detail }
}

fn classify(state: &HostState, error: &wasmtime::Error) -> (FailureKind, String) {
    if let Some(refused) = &state.ceiling.refused {
        (FailureKind::Memory, refused.clone())
    } else if let Some(late) = error.downcast_ref::<OutOfTime>() {
        let kind = if matches!(late, OutOfTime::Wall(_)) { FailureKind::WallTime } else { FailureKind::Time };
        (kind, late.to_string())
    } else if let Some(calls) = error.downcast_ref::<HostCallsExhausted>() {
        (FailureKind::HostCalls, calls.to_string())
    } else if error.is::<PoolConcurrencyLimitError>() {
        (FailureKind::Unavailable, "as many instances as may be are busy".to_owned())
    } else {
        trap(state, error)
    }
}

fn trap(state: &HostState, error: &wasmtime::Error) -> (FailureKind, String) {
    let cause = error.root_cause().to_string();
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow | Trap::AllocationTooLarge) => (FailureKind::Memory, cause),
        Some(Trap::Interrupt) => (FailureKind::Time, cause),
        // The engine's own type for this is private; its words are all there is to tell it by.
        _ if cause.contains("fuel allocated for hostcalls") => {
            let limit = state.limits().host_call_bytes;
            (FailureKind::HostCalls, format!("more than {limit} octets in one call (limits.host_call_bytes)"))
        }
        _ => {
            let mut detail = state.panic_note().map_or(cause, |panic| format!("panicked: {panic}"));
            write_backtrace(&mut detail, error);
            (FailureKind::Trap, detail)
        }
    }
}

/// Writes where it happened, the innermost function first: `; in a < b < c`. What has no name is given by its number.
fn write_backtrace(detail: &mut String, error: &wasmtime::Error) {
    let frames = match (error.downcast_ref::<WasmBacktrace>(), error.downcast_ref::<WasmCoreDump>()) {
        (Some(trace), _) => trace.frames(),
        (None, Some(dump)) => dump.frames(),
        (None, None) => return,
    };
    for (n, frame) in frames.iter().take(FRAMES).enumerate() {
        let name = frame.func_name().map_or_else(|| format!("function {}", frame.func_index()), name);
        detail.push_str(if n == 0 { "; in " } else { " < " });
        detail.push_str(&name);
    }
}

/// Returns a function's name as its author wrote it, without what a compiler puts around it.
fn name(mangled: &str) -> String {
    let demangled = format!("{:#}", rustc_demangle::demangle(mangled));
    demangled.chars().map(|c| if c.is_control() { ' ' } else { c }).take(NAME).collect()
}
