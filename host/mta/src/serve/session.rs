//! What a client wants before there is a message, put before policy.

use std::sync::Arc;

use tollgate_inbound::{Visit, Wish};
use tollgate_policy::event::smtp_session::{OpenSession, Question};
use tollgate_smtp::Reply;

use super::node::Node;

/// Asks policy whether a client may do what it wants.
///
/// # Errors
/// The reply that the client is to read.
pub(super) async fn admit(node: &Node, visit: Visit) -> Result<(), Reply> {
    let Visit { listener, session, wish } = visit;
    let session = Arc::new(OpenSession { listener, session });
    let (answer, trail) = node.generation().chain.smtp_session(&session, &question(wish)).await;
    answer.map_err(|refusal| {
        let (peer, plugin) = (session.session.peer, trail.last().map(|step| step.plugin.as_str()));
        tracing::debug!(?peer, plugin, reply = %refusal.reply(), "policy refuses what a client wants");
        refusal.reply().clone()
    })
}

fn question(wish: Wish) -> Question {
    match wish {
        Wish::Connect => Question::Connect,
        Wish::Hello(domain) => Question::Ehlo(domain),
        Wish::Mail(sender) => Question::Mail(sender),
        Wish::Rcpt { sender, recipient } => Question::Rcpt { sender, recipient },
    }
}
