//! What the spool holds at a start, back into its queues: each message with its own attempts and due time.

use std::sync::Arc;

use tollgate_message::{MessageId, QueueName};
use tollgate_queue::QueueConfig;
use tollgate_spool::{Recovered, Stored};

use super::{
    node::Node,
    queues::Arrival,
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
                tracing::error!(%id, %reason, "a stored message cannot be understood and stays in the spool");
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
    let held = state.held.is_some();
    let config = if held { Arc::default() } else { config(node, &state.queue).await };
    let arrival = Arrival { id, due: state.due, attempts: state.attempts, schedule: meta.schedule };
    node.enqueue(&state.queue, arrival, &config, held);
}

/// Mail that was accepted is not given up because policy has no answer now.
async fn config(node: &Arc<Node>, name: &QueueName) -> Arc<QueueConfig> {
    node.queue_config(name).await.unwrap_or_else(|error| {
        tracing::error!(%error, "the queue goes on with default settings");
        node.known_config(name)
    })
}
