//! Answers as JSON, in the form that the conformance cases have.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tollgate_config::{Finding, Severity};
use tollgate_message::{Edits, Header, QueueName};
use tollgate_policy::{OptionValue, Outcome, QueueOption, Settings, scope::Clamp};

use super::{
    super::finding,
    ask::{Judged, Queue, Throttle},
};

/// Returns the answer about a message.
pub(super) fn message(judged: &Judged) -> Map<String, Value> {
    let Edits { header, meta, schedule } = &judged.draft.edits;
    let goes_on = judged.queue.is_some();
    let due = (goes_on && judged.due > judged.draft.received.at).then(|| judged.due.to_string());
    let expires = schedule.as_ref().filter(|_| goes_on).and_then(|schedule| schedule.expires);
    let trail = judged.decision.trail.iter().map(|step| json!({"plugin": step.plugin, "outcome": step.outcome}));
    let mut answer = judged.queue.as_ref().map(queue).unwrap_or_default();
    answer.insert("verdict".to_owned(), verdict(&judged.decision.outcome));
    answer.insert("policy".to_owned(), trail.collect());
    answer.insert("headers".to_owned(), fields(header).map(|(name, value)| json!([name, value])).collect());
    answer.insert("meta".to_owned(), json!(meta));
    answer.insert("due".to_owned(), json!(due));
    answer.insert("expires".to_owned(), json!(expires.map(|time| time.to_string())));
    clamps(&mut answer, "schedule_clamps", &judged.clamps);
    answer
}

/// Returns the answer about a queue.
pub(super) fn queue(queue: &Queue) -> Map<String, Value> {
    let throttle =
        |Throttle { scope, key, rate }: &Throttle| json!({"scope": scope, "key": key, "rate": rate.to_string()});
    let delays: Vec<u64> = queue.plan.delays.iter().map(Duration::as_secs).collect();
    let mut answer = name(&queue.name);
    answer.insert("config".to_owned(), config(&queue.settings));
    answer.insert("throttles".to_owned(), queue.throttles.iter().map(throttle).collect());
    let plan = json!({"delays_s": delays, "expires_after_s": queue.plan.expires_after.as_secs()});
    answer.insert("retry_plan".to_owned(), plan);
    clamps(&mut answer, "clamps", &queue.clamps);
    answer
}

/// Puts what a tenant's component wanted and did not get to an answer, if there is any.
fn clamps(answer: &mut Map<String, Value>, key: &str, clamps: &[Clamp]) {
    let clamp = |Clamp { what, wanted, got, bound, origin }: &Clamp| json!({"option": what, "wanted": wanted, "got": got, "bound": bound, "origin": origin});
    if !clamps.is_empty() {
        answer.insert(key.to_owned(), clamps.iter().map(clamp).collect());
    }
}

/// Returns the answer about a name.
pub(super) fn name(name: &QueueName) -> Map<String, Value> {
    let queue = json!({
        "name": name.to_string(),
        "campaign": name.campaign,
        "tenant": name.tenant,
        "domain": name.domain,
        "routing_domain": name.routing_domain,
    });
    Map::from_iter([("queue".to_owned(), queue)])
}

/// Puts what was said about the configuration to an answer; it is an answer only where nothing of that is an error.
pub(super) fn finish(mut answer: Map<String, Value>, findings: &[Finding]) -> Map<String, Value> {
    let errors = finding::json(findings, Severity::Error);
    let fine = errors.as_array().is_some_and(Vec::is_empty);
    answer.insert("ok".to_owned(), fine.into());
    answer.insert("warnings".to_owned(), finding::json(findings, Severity::Warning));
    answer.insert("notes".to_owned(), finding::json(findings, Severity::Note));
    if !fine {
        answer.insert("errors".to_owned(), errors);
    }
    answer
}

/// Returns an error that is about no file.
pub(super) fn error(message: String) -> Finding {
    Finding { severity: Severity::Error, file: None, at: None, message }
}

/// Returns the fields of a header: each name, and its value as it stands, without the blank after the colon.
pub(super) fn fields(header: &Header) -> impl Iterator<Item = (&str, String)> {
    header.iter().map(|(name, value)| {
        let value = value.strip_prefix(b" ").unwrap_or(value);
        (name, String::from_utf8_lossy(value).into_owned())
    })
}

fn verdict(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Accept => json!({"action": "accept"}),
        Outcome::Discard => json!({"action": "discard"}),
        Outcome::Hold(reason) => json!({"action": "hold", "text": reason}),
        Outcome::Refuse(refusal) => {
            let reply = refusal.reply();
            let enhanced = reply.enhanced().map(|code| code.to_string());
            json!({"action": refusal.word(), "code": reply.code(), "enhanced": enhanced, "text": reply.text()})
        }
    }
}

/// Returns the options that are set, by name.
fn config(settings: &Settings) -> Value {
    let set = settings.iter().filter_map(|(option, written)| {
        let last = written.last()?;
        let mut entry = json!({"value": last.value.as_ref()?.json(), "origin": last.origin});
        if let Some(length) = last.value.as_ref().and_then(|value| length(option, value)) {
            entry["seconds"] = seconds(length);
        }
        Some((option.name().to_owned(), entry))
    });
    Value::Object(set.collect())
}

/// Returns how long a value is, if it is a duration. Of options that have no effect, one is: it comes as its text.
fn length(option: &QueueOption, value: &OptionValue) -> Option<Duration> {
    match value {
        OptionValue::Duration(length) => Some(*length),
        OptionValue::Json(Value::String(text)) if option.name() == "timerwheel_tick_interval" => {
            tollgate_config::duration::parse(text).ok()
        }
        _ => None,
    }
}

/// Returns a number of seconds, with a fraction only where there is one.
fn seconds(duration: Duration) -> Value {
    if duration.subsec_nanos() == 0 { duration.as_secs().into() } else { duration.as_secs_f64().into() }
}
