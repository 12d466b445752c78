//! What a client wants before there is a message, put before policy.

use std::sync::Arc;

use tollgate_inbound::{Visit, Wish, http::Ends};
use tollgate_message::{Origin, Session};
use tollgate_policy::{
    Event,
    event::smtp_session::{Credentials, OpenSession, Question},
};
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

/// Asks policy whom a user's password proves a client of HTTP to be.
///
/// # Errors
/// The reply of whoever refuses.
pub(super) async fn identify(node: &Node, ends: Ends, user: String, password: String) -> Result<Option<String>, Reply> {
    let generation = node.generation();
    if !generation.chain.handles(Event::SmtpSession) {
        return Ok(None);
    }
    let session = Session {
        origin: Origin::Http,
        authz_id: None,
        may_relay: false,
        peer: Some(ends.peer),
        local: Some(ends.local),
        ehlo_domain: None,
        hostname: generation.http_name.clone(),
    };
    let session = Arc::new(OpenSession { listener: Arc::from("http"), session });
    let credentials = Credentials { authz: user.clone(), authc: user, password };
    let (identified, _) = generation.chain.auth(&session, &credentials).await;
    identified.map_err(|refusal| refusal.reply().clone())
}

fn question(wish: Wish) -> Question {
    match wish {
        Wish::Connect => Question::Connect,
        Wish::Hello(domain) => Question::Ehlo(domain),
        Wish::Mail(sender) => Question::Mail(sender),
        Wish::Rcpt { sender, recipient } => Question::Rcpt { sender, recipient },
    }
}
