//! One instance after the other, and one that goes on.

use tollgate_policy::{Event as Kind, Plugin};
use tollgate_wasm::{Instances, WasmPlugin};

use super::{Named, Subject, given, handles, handles_any, verdict};
use crate::{ask::ask, report::Verdict};

/// How many events one plugin is asked.
const MANY: usize = 10_000;

/// After how many its memory is looked at.
const LOOKS: [usize; 4] = [1000, 4000, 7000, MANY];

/// A warm instance is replaced when it has three quarters of the memory that it may have. One that grows all the time has to last
/// for so many events at the least; one that takes what it needs in steps, as collectors of garbage do, may grow faster for a while.
const LAST: u64 = 20_000;

/// Asks the same of fresh and of warm instances, then of the warm ones once more, backwards: what one event leaves behind may
/// not change the answer to another. A plugin that was granted to remember may.
pub(super) fn same_answers(subject: &Subject) -> Verdict {
    let (fresh, warm) = match (subject.start(Instances::Fresh), subject.start(Instances::Warm)) {
        (Ok(fresh), Ok(warm)) => (fresh, warm),
        (Err(reason), _) | (_, Err(reason)) => return Verdict::Broken(vec![reason]),
    };
    // Without one, which `inspect` tells, fresh instances are configured each for itself, and the clause holds all the same.
    drop(fresh.take_snapshot());
    let events: Vec<Named> = given::all().into_iter().filter(|(_, event)| handles(&fresh, event)).collect();
    let answers = |plugin: &WasmPlugin, events: &mut dyn Iterator<Item = &Named>| {
        events.map(|(_, event)| ask(plugin, event).answer.map_err(|failure| failure.kind.word())).collect::<Vec<_>>()
    };
    let first = answers(&fresh, &mut events.iter());
    let second = answers(&warm, &mut events.iter());
    let mut problems = differing(&events, &first, &second, "a warm instance");
    if subject.component.grants() == Default::default() {
        let mut third = answers(&warm, &mut events.iter().rev());
        third.reverse();
        problems.extend(differing(&events, &first, &third, "a warm instance, after other events,"));
    }
    verdict(problems)
}

type Answered = Result<serde_json::Value, &'static str>;

fn differing(events: &[Named], fresh: &[Answered], other: &[Answered], who: &str) -> Vec<String> {
    let told = |answer: &Answered| match answer {
        Ok(answer) => answer.to_string(),
        Err(failure) => format!("failure: {failure}"),
    };
    let all = events.iter().zip(fresh.iter().zip(other));
    let differ = all.filter(|(_, (fresh, other))| fresh != other);
    differ
        .map(|((name, event), (fresh, other))| {
            let kind = event.kind().name();
            format!("{kind}, {name}: a fresh instance answers {}, {who} {}", told(fresh), told(other))
        })
        .collect()
}

pub(super) fn ten_thousand(subject: &Subject) -> Verdict {
    let plugin = match subject.start(Instances::Warm) {
        Ok(plugin) => plugin,
        Err(reason) => return Verdict::Broken(vec![reason]),
    };
    verdict(many(&plugin, MANY).into_iter().take(1).collect())
}

pub(super) fn steady_memory(subject: &Subject) -> Verdict {
    let plugin = match subject.start(Instances::Warm) {
        Ok(plugin) => plugin,
        Err(reason) => return Verdict::Broken(vec![reason]),
    };
    if !handles_any(&plugin, &Kind::ALL) {
        return Verdict::Skipped("it handles no event".to_owned());
    }
    let mut asked = 0;
    let seen = LOOKS.map(|look| {
        drop(many(&plugin, look - asked));
        asked = look;
        plugin.vitals().memory
    });
    let most = subject.setup.limits.memory as u64 / 4 * 3;
    let is_fast = |(from, to): (usize, usize)| {
        let growth = seen[to].saturating_sub(seen[from]) / (LOOKS[to] - LOOKS[from]) as u64;
        growth * LAST > most
    };
    let grows = [(0, 1), (1, 2), (2, 3)].into_iter().all(is_fast);
    let told = LOOKS.iter().zip(seen).map(|(look, memory)| format!("{memory} octets after {look} events"));
    verdict(grows.then(|| told.collect::<Vec<_>>().join(", ")).into_iter().collect())
}

/// Puts so many events to a plugin, one after the other; returns those that failed.
fn many(plugin: &WasmPlugin, count: usize) -> Vec<String> {
    let events: Vec<Named> = given::plain().into_iter().filter(|(_, event)| handles(plugin, event)).collect();
    let failed = events.iter().cycle().take(if events.is_empty() { 0 } else { count }).enumerate();
    failed
        .filter_map(|(n, (name, event))| {
            let failure = ask(plugin, event).answer.err()?;
            Some(format!(
                "event {} of {count}, {}, {name}: {}: {}",
                n + 1,
                event.kind().name(),
                failure.kind.word(),
                failure.detail
            ))
        })
        .collect()
}
