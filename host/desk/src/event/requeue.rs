//! `requeue` in a file: the message as it waits, with `recipients` and the `replies` that put them off, one each.

use std::time::Duration;

use tollgate_message::{Address, MessageId, QueueName, Timestamp};
use tollgate_policy::event::requeue::Queued;
use tollgate_smtp::{EnhancedCode, Reply};

use super::message::address;
use crate::fields::Fields;

/// The fields of it in a file.
pub(super) const FIELDS: [&str; 10] =
    ["now", "sender", "recipients", "replies", "queue", "attempts", "size", "due", "last_due", "meta"];

/// After how long it is due, and for how long it is tried, where nothing is said.
const DUE: Duration = Duration::from_secs(20 * 60);
const LAST: Duration = Duration::from_secs(7 * 86_400);

pub(super) fn read(fields: &Fields<'_>, now: Timestamp) -> Result<Queued, String> {
    let now = fields.time("now")?.unwrap_or(now);
    let sender = fields.text("sender")?.filter(|sender| !matches!(*sender, "" | "<>"));
    let put_off = put_off(&fields.texts("recipients")?, &fields.texts("replies")?)?;
    let queue = match fields.text("queue")? {
        Some(name) => QueueName::parse(name),
        None => QueueName::new(None, None, put_off[0].0.domain(), None),
    };
    Ok(Queued {
        id: MessageId::new(now),
        sender: sender.map(|sender| address("sender", sender)).transpose()?,
        put_off,
        queue,
        attempts: u32::try_from(fields.number("attempts")?.unwrap_or(1)).map_err(|_| "attempts: too many")?,
        size: fields.number("size")?.unwrap_or(1024),
        due: fields.time("due")?.unwrap_or(now + DUE),
        last_due: fields.time("last_due")?.unwrap_or(now + LAST),
        meta: fields.meta("meta")?,
    })
}

fn put_off(recipients: &[String], replies: &[String]) -> Result<Vec<(Address, Reply)>, String> {
    if recipients.is_empty() || replies.len() != recipients.len() {
        return Err("recipients, replies: there is at least one, and each recipient has its reply".to_owned());
    }
    let pair = |(to, text): (&String, &String)| Ok((address("recipients", to)?, reply(text)?));
    recipients.iter().zip(replies).map(pair).collect()
}

/// Reads a reply as it is written: `450 4.2.1 busy`, or without the second code.
fn reply(text: &str) -> Result<Reply, String> {
    let wrong = || format!("replies: '{text}' is no reply such as '450 4.2.1 busy'");
    let (code, rest) = text.split_once(' ').unwrap_or((text, ""));
    let code = code.parse().map_err(|_| wrong())?;
    let (first, after) = rest.split_once(' ').unwrap_or((rest, ""));
    let (enhanced, rest) = EnhancedCode::parse(first).map_or((None, rest), |enhanced| (Some(enhanced), after));
    Reply::new(code, enhanced, rest).ok_or_else(wrong)
}
