//! An event, put to a plugin; and its answer as JSON.
//!
//! Of a message: `verdict`, with `reply` or `hold`, `headers_added` and `headers_removed`, `meta` as it is afterwards, and
//! `schedule` where there is one. Of a queue: `settings`, or `pass`. Of rates: `throttles`. Of a session: `verdict`, of
//! credentials also `identity`. Of egress: `pool`, `source`, `path`, or `pass`. Of mail that was put off: `delay_until` and
//! `meta`. Of records: `taken`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};
use tollgate_message::{Edits, QueueName};
use tollgate_policy::{
    Answer, Failure, OptionValue, Plugin, Refusal, Scope, Settings, Verdict,
    event::{
        egress::{PathOption, PathSettings, PoolAnswer, SourceAnswer},
        requeue::{Changes, Queued},
    },
};

use crate::event::{Asked, Egress, Event};

/// What became of an event.
#[derive(Debug)]
pub struct Outcome {
    /// What the plugin answered; a failure where there is no usable answer.
    pub answer: Result<Value, Failure>,
    /// How long it took.
    pub took: Duration,
    /// How often it called the host.
    pub host_calls: u64,
    /// Octets of memory of the largest instance that there was by then.
    pub memory: u64,
}

/// Puts an event to a plugin that handles it.
#[must_use]
pub fn ask(plugin: &dyn Plugin, event: &Event) -> Outcome {
    let (before, started) = (plugin.vitals().host_calls, Instant::now());
    let answer = answer(plugin, event);
    let (took, vitals) = (started.elapsed(), plugin.vitals());
    Outcome { answer, took, host_calls: vitals.host_calls - before, memory: vitals.memory }
}

fn answer(plugin: &dyn Plugin, event: &Event) -> Result<Value, Failure> {
    match event {
        Event::Message(draft) => {
            let (after, answer) = plugin.message_received(&draft.received, draft.edits.clone())?;
            Ok(judged(&draft.edits, &after, &answer))
        }
        Event::QueueConfig(name, so_far) => Ok(settings(plugin.queue_config(name, so_far)?.as_ref())),
        Event::Throttles(tenant, campaign) => {
            let throttles = plugin.throttles(tenant.as_deref(), campaign.as_deref())?;
            let throttle = |throttle: &tollgate_policy::Throttle| {
                let scope = if throttle.scope == Scope::Tenant { "tenant" } else { "tenant-campaign" };
                json!({ "scope": scope, "key": throttle.key, "rate": throttle.rate.to_string() })
            };
            Ok(json!({ "throttles": throttles.iter().map(throttle).collect::<Vec<_>>() }))
        }
        Event::Session(session, Asked::Step(question)) => {
            Ok(plugin.smtp_session(session, question)?.map_or_else(|refusal| refused(&refusal), |()| accepted()))
        }
        Event::Session(session, Asked::Auth(credentials)) => {
            let identified = plugin.auth(session, credentials)?;
            Ok(identified.map_or_else(
                |refusal| refused(&refusal),
                |identity| json!({ "verdict": "accept", "identity": identity }),
            ))
        }
        Event::Egress(asked) => egress(plugin, asked),
        Event::Requeue(queued) => Ok(changes(queued, &plugin.requeue(queued, Changes::default())?)),
        Event::Record(records) => plugin.record(&Arc::clone(records)).map(|()| json!({ "taken": records.len() })),
    }
}

fn accepted() -> Value {
    json!({ "verdict": "accept" })
}

fn refused(refusal: &Refusal) -> Value {
    json!({ "verdict": refusal.word(), "reply": refusal.reply().to_string() })
}

fn judged(before: &Edits, after: &Edits, answer: &Answer) -> Value {
    let mut told = match answer {
        Ok(Verdict::Accept) => accepted(),
        Ok(Verdict::Discard) => json!({ "verdict": "discard" }),
        Ok(Verdict::Hold(reason)) => json!({ "verdict": "hold", "hold": reason }),
        Err(refusal) => refused(refusal),
    };
    let (removed, added) = changed(lines(before), lines(after));
    told["headers_removed"] = removed.into();
    told["headers_added"] = added.into();
    told["meta"] = json!(after.meta);
    if let Some(schedule) = &after.schedule {
        told["schedule"] = json!(schedule);
    }
    told
}

fn lines(edits: &Edits) -> Vec<String> {
    let line = |(name, value): (&str, &[u8])| format!("{name}: {}", String::from_utf8_lossy(value).trim());
    edits.header.iter().map(line).collect()
}

/// Returns the lines that are gone and those that have come; one that is there twice counts twice.
fn changed(before: Vec<String>, mut after: Vec<String>) -> (Vec<String>, Vec<String>) {
    let stays = |line: &String| match after.iter().position(|other| other == line) {
        Some(at) => {
            after.remove(at);
            false
        }
        None => true,
    };
    let removed = before.into_iter().filter(stays).collect();
    (removed, after)
}

fn pass() -> Value {
    json!({ "pass": true })
}

fn settings(settings: Option<&Settings>) -> Value {
    let Some(settings) = settings else { return pass() };
    let set = settings.iter().filter_map(|(option, written)| {
        let last = written.last()?;
        Some((option.name().to_owned(), last.value.as_ref().map_or(Value::Null, OptionValue::json)))
    });
    json!({ "settings": set.collect::<Map<_, _>>() })
}

fn egress(plugin: &dyn Plugin, asked: &Egress) -> Result<Value, Failure> {
    Ok(match asked {
        Egress::Pool(name) => plugin.egress_pool(name)?.as_ref().map_or_else(pass, pool),
        Egress::Source(name) => plugin.egress_source(name)?.as_ref().map_or_else(pass, source),
        Egress::Path(way) => plugin.egress_path(way, &PathSettings::default())?.as_ref().map_or_else(pass, path),
    })
}

fn pool(pool: &PoolAnswer) -> Value {
    let sources = pool.sources().iter().map(|(name, weight)| json!({ "source": name, "weight": weight }));
    json!({ "pool": sources.collect::<Vec<_>>(), "ttl_s": pool.ttl.as_secs() })
}

fn source(source: &SourceAnswer) -> Value {
    let address = source.source_address.map(|address| address.to_string());
    json!({ "source": { "source_address": address, "ehlo_domain": source.ehlo_domain() }, "ttl_s": source.ttl.as_secs() })
}

fn path(path: &PathSettings) -> Value {
    let set = PathOption::ALL.into_iter().filter_map(|option| Some((option, path.get(option)?)));
    let set = set.map(|(option, value)| (option.name().to_owned(), Value::from(value.to_string())));
    json!({ "path": set.collect::<Map<_, _>>(), "ttl_s": path.ttl.map(|ttl| ttl.as_secs()) })
}

fn changes(queued: &Queued, changes: &Changes) -> Value {
    let meta = changes.changed_meta(&queued.meta);
    let meta = meta.as_ref().unwrap_or(&queued.meta);
    let queue = QueueName::new(
        meta.get("campaign").map(String::as_str),
        meta.get("tenant").map(String::as_str),
        &queued.queue.domain,
        meta.get("routing_domain").map(String::as_str),
    );
    let queue = meta.get("queue").map_or_else(|| queue.to_string(), String::clone);
    let until = changes.not_before().map(|at| at.to_string());
    json!({ "delay_until": until, "meta": meta, "queue": queue })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_there_twice_is_counted_twice() {
        let lines = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();

        let told = changed(lines("a b b c"), lines("b a d"));

        assert_eq!(told, (lines("b c"), lines("d")));
    }
}
