//! Events as a server writes them: the same JSON that is read here.

use serde_json::{Map, Value, json};
use tollgate_message::{Address, Draft, Origin, QueueName, Received, header};
use tollgate_policy::{
    Settings,
    event::{
        requeue::Queued,
        smtp_session::{OpenSession, Question},
    },
};

use super::Redaction;

/// Most octets of a body that are written.
const BODY: usize = 16 * 1024;

/// Returns the event of a message as it is now, its edits so far included. What `redaction` does not keep is not in it.
#[must_use]
pub fn of_message(draft: &Draft, redaction: &Redaction) -> Value {
    let Received { at, envelope, session, size, .. } = &*draft.received;
    let address = |address: &Address| redaction.address(address.as_str());
    let headers = draft.edits.header.iter().map(|(name, value)| {
        let value = header::unfold(value);
        json!([name, redaction.header(name, String::from_utf8_lossy(&value).trim())])
    });
    let mut event = Map::from_iter([
        ("event".to_owned(), "message-received".into()),
        ("now".to_owned(), at.to_string().into()),
        ("sender".to_owned(), envelope.sender.as_ref().map(address).into()),
        ("recipients".to_owned(), envelope.recipients.iter().map(address).collect()),
        ("headers".to_owned(), headers.collect()),
        ("size".to_owned(), (*size).into()),
        ("may_relay".to_owned(), session.may_relay.into()),
        ("origin".to_owned(), if session.origin == Origin::Http { "http" } else { "smtp" }.into()),
        ("meta".to_owned(), redaction.meta(&draft.edits.meta)),
    ]);
    let more = [
        ("authz_id", session.authz_id.clone().map(Value::from)),
        ("ehlo_domain", session.ehlo_domain.clone().map(Value::from)),
        ("peer", session.peer.map(|peer| redaction.peer(peer).to_string().into())),
        ("schedule", draft.edits.schedule.as_ref().map(|schedule| json!(schedule))),
        ("body", redaction.keeps_body().then(|| body(draft).into())),
    ];
    event.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    Value::Object(event)
}

fn body(draft: &Draft) -> String {
    let content = &draft.received.content;
    let body = content.get(draft.edits.header.original_len() + 2..).unwrap_or_default();
    String::from_utf8_lossy(&body[..body.len().min(BODY)]).replace('\0', "")
}

/// Returns the event of a queue.
#[must_use]
pub fn of_queue(name: &QueueName, so_far: &Settings) -> Value {
    let set = so_far.iter().filter_map(|(option, _)| Some((option.name().to_owned(), so_far.get(option)?.json())));
    json!({ "event": "queue-config", "queue": name.to_string(), "so_far": set.collect::<Map<_, _>>() })
}

/// Returns the event of rates.
#[must_use]
pub fn of_throttles(tenant: Option<&str>, campaign: Option<&str>) -> Value {
    json!({ "event": "throttles", "tenant": tenant, "campaign": campaign })
}

/// Returns the event of a session's step. Credentials are never part of one.
#[must_use]
pub fn of_session(session: &OpenSession, question: &Question, redaction: &Redaction) -> Value {
    let OpenSession { listener, session } = session;
    let address = |address: &Address| redaction.address(address.as_str());
    let mut event = json!({
        "event": "smtp-session",
        "listener": **listener,
        "hostname": session.hostname,
        "origin": if session.origin == Origin::Http { "http" } else { "smtp" },
        "peer": session.peer.map(|peer| redaction.peer(peer).to_string()),
        "local": session.local.map(|local| local.to_string()),
        "ehlo_domain": session.ehlo_domain,
        "authz_id": session.authz_id,
        "may_relay": session.may_relay,
    });
    match question {
        Question::Connect => event["step"] = "connect".into(),
        Question::Ehlo(domain) => (event["step"], event["domain"]) = ("ehlo".into(), domain.as_str().into()),
        Question::Mail(sender) => {
            (event["step"], event["sender"]) = ("mail".into(), sender.as_ref().map(address).into());
        }
        Question::Rcpt { sender, recipient } => {
            (event["step"], event["sender"]) = ("rcpt".into(), sender.as_ref().map(address).into());
            event["recipient"] = address(recipient).into();
        }
    }
    event
}

/// Returns the event of mail that was put off.
#[must_use]
pub fn of_requeue(queued: &Queued, redaction: &Redaction) -> Value {
    let address = |address: &Address| redaction.address(address.as_str());
    json!({
        "event": "requeue",
        "now": queued.id.created().to_string(),
        "sender": queued.sender.as_ref().map(address),
        "recipients": queued.put_off.iter().map(|(to, _)| address(to)).collect::<Vec<_>>(),
        "replies": queued.put_off.iter().map(|(_, reply)| reply.to_string()).collect::<Vec<_>>(),
        "queue": queued.queue.to_string(),
        "attempts": queued.attempts,
        "size": queued.size,
        "due": queued.due.to_string(),
        "last_due": queued.last_due.to_string(),
        "meta": redaction.meta(&queued.meta),
    })
}
