//! The demo's lines: what happened, how long after the start, and why.

use std::{
    io::{IsTerminal as _, Write as _, stdout},
    time::Instant,
};

use serde_json::Value;

/// A teller of what happens.
pub(super) struct Story {
    started: Instant,
    colour: bool,
}

/// The colour of a line's first word.
#[derive(Clone, Copy)]
pub(super) enum Tone {
    Plain,
    Good,
    Wait,
    Bad,
}

impl Story {
    pub(super) fn begin() -> Self {
        Self { started: Instant::now(), colour: stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() }
    }

    /// Prints a heading.
    pub(super) fn heading(&self, text: &str) {
        let (on, off) = if self.colour { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        say(&format!("\n{on}{text}{off}"));
    }

    /// Prints a line with the time since the start, and more lines below it.
    pub(super) fn tell(&self, tone: Tone, word: &str, text: &str, details: &[String]) {
        let (on, off) = match tone {
            _ if !self.colour => ("", ""),
            Tone::Plain => ("\x1b[36m", "\x1b[0m"),
            Tone::Good => ("\x1b[32m", "\x1b[0m"),
            Tone::Wait => ("\x1b[33m", "\x1b[0m"),
            Tone::Bad => ("\x1b[31m", "\x1b[0m"),
        };
        say(&format!("{:7.2}s  {on}{word:<10}{off} {text}", self.started.elapsed().as_secs_f64()));
        for detail in details {
            say(&format!("{:21}{detail}", ""));
        }
    }

    /// Tells what a log record says. Returns whether the record is the last of its recipient.
    pub(super) fn record(&self, record: &Value, why: &[String]) -> bool {
        let text = |path: &str| record.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (to, queue, reply) = (text("/recipient"), text("/queue"), reply(record));
        let route = format!("pool {}, source {}", text("/egress_pool"), text("/egress_source"));
        match text("/type").as_str() {
            "Reception" => self.tell(Tone::Plain, "queued", &format!("{to} in {queue}"), why),
            "Rejection" => self.tell(Tone::Bad, "refused", &format!("{to}: {reply}"), &[]),
            "Delivery" => self.tell(Tone::Good, "delivered", &format!("{to} ({route})"), &[]),
            "TransientFailure" => {
                let next =
                    next(record).map_or_else(|| "no further attempt".to_owned(), |at| format!("next attempt at {at}"));
                self.tell(Tone::Wait, "put off", &format!("{to}: {reply}; {next} ({route})"), &[]);
            }
            "Delayed" => {
                let next = next(record).unwrap_or_default();
                self.tell(Tone::Wait, "scheduled", &format!("{to}: goes at {next}"), &[]);
            }
            "Bounce" => self.tell(Tone::Bad, "bounced", &format!("{to}: {reply} ({route})"), &[]),
            "Expiration" => self.tell(Tone::Bad, "expired", &format!("{to}: {reply}"), &[]),
            other => self.tell(Tone::Plain, other, &to, &[]),
        }
        !matches!(text("/type").as_str(), "Reception" | "TransientFailure" | "Delayed")
    }
}

/// Returns the time of day of the next attempt, if there is one.
fn next(record: &Value) -> Option<String> {
    let due = record.pointer("/next_due").and_then(Value::as_str)?;
    due.get(11..19).map(str::to_owned)
}

fn reply(record: &Value) -> String {
    let code = record.pointer("/response/code").and_then(Value::as_u64).unwrap_or_default();
    let number = |part: &str| record.pointer(&format!("/response/enhanced_code/{part}")).and_then(Value::as_u64);
    let enhanced = match (number("class"), number("subject"), number("detail")) {
        (Some(class), Some(subject), Some(detail)) => format!(" {class}.{subject}.{detail}"),
        _ => String::new(),
    };
    let content = record.pointer("/response/content").and_then(Value::as_str).unwrap_or_default();
    format!("{code}{enhanced} {content}")
}

/// Prints a line.
pub(super) fn say(line: &str) {
    drop(writeln!(stdout(), "{line}"));
}
