//! The attempts of a message, with the times at which they are, and why it expires at the last.

use std::time::Duration;

use tollgate_config::duration;
use tollgate_message::{Schedule, Timestamp};
use tollgate_policy::QueueOption;
use tollgate_queue::{Expiry, scheduled::retry};

use super::super::{
    super::terminal::Tone,
    ask::Queue,
    attempts::{Attempt, Attempts, attempts},
    background::Background,
    page::{Cell, Page, toned},
};

/// How many attempts of a plan are listed from its beginning; the last is listed always.
const LISTED: usize = 10;

/// Lists the attempts of a message whose every attempt fails at once.
pub(super) fn section(page: &mut Page, queue: &Queue, schedule: Option<&Schedule>, background: &Background) {
    let Attempts { list, end } = attempts(&queue.timing, background.now, schedule);
    let count = match (&end, list.len()) {
        (None, _) => "more attempts than can be counted".to_owned(),
        (_, 0) => "never attempted".to_owned(),
        (_, 1) => "1 attempt".to_owned(),
        (_, count) => format!("{count} attempts if all fail"),
    };
    let until = list.last().filter(|_| end.is_some()).map(|last| format!("; it expires {}", utc(last.due)));
    page.section("Retries", format!("{count}{}", until.unwrap_or_default()));
    page.rows(&table(&list, background));
    if let Some(end) = end {
        page.line(why(&end, list.len(), queue, background));
    }
    let spread = (retry::jitter(&queue.timing, 0.0)).unsigned_abs();
    if spread > 0 && list.len() > 1 {
        let spread = duration::format(Duration::from_secs(spread));
        page.line(toned(Tone::Faint, format!("each wait is up to {spread} shorter or longer, by chance")));
    }
}

fn table(list: &[Attempt], background: &Background) -> Vec<[Cell; 6]> {
    let zone = background.zone.as_ref().map(|(_, name)| name.clone()).unwrap_or_default();
    let titles = ["attempt", "wait", "age", "time (UTC)", &zone, ""];
    let mut rows = vec![titles.map(|title| toned(Tone::Faint, title))];
    rows[0][0] = rows[0][0].clone().right();
    let hidden = if list.len() > LISTED + 2 { LISTED..list.len() - 1 } else { 0..0 };
    for (n, attempt) in list.iter().enumerate() {
        if n == hidden.start && !hidden.is_empty() {
            rows.push([
                "…".into(),
                format!("{} more", hidden.len()).into(),
                "".into(),
                "".into(),
                "".into(),
                "".into(),
            ]);
            rows.last_mut().expect("it was just put there")[0] = Cell::from("…").right();
        }
        if !hidden.contains(&n) {
            rows.push(row(n + 1, attempt, background));
        }
    }
    rows
}

fn row(number: usize, attempt: &Attempt, background: &Background) -> [Cell; 6] {
    let age = attempt.due.since(background.now);
    let wait = if attempt.wait.is_zero() { String::new() } else { seconds(attempt.wait) };
    [
        Cell::from(number.to_string()).right(),
        wait.into(),
        (if age.is_zero() { "at once".to_owned() } else { format!("+{}", seconds(age)) }).into(),
        utc(attempt.due).into(),
        local(attempt.due, background).unwrap_or_default().into(),
        toned(Tone::Faint, if attempt.moved { "as its window opens" } else { "" }),
    ]
}

/// Tells why there is no further attempt, and which setting decides.
fn why(end: &Expiry, attempts: usize, queue: &Queue, background: &Background) -> String {
    let next = attempts + 1;
    match *end {
        Expiry::Retry { age, max_age } | Expiry::Requeue { age, max_age } => {
            let (age, max_age) = (seconds(age), seconds(max_age));
            format!(
                "attempt {next} would be at the age of {age}, past max_age {max_age} ({})",
                origin(queue, background)
            )
        }
        Expiry::Schedule { due, expires } => {
            format!("attempt {next} would be {}, and its schedule ends {}", utc(due), utc(expires))
        }
    }
}

/// Returns where `max_age` was written.
fn origin(queue: &Queue, background: &Background) -> String {
    let written = queue.settings.iter().find(|(option, _)| **option == QueueOption::MaxAge);
    let last = written.and_then(|(_, written)| written.last().filter(|last| last.value.is_some()));
    last.map_or_else(|| "default".to_owned(), |last| background.place(&QueueOption::MaxAge, last))
}

/// Returns a duration in whole seconds, the nearest, as canonical text.
pub(super) fn seconds(duration: Duration) -> String {
    duration::format(Duration::from_secs(duration.saturating_add(Duration::from_millis(500)).as_secs()))
}

/// Returns a time as `2026-11-24 17:20:00Z`.
pub(super) fn utc(time: Timestamp) -> String {
    time.to_jiff().strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// Returns a time in the zone of who asks, as `Tue 2026-11-24 18:20:00 +01:00`, where that is not UTC.
pub(super) fn local(time: Timestamp, background: &Background) -> Option<String> {
    let (zone, _) = background.zone.as_ref()?;
    Some(time.to_jiff().to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M:%S %:z").to_string())
}
