//! Mail that stays here: into the mailbox of a recipient.
//!
//! The file's name is the message's own, so that a message which is written again, since a crash came before its record, takes
//! its own place. A mailbox that cannot be written to puts off its recipient and nobody else.

use std::path::Path;

use tokio::sync::Semaphore;
use tollgate_message::{Address, MessageId, Meta};
use tollgate_outbound::{
    Delivery, OutMessage, RecipientOutcome, SaidBy, Verdict,
    mailbox::{self, MailboxError, Modes, Names},
};
use tollgate_queue::Maildir;
use tollgate_smtp::{EnhancedCode, Reply};

use super::{fresh::Item, node::Node};

/// How many messages are written at a time: a file system that does not answer must not take all threads that read the spool.
static WRITERS: Semaphore = Semaphore::const_new(64);

/// Writes a message into the mailbox of the recipient at this place. `places`: his alone.
///
/// # Cancel safety
/// None: whether he has the message by then is not known.
pub(super) async fn deliver(
    node: &Node,
    maildir: &Maildir,
    id: MessageId,
    item: &Item,
    places: &[u32],
    message: OutMessage,
) -> Delivery {
    let place = places.first().copied().unwrap_or_default();
    let recipient = item.meta.envelope.recipients.get(place as usize);
    let recipients = match recipient {
        Some(recipient) => vec![write(node, maildir, id, item, (place, recipient), message).await],
        None => Vec::new(),
    };
    Delivery { recipients, reusable: true }
}

async fn write(
    node: &Node,
    maildir: &Maildir,
    id: MessageId,
    item: &Item,
    (place, recipient): (u32, &Address),
    message: OutMessage,
) -> RecipientOutcome {
    // Plugins may have changed it since the message came in.
    let meta: &Meta = item.state.meta.as_ref().unwrap_or(&item.meta.meta);
    let names = Names { queue: &item.state.queue, meta, sender: item.meta.envelope.sender.as_ref(), recipient };
    let path = match mailbox::path(&maildir.path, names) {
        Ok(path) => path,
        Err(error) => return no_mailbox(recipient, &error),
    };
    let name = file_name(id, place, &node.hostname);
    let modes = Modes { folder: maildir.dir_mode, file: maildir.file_mode };
    let _writing = WRITERS.acquire().await.expect("nobody closes it");
    let (into, file) = (path.clone(), name.clone());
    let kept = tokio::task::spawn_blocking(move || mailbox::keep(&into, &file, modes, message)).await;
    match kept.map_err(std::io::Error::other).flatten() {
        Ok(()) => {
            let text = format!("{recipient}: wrote to maildir with id={name}");
            told(recipient, Verdict::Delivered, 200, None, &text)
        }
        Err(error) => not_written(recipient, &path, &error),
    }
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
