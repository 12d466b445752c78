//! What the spool holds at a start, back into its queues: each message with its own attempts and due time.

use std::sync::Arc;

use tollgate_message::{MessageId, QueueName};
use tollgate_queue::{Entrance, QueueConfig};
use tollgate_spool::Recovered;

use super::{
    node::Node,
    queues::{Arrival, ageless},
    stored::{self, StoredMeta, StoredState},
};

/// Puts recovered messages into their queues. What cannot be read stays in the spool and is named in the log.
pub(crate) async fn recover(node: &Arc<Node>, recovered: Recovered) {
    for damage in &recovered.damaged {
        tracing::error!(?damage, "the spool is damaged here; what was read of it is kept beside");
    }
    let count = recovered.messages.len();
    for stored in recovered.messages {
        let id = MessageId::from_bytes(stored.id);
        match stored::decode(&stored.meta, &stored.state) {
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

async fn enqueue(node: &Arc<Node>, id: MessageId, meta: StoredMeta, state: StoredState) {
    node.usage.found(&state.queue, meta.size);
    let held = state.held.is_some();
    let config = if held { Arc::default() } else { config(node, &state.queue).await };
    let arrival = Arrival {
        id,
        due: state.due,
        attempts: state.attempts,
        schedule: meta.schedule,
        entrance: Entrance::Recovered,
    };
    node.enqueue(&state.queue, arrival, &config, held);
}

/// Returns the settings of a queue. Where policy has no whole answer now, mail that was accepted is not given up for its
/// age: how old it may become is then not known.
async fn config(node: &Arc<Node>, name: &QueueName) -> Arc<QueueConfig> {
    let known = match node.queue_config(name).await {
        Ok(config) if node.queues.is_complete(name) => return config,
        Ok(config) => config,
        Err(error) => {
            tracing::error!(%error, "the queue goes on with default settings");
            node.known_config(name)
        }
    };
    Arc::new(ageless(&known))
}
