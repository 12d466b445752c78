//! What the spool holds at a start, back into its queues: each message with its own attempts and due time.

use std::sync::Arc;

use tollgate_message::MessageId;
use tollgate_queue::NewMessage;
use tollgate_spool::{Recovered, Stored};

use super::{
    node::Node,
    stored::{StoredMeta, StoredState},
};

/// Puts recovered messages into their queues. What cannot be read stays in the spool and is named in the log.
pub(crate) async fn recover(node: &Arc<Node>, recovered: Recovered) {
    for damage in &recovered.damaged {
        tracing::error!(?damage, "the spool is damaged here; what was read of it is kept beside");
    }
    let count = recovered.messages.len();
    for stored in recovered.messages {
        let id = MessageId::from_bytes(stored.id);
        match read(&stored) {
            Ok((meta, state)) => enqueue(node, id, meta, state).await,
            Err(reason) => {
                tracing::error!(%id, %reason, "a stored message cannot be understood and stays in the spool")
            }
        }
    }
    if count > 0 {
        tracing::info!(messages = count, "messages are back in their queues");
    }
}

fn read(stored: &Stored) -> Result<(StoredMeta, StoredState), serde_json::Error> {
    Ok((serde_json::from_slice(&stored.meta)?, serde_json::from_slice(&stored.state)?))
}

async fn enqueue(node: &Arc<Node>, id: MessageId, meta: StoredMeta, state: StoredState) {
    let queue = if state.held.is_some() {
        node.held_queue(&state.queue)
    } else {
        // Mail that was accepted is not given up because policy has no answer now.
        node.queue(&state.queue).await.unwrap_or_else(|error| {
            tracing::error!(%error, "the queue goes on with default settings");
            node.default_queue(&state.queue)
        })
    };
    let message =
        NewMessage { id, queue, due: state.due, attempts: state.attempts, schedule: meta.schedule.map(Box::new) };
    node.with_engine(|engine, now| engine.insert(now, message));
}
