//! Mail that stays here: into the mailbox of each recipient.
//!
//! A message is written once for each, one after the other. A mailbox that cannot be written to puts off its recipient and
//! nobody else. The file's name is the message's own, so that a message which is written again, since a crash came before
//! its record, takes its own place.

use std::{path::Path, sync::Arc};

use tollgate_message::{Address, MessageId, Meta};
use tollgate_outbound::{
    RecipientOutcome, SaidBy, Verdict,
    mailbox::{self, MailboxError, Modes, Names},
};
use tollgate_queue::Maildir;
use tollgate_smtp::{EnhancedCode, Reply};

use super::{
    batches::{End, UNREADABLE},
    connection,
    fresh::Item,
    node::Node,
};

/// Writes a message to the mailbox of everybody who is not done.
///
/// # Cancel safety
/// None: who has the message by then is not known.
pub(super) async fn send(node: &Arc<Node>, maildir: &Maildir, id: MessageId, item: &Item) -> End {
    let mut replies = Vec::with_capacity(item.state.pending.len());
    for place in &item.state.pending {
        let Some(recipient) = item.meta.envelope.recipients.get(*place as usize) else { continue };
        match deliver(node, maildir, id, item, *place, recipient).await {
            Ok(reply) => replies.push(reply),
            Err(reason) => {
                tracing::error!(%id, reason, "a message cannot be read from the spool and waits");
                return End::Later { after: UNREADABLE, reusable: true };
            }
        }
    }
    End::Told { replies, reusable: true }
}

/// Writes a message to one mailbox.
///
/// # Errors
/// Why the message cannot be read; the recipient has no part in that.
async fn deliver(
    node: &Arc<Node>,
    maildir: &Maildir,
    id: MessageId,
    item: &Item,
    place: u32,
    recipient: &Address,
) -> Result<RecipientOutcome, String> {
    // Plugins may have changed it since the message came in.
    let meta: &Meta = item.state.meta.as_ref().unwrap_or(&item.meta.meta);
    let names = Names { queue: &item.state.queue, meta, sender: item.meta.envelope.sender.as_ref(), recipient };
    let path = match mailbox::path(&maildir.path, names) {
        Ok(path) => path,
        Err(error) => return Ok(no_mailbox(recipient, &error)),
    };
    let message = connection::outgoing(node, id, item, &[place])?;
    let name = file_name(id, place, &node.hostname);
    let modes = Modes { folder: maildir.dir_mode, file: maildir.file_mode };
    let (into, file) = (path.clone(), name.clone());
    let kept = tokio::task::spawn_blocking(move || mailbox::keep(&into, &file, modes, message)).await;
    Ok(match kept.map_err(std::io::Error::other).flatten() {
        Ok(()) => {
            let text = format!("{recipient}: wrote to maildir with id={name}");
            told(recipient, Verdict::Delivered, 200, None, &text)
        }
        Err(error) => not_written(recipient, &path, &error),
    })
}

/// Returns the name of a message's file in one mailbox: unique, and the same at each attempt.
fn file_name(id: MessageId, place: u32, hostname: &str) -> String {
    let host = hostname.replace('/', "\\057").replace(':', "\\072");
    format!("{}.{id}_{place}.{host}", id.created().as_millis() / 1000)
}

fn not_written(recipient: &Address, path: &Path, error: &std::io::Error) -> RecipientOutcome {
    tracing::warn!(%recipient, mailbox = %path.display(), %error, "a mailbox could not be written to");
    told(recipient, Verdict::Transient, 451, Some((4, 2, 0)), &format!("mailbox could not be written to: {error}"))
}

fn no_mailbox(recipient: &Address, error: &MailboxError) -> RecipientOutcome {
    match error {
        MailboxError::NoPath(_) => told(recipient, Verdict::Permanent, 553, Some((5, 1, 3)), "no mailbox of that name"),
        error => {
            tracing::error!(%recipient, %error, "no mailbox could be found");
            told(recipient, Verdict::Transient, 451, Some((4, 3, 5)), &error.to_string())
        }
    }
}

fn told(
    recipient: &Address,
    verdict: Verdict,
    code: u16,
    enhanced: Option<(u8, u16, u16)>,
    text: &str,
) -> RecipientOutcome {
    let enhanced = enhanced.and_then(|(class, subject, detail)| EnhancedCode::new(class, subject, detail));
    let reply = Reply::new(code, enhanced, text).expect("code and class agree in these replies");
    RecipientOutcome { recipient: recipient.to_string(), reply, verdict, by: SaidBy::Us }
}
