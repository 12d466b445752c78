//! The queue's name, and where each of its parts comes from.

use tollgate_message::{draft::Received, meta};

use super::super::{
    super::terminal::Tone,
    ask::{Judged, Queue},
    background::Background,
    page::{Cell, Page, toned},
};

/// Tells the name and its parts.
pub(super) fn section(page: &mut Page, queue: &Queue, judged: Option<&Judged>, background: &Background) {
    page.section("Queue", toned(Tone::Strong, queue.name.to_string()));
    page.rows(&parts(queue, judged, background));
}

fn parts(queue: &Queue, judged: Option<&Judged>, background: &Background) -> Vec<[Cell; 3]> {
    let name = &queue.name;
    let given = [
        (meta::CAMPAIGN, "campaign", &name.campaign),
        (meta::TENANT, "tenant", &name.tenant),
        ("", "domain", &Some(name.domain.clone())),
        (meta::ROUTING_DOMAIN, "routing domain", &name.routing_domain),
    ];
    let row = |(key, title, part): (&str, &str, &Option<String>)| {
        let part = part.clone()?;
        let source = judged.map(|judged| source(judged, key, &part, background)).unwrap_or_default();
        Some([toned(Tone::Faint, title), part.into(), toned(Tone::Place, source)])
    };
    given.into_iter().filter_map(row).collect()
}

/// Returns where a part of the queue's name comes from, as far as what came in, what went out and the files tell.
fn source(judged: &Judged, key: &str, part: &str, background: &Background) -> String {
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
    if let Some((name, _)) = judged.before.header.iter().find(says) {
        return format!("header {name}");
    }
    let option = if key == meta::TENANT { "default_tenant" } else { key };
    match background.text(option, part) {
        Some(spot) => {
            let section = spot.section().unwrap_or_else(|| option.to_owned());
            format!("{}  {section}", spot.place())
        }
        None => "policy".to_owned(),
    }
}

fn recipient(received: &Received) -> String {
    received.envelope.recipients.first().map(|first| format!("recipient {first}")).unwrap_or_default()
}
