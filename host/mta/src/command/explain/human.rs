//! Answers for people: a section for each thing one may ask about, in short aligned lines.

use std::time::Duration;

use tollgate_config::duration;
use tollgate_message::{Edits, draft::Received, meta};
use tollgate_policy::{OptionValue, Outcome, QueueOption, settings::Written};
use tollgate_queue::{QueueConfig, scheduled::retry::MAX_PLAN};

use super::{
    answer::fields,
    ask::{Judged, Queue},
    page::Page,
};
use crate::{
    config::{Egress, UNSPECIFIED},
    settings::queue_config,
};

/// How many attempts of a retry plan are listed.
const ATTEMPTS: usize = 12;
/// Longest part of a header value that is shown, in characters.
const VALUE: usize = 60;

/// The queue whose mail is thrown away.
const NULL: &str = "null";

/// Options whose defaults are worth showing.
const SHOWN: [QueueOption; 6] = [
    QueueOption::RetryInterval,
    QueueOption::MaxRetryInterval,
    QueueOption::MaxAge,
    QueueOption::EgressPool,
    QueueOption::MaxMessageRate,
    QueueOption::Protocol,
];

/// Returns what becomes of a message.
pub(super) fn message(judged: &Judged, egress: Option<&Egress>, colour: bool) -> String {
    let mut page = Page::new(colour);
    verdict(&mut page, judged);
    // Of a message that does not go on, the edits mean nothing.
    if let Some(queue) = &judged.queue {
        header(&mut page, judged);
        page.section("Queue", &queue.name.to_string());
        page.rows(&parts(queue, Some(judged)));
        if queue.name.to_string() == NULL {
            page.line("mail for this queue is accepted and thrown away");
        }
        due(&mut page, judged);
        about(&mut page, queue, egress);
    }
    page.finish()
}

/// Returns the settings of a queue.
pub(super) fn queue(queue: &Queue, egress: Option<&Egress>, colour: bool) -> String {
    let mut page = Page::new(colour);
    page.section("Queue", &queue.name.to_string());
    page.rows(&parts(queue, None));
    about(&mut page, queue, egress);
    page.finish()
}

fn about(page: &mut Page, queue: &Queue, egress: Option<&Egress>) {
    settings(page, queue);
    retries(page, queue);
    throttles(page, queue);
    if let Some(egress) = egress {
        pool(page, queue, egress);
    }
}

fn verdict(page: &mut Page, judged: &Judged) {
    let verdict = match &judged.decision.outcome {
        Outcome::Accept => "accept".to_owned(),
        Outcome::Discard => "discard: the sender is told that all is well, and the message ends here".to_owned(),
        Outcome::Hold(reason) => format!("hold: {reason}"),
        Outcome::Refuse(refusal) => format!("{}: {}", refusal.word(), refusal.reply()),
    };
    page.section("Verdict", &verdict);
    let step = |step: &tollgate_policy::Step| [step.plugin.clone(), step.outcome.to_owned()];
    page.rows(&judged.decision.trail.iter().map(step).collect::<Vec<_>>());
    let recipients = &judged.draft.received.envelope.recipients;
    if let [first, _, ..] = recipients.as_slice() {
        page.line(&format!("of {} recipients the first decides here: {first}", recipients.len()));
        page.line("each becomes a message of its own; a refusal of one refuses all");
    }
}

/// Lists the fields that policy removed, added or changed.
fn header(page: &mut Page, judged: &Judged) {
    let own = |edits: &Edits| -> Vec<(String, String)> {
        fields(&edits.header).map(|(name, value)| (name.to_owned(), value)).collect()
    };
    let (mut removed, mut added, mut kept) = (own(&judged.before), Vec::new(), 0);
    for field in own(&judged.draft.edits) {
        match removed.iter().position(|other| *other == field) {
            Some(at) => {
                removed.remove(at);
                kept += 1;
            }
            None => added.push(field),
        }
    }
    page.section("Header", &format!("{} removed, {} added, {kept} untouched", removed.len(), added.len()));
    let row = |sign: &str, (name, value): &(String, String)| [format!("{sign} {name}:"), cut(value)];
    let rows = removed.iter().map(|field| row("-", field)).chain(added.iter().map(|field| row("+", field)));
    page.rows(&rows.collect::<Vec<_>>());
}

/// Returns the parts of a queue's name, each with where it comes from.
fn parts(queue: &Queue, judged: Option<&Judged>) -> Vec<[String; 3]> {
    let name = &queue.name;
    let given = [
        (meta::CAMPAIGN, "campaign", &name.campaign),
        (meta::TENANT, "tenant", &name.tenant),
        ("", "domain", &Some(name.domain.clone())),
        (meta::ROUTING_DOMAIN, "routing domain", &name.routing_domain),
    ];
    let row = |(key, title, part): (&str, &str, &Option<String>)| {
        let part = part.clone()?;
        let source = judged.map(|judged| source(judged, key, &part)).unwrap_or_default();
        Some([title.to_owned(), part, source])
    };
    given.into_iter().filter_map(row).collect()
}

/// Returns where a part of the queue's name comes from, as far as what came in and what went out tell.
fn source(judged: &Judged, key: &str, part: &str) -> String {
    let explicit = judged.draft.edits.meta.get(meta::QUEUE).is_some_and(|name| !name.trim().is_empty());
    if explicit {
        return "metadata: queue".to_owned();
    }
    if key.is_empty() {
        return recipient(&judged.draft.received);
    }
    if judged.before.meta.get(key).is_some_and(|value| value == part) {
        return format!("metadata: {key}");
    }
    let says = |(_, value): &(&str, &[u8])| tollgate_message::header::decode(value) == part;
    match judged.before.header.iter().find(says) {
        Some((name, _)) => format!("policy, as header {name} says"),
        None => "policy".to_owned(),
    }
}

fn recipient(received: &Received) -> String {
    received.envelope.recipients.first().map(|first| format!("recipient {first}")).unwrap_or_default()
}

fn due(page: &mut Page, judged: &Judged) {
    let now = judged.draft.received.at;
    let wait = duration::format(judged.due.since(now));
    let due = if judged.due > now { format!("{} (in {wait})", judged.due) } else { "at once".to_owned() };
    page.section("Due", &due);
    if let Some(expires) = judged.draft.edits.schedule.as_ref().and_then(|schedule| schedule.expires) {
        page.line(&format!("expires {expires}, by its schedule, whatever max_age says"));
    }
}

/// Lists every value, what it replaced, and who set it.
fn settings(page: &mut Page, queue: &Queue) {
    let mut rows = Vec::new();
    let mut set = Vec::new();
    for (option, written) in queue.settings.iter() {
        set.push(option.clone());
        rows.extend(history(option, written));
    }
    let missing = SHOWN.into_iter().filter(|option| !set.contains(option));
    rows.extend(missing.map(|option| [option.name().to_owned(), default(&option), "default".to_owned()]));
    page.section("Settings", "");
    page.rows(&rows);
    if let Err(reason) = queue_config(&queue.settings) {
        page.line(&format!("mail for this queue cannot be accepted: {reason}"));
    }
}

/// Returns the value that holds, and under it those that it replaced, the latest first.
fn history(option: &QueueOption, written: &[Written]) -> Vec<[String; 3]> {
    let row = |(n, written): (usize, &Written)| {
        let value = written.value.as_ref().map_or_else(|| "cleared".to_owned(), OptionValue::text);
        let origin = written.origin.clone().unwrap_or_else(|| format!("plugin {}", written.plugin));
        match n {
            0 => [option.name().to_owned(), value, origin],
            _ => [String::new(), value, format!("{origin}, overridden")],
        }
    };
    written.iter().rev().enumerate().map(row).collect()
}

fn default(option: &QueueOption) -> String {
    let defaults = QueueConfig::default();
    match option {
        QueueOption::RetryInterval => duration::format(defaults.retry_interval),
        QueueOption::MaxAge => duration::format(defaults.max_age),
        QueueOption::EgressPool => UNSPECIFIED.to_owned(),
        QueueOption::Protocol => "SMTP by MX".to_owned(),
        _ => "none".to_owned(),
    }
}

/// Lists the attempts of a message whose every attempt fails at once.
fn retries(page: &mut Page, queue: &Queue) {
    let plan = &queue.plan;
    let attempts = plan.delays.len() + 1;
    let end = format!("expires at the age of {}, when attempt {attempts} fails", duration::format(plan.expires_after));
    page.section("Retries", if plan.delays.len() < MAX_PLAN { &end } else { "too many to count" });
    let mut rows = vec![["attempt".to_owned(), "wait".to_owned(), "age".to_owned()]];
    let mut age = Duration::ZERO;
    rows.push(["1".to_owned(), String::new(), duration::format(age)]);
    for (n, wait) in plan.delays.iter().take(ATTEMPTS - 1).enumerate() {
        age += *wait;
        rows.push([(n + 2).to_string(), duration::format(*wait), duration::format(age)]);
    }
    page.rows(&rows);
    if attempts > ATTEMPTS {
        page.line(&format!("… {} more", attempts - ATTEMPTS));
    }
}

fn throttles(page: &mut Page, queue: &Queue) {
    page.section("Throttles", if queue.throttles.is_empty() { "none" } else { "" });
    let rows: Vec<[String; 3]> = queue
        .throttles
        .iter()
        .map(|throttle| [throttle.scope.to_owned(), throttle.key.clone(), throttle.rate.clone()])
        .collect();
    page.rows(&rows);
}

/// Lists the sources that may send the mail.
fn pool(page: &mut Page, queue: &Queue, egress: &Egress) {
    let named = queue.settings.get(&QueueOption::EgressPool).map(OptionValue::text);
    let name = named.as_deref().unwrap_or(UNSPECIFIED);
    let Some(members) = egress.pools.get(name) else {
        return page.section("Pool", &format!("{name}, which is not defined"));
    };
    page.section("Pool", name);
    let row = |(source, weight): &(String, u32)| {
        let config = egress.sources.get(source).cloned().unwrap_or_default();
        let address = config.source_address.map_or_else(|| "any address".to_owned(), |address| address.to_string());
        let ehlo = config.ehlo_domain.map(|name| format!("as {name}")).unwrap_or_default();
        [source.clone(), format!("weight {weight}"), address, ehlo]
    };
    page.rows(&members.iter().map(row).collect::<Vec<_>>());
}

/// Returns a header value on one line, its end cut off where it is long.
fn cut(value: &str) -> String {
    let line: String = value.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    match line.char_indices().nth(VALUE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
