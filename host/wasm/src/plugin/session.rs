//! A session, put before a guest.

use std::sync::Arc;

use tollgate_policy::{
    Failure,
    event::smtp_session::{Credentials, OpenSession, Question},
};
use wasmtime::{Store, component::Resource};

use super::Inner;
use crate::{
    bindings::{
        host::tollgate::policy::types::Reply, smtp_session::exports::tollgate::policy::smtp_session::Guest as Functions,
    },
    capability::{mailbox, session::SessionHandle},
    state::HostState,
};

pub(super) fn ask(
    plugin: &Arc<Inner>,
    session: &Arc<OpenSession>,
    question: &Question,
) -> Result<Result<(), Reply>, Failure> {
    with_session(plugin, session, |functions, store, session| match question {
        Question::Connect => functions.call_connect(store, session),
        Question::Ehlo(domain) => functions.call_ehlo(store, session, domain),
        Question::Mail(sender) => functions.call_mail(store, session, sender.as_ref().map(mailbox).as_ref()),
        Question::Rcpt { sender, recipient } => {
            functions.call_rcpt(store, session, sender.as_ref().map(mailbox).as_ref(), &mailbox(recipient))
        }
    })
}

pub(super) fn auth(
    plugin: &Arc<Inner>,
    session: &Arc<OpenSession>,
    credentials: &Credentials,
) -> Result<Result<Option<String>, Reply>, Failure> {
    let Credentials { authz, authc, password } = credentials;
    with_session(plugin, session, |functions, store, session| {
        functions.call_auth(store, session, authz, authc, password)
    })
}

/// Runs one function with a session that the guest can look at as long as it runs.
fn with_session<T>(
    plugin: &Arc<Inner>,
    session: &Arc<OpenSession>,
    call: impl FnOnce(&Functions, &mut Store<HostState>, Resource<SessionHandle>) -> wasmtime::Result<T>,
) -> Result<T, Failure> {
    let mut guest = plugin.take()?;
    let answer = guest.event(|event| {
        let (functions, store) = event.smtp_session()?;
        let handle = store.data_mut().table.push(SessionHandle(Arc::clone(session)))?;
        let borrowed = Resource::new_borrow(handle.rep());
        let answer = call(functions.tollgate_policy_smtp_session(), store, borrowed)?;
        store.data_mut().table.delete(handle)?;
        Ok(answer)
    })?;
    plugin.give_back(guest);
    Ok(answer)
}
