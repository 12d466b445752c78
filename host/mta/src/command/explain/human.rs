//! Answers for people: a section for each thing one may ask about, in short aligned lines.

mod egress;
mod limits;
mod message;
mod name;
mod retries;
mod settings;
mod throttles;

use super::{
    super::terminal::Ink,
    ask::{Judged, Queue},
    background::Background,
    page::Page,
    reason,
};

/// The queue whose mail is thrown away.
const NULL: &str = "null";

/// Returns what becomes of a message.
pub(super) fn message(judged: &Judged, background: &Background, ink: Ink) -> String {
    let mut page = Page::new(ink);
    message::envelope(&mut page, judged);
    message::verdict(&mut page, judged, background);
    // Of a message that does not go on, the edits mean nothing.
    if let Some(queue) = &judged.queue {
        message::header(&mut page, judged);
        message::metadata(&mut page, judged);
        name::section(&mut page, queue, Some(judged), background);
        message::due(&mut page, judged, background);
        settings::clamps(&mut page, &judged.clamps, background);
        let schedule = judged.draft.edits.schedule.as_ref();
        about(&mut page, queue, schedule, background);
    }
    page.finish()
}

/// Returns the settings of a queue, and what becomes of a message that comes into it now.
pub(super) fn queue(queue: &Queue, background: &Background, ink: Ink) -> String {
    let mut page = Page::new(ink);
    name::section(&mut page, queue, None, background);
    message::unusable(&mut page, queue, background);
    about(&mut page, queue, None, background);
    page.finish()
}

fn about(page: &mut Page, queue: &Queue, schedule: Option<&tollgate_message::Schedule>, background: &Background) {
    settings::values(page, queue, background);
    settings::layers(page, queue, background);
    settings::clamps(page, &queue.clamps, background);
    // Mail that is thrown away, or not taken, goes nowhere.
    if queue.name.to_string() == NULL || reason::unusable(queue, background).is_some() {
        return;
    }
    retries::section(page, queue, schedule, background);
    throttles::section(page, queue, background);
    egress::route(page, queue);
    egress::pool(page, queue, background);
    limits::section(page, queue, background);
}
