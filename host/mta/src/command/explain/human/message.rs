//! The message itself: who sends it to whom, what policy says, what it edited, when it may go.

use serde_json::Value;
use tollgate_message::{Edits, Origin, Schedule, meta};
use tollgate_policy::{Outcome, Step};

use super::{
    super::{
        super::terminal::{Tone, cut},
        answer::fields,
        ask::{Judged, Queue},
        background::Background,
        page::{Cell, Page, toned},
        reason::{self, Reason},
    },
    NULL,
    retries::{local, seconds, utc},
};

/// Longest part of a header value that is shown, in columns.
const VALUE: usize = 60;

/// Tells what was asked about.
pub(super) fn envelope(page: &mut Page, judged: &Judged) {
    let received = &judged.draft.received;
    let sender = received.envelope.sender.as_ref().map_or_else(|| "<>".to_owned(), ToString::to_string);
    let door = match received.session.origin {
        Origin::Smtp => "SMTP",
        Origin::Http => "HTTP",
    };
    let identity = received.session.authz_id.as_ref().map(|id| format!(" as {id}")).unwrap_or_default();
    let recipients = &received.envelope.recipients;
    let first = recipients.first().map(ToString::to_string).unwrap_or_default();
    page.section("Message", format!("{sender} to {first}, by {door}{identity}, {}", utc(received.at)));
    if recipients.len() > 1 {
        page.line(format!("the first of {} recipients; each becomes a message of its own, and", recipients.len()));
        page.line("a refusal of one refuses all");
    }
    if let Some(tenant) = &judged.bound {
        page.line(format!("who sends is bound to tenant '{tenant}'"));
    }
    if !received.session.may_relay {
        page.line("the session may not relay, so it names no tenant, campaign or schedule");
    }
}

/// Tells what policy says, plugin by plugin, and where a refusal is written.
pub(super) fn verdict(page: &mut Page, judged: &Judged, background: &Background) {
    let unusable = judged.queue.as_ref().and_then(|queue| reason::unusable(queue, background));
    page.section("Verdict", headline(judged, unusable.is_some()));
    let row = |step: &Step| {
        let plugin = background.plugin(&step.plugin);
        let place = plugin.map(|plugin| format!("{}:{}", plugin.origin.0, plugin.origin.1.line)).unwrap_or_default();
        [Cell::from(step.plugin.clone()), toned(tone(step.outcome), step.outcome), toned(Tone::Place, place)]
    };
    page.rows(&judged.decision.trail.iter().map(row).collect::<Vec<_>>());
    if let Some(reason) = unusable.or_else(|| reason::of(judged, background)) {
        decided(page, &reason, background);
    }
}

/// Tells why mail for a queue cannot be taken, if it cannot.
pub(super) fn unusable(page: &mut Page, queue: &Queue, background: &Background) {
    if let Some(reason) = reason::unusable(queue, background) {
        page.section("Verdict", toned(Tone::Caution, UNUSABLE));
        decided(page, &reason, background);
    }
}

/// What a client reads whose mail would go into a queue that cannot be.
const UNUSABLE: &str = "defer: 451 4.3.5 queue configuration failed";

fn headline(judged: &Judged, unusable: bool) -> Cell {
    let text = match &judged.decision.outcome {
        _ if unusable => return toned(Tone::Caution, UNUSABLE),
        Outcome::Accept if judged.queue.as_ref().is_some_and(|queue| queue.name.to_string() == NULL) => {
            return toned(Tone::Caution, "accept, and throw away: that is what the queue `null` is for");
        }
        Outcome::Accept => "accept".to_owned(),
        Outcome::Discard => "discard: the sender is told that all is well, and the message ends here".to_owned(),
        Outcome::Hold(reason) => format!("hold: kept in a queue that is not served: {reason}"),
        Outcome::Refuse(refusal) => format!("{}: {}", refusal.word(), refusal.reply()),
    };
    let word = text.split(':').next().unwrap_or_default();
    toned(tone(word), text.clone())
}

fn tone(word: &str) -> Tone {
    match word {
        "accept" => Tone::Good,
        "defer" | "discard" | "hold" => Tone::Caution,
        _ => Tone::Bad,
    }
}

fn decided(page: &mut Page, reason: &Reason<'_>, background: &Background) {
    let place = reason.spot.as_ref().map(|spot| {
        let section = spot.section().map(|section| format!(" {section}")).unwrap_or_default();
        format!("{}{section}", spot.place())
    });
    page.section("Decided by", toned(Tone::Place, place.unwrap_or_default()));
    if let Some(spot) = &reason.spot {
        page.quote(background.files.line(spot.file, spot.entry.at.line).unwrap_or_default());
    }
    for hint in &reason.hints {
        page.line(hint.clone());
    }
}

/// Lists the fields that policy removed, added or changed.
pub(super) fn header(page: &mut Page, judged: &Judged) {
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
    if removed.is_empty() && added.is_empty() {
        return page.section("Header", "untouched");
    }
    page.section("Header", format!("{} removed, {} added, {kept} untouched", removed.len(), added.len()));
    let row = |sign: &str, tone: Tone, (name, value): &(String, String)| {
        [toned(tone, format!("{sign} {name}:")), Cell::from(one_line(value))]
    };
    let removed = removed.iter().map(|field| row("-", Tone::Faint, field));
    let added = added.iter().map(|field| row("+", Tone::Good, field));
    page.rows(&removed.chain(added).collect::<Vec<_>>());
}

/// Lists what is noted about the message and is not part of its queue's name.
pub(super) fn metadata(page: &mut Page, judged: &Judged) {
    let noted = judged.draft.edits.meta.iter().filter(|(key, _)| !meta::QUEUE_KEYS.contains(&key.as_str()));
    let rows: Vec<[Cell; 3]> = noted
        .map(|(key, value)| {
            let given = judged.before.meta.get(key) == Some(value);
            let source = if given { "given" } else { "set by policy" };
            [Cell::from(key.clone()), Cell::from(one_line(value)), toned(Tone::Faint, source)]
        })
        .collect();
    if !rows.is_empty() {
        page.section("Metadata", "");
        page.rows(&rows);
    }
}

/// Tells when the first attempt may be, and what the schedule of the message says.
pub(super) fn due(page: &mut Page, judged: &Judged, background: &Background) {
    let now = judged.draft.received.at;
    if judged.due <= now {
        page.section("Due", "at once");
    } else {
        let wait = seconds(judged.due.since(now));
        let local = local(judged.due, background).map(|time| format!(", {time}")).unwrap_or_default();
        page.section("Due", toned(Tone::Caution, format!("{}{local}, in {wait}", utc(judged.due))));
    }
    if let Some(schedule) = &judged.draft.edits.schedule {
        page.rows(&constraints(schedule));
    }
}

fn constraints(schedule: &Schedule) -> Vec<[Cell; 2]> {
    let mut rows: Vec<[Cell; 2]> = Vec::new();
    if let Some(first) = schedule.first_attempt {
        rows.push(["not before".into(), utc(first).into()]);
    }
    if let Some(window) = &schedule.window {
        // A window keeps its parts to itself; what it is stored as has them by name.
        let stored = serde_json::to_value(window).unwrap_or_default();
        let part = |name: &str| stored.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let days = part("dow").replace(',', ", ");
        rows.push(["only".into(), format!("{days}, {} to {}, {}", part("start"), part("end"), part("tz")).into()]);
    }
    if let Some(expires) = schedule.expires {
        rows.push(["expires".into(), format!("{}; max_age has no say", utc(expires)).into()]);
    }
    rows
}

/// Returns a value on one line, its end cut off where it is long.
fn one_line(value: &str) -> String {
    let line: String = value.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    cut(&line, VALUE)
}
