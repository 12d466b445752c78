//! A message that a plugin is shown: a resource that it may ask and edit as long as the event lasts.

use std::sync::Arc;

use tollgate_message::{Edits, Received};
use tollgate_policy::{Answer, Failure, Refusal, Verdict};
use wasmtime::component::Resource;

use super::Inner;
use crate::{
    bindings::{
        host::tollgate::policy::types::Reply,
        message_received::exports::tollgate::policy::message_received::Verdict as WitVerdict,
    },
    capability::{edit::MessageHandle, reply_from_guest},
};

pub(super) fn received(inner: &Arc<Inner>, received: &Arc<Received>, edits: Edits) -> Result<(Edits, Answer), Failure> {
    let mut guest = inner.take()?;
    let received = Arc::clone(received);
    let (edits, answer) = guest.event(|call| {
        let (functions, store) = call.message_received()?;
        let message = MessageHandle::new(received, edits, store.data().scope());
        let handle = store.data_mut().table.push(message)?;
        let borrowed = Resource::new_borrow(handle.rep());
        let interface = functions.tollgate_policy_message_received();
        let answer = interface.call_message_received(&mut *store, borrowed)?;
        Ok((store.data_mut().table.delete(handle)?.edits, answer))
    })?;
    inner.give_back(guest);
    let answer = match answer {
        Ok(WitVerdict::Accept) => Ok(Verdict::Accept),
        Ok(WitVerdict::Discard) => Ok(Verdict::Discard),
        Ok(WitVerdict::Hold(reason)) => Ok(Verdict::Hold(reason)),
        Err(reply) => Err(inner.refusal(reply)?),
    };
    Ok((edits, answer))
}

impl Inner {
    /// Returns a guest's reply as a refusal; one that is none is nonsense.
    pub(super) fn refusal(&self, reply: Reply) -> Result<Refusal, Failure> {
        let reply = reply_from_guest(reply).map_err(|reason| self.nonsense(reason))?;
        Refusal::try_from(reply).map_err(|reply| self.nonsense(format!("{reply} refuses nothing")))
    }
}
