//! The settings of a queue: written into a resource, or told in brief.

use std::sync::Arc;

use tollgate_message::QueueName;
use tollgate_policy::{Failure, Settings};
use wasmtime::component::Resource;

use super::Inner;
use crate::capability::{
    queue_name,
    queue_settings::{SettingsHandle, Writer},
};

impl Inner {
    pub(super) fn is_briefed_of_queues(&self) -> bool {
        self.component.image.exports.queue_brief.is_some()
    }
}

/// Asks a plugin that sees what those before it set.
pub(super) fn asked(inner: &Arc<Inner>, name: &QueueName, so_far: &Settings) -> Result<Option<Settings>, Failure> {
    let mut guest = inner.take()?;
    let answer = guest.event(|call| {
        let (functions, store) = call.queue_config()?;
        let so_far = store.data_mut().table.push(SettingsHandle(so_far.clone()))?;
        let borrowed = Resource::new_borrow(so_far.rep());
        let interface = functions.tollgate_policy_queue_config();
        let answer = interface.call_get_queue_config(&mut *store, &queue_name(name), borrowed)?;
        let table = &mut store.data_mut().table;
        table.delete(so_far)?;
        answer
            .map(|settings| settings.map(|handle| table.delete(handle).map(|handle| handle.0)).transpose())
            .map_or_else(|error| Ok(Err(error)), |settings| settings.map(Ok).map_err(wasmtime::Error::from))
    })?;
    inner.give_back(guest);
    answer.map_err(|error| inner.no_answer(&format!("about the queue {name}"), &error))
}

/// Asks a plugin that is told the queue's name and nothing else.
pub(super) fn briefed(inner: &Arc<Inner>, name: &QueueName) -> Result<Option<Settings>, Failure> {
    let mut guest = inner.take()?;
    let answer = guest.event(|call| {
        let (functions, store) = call.queue_brief()?;
        let answer = functions.tollgate_policy_queue_brief().call_get_queue_settings(&mut *store, &queue_name(name))?;
        // Each counts as a call to the host.
        store.data_mut().charge_many(answer.as_ref().map_or(0, |set| set.as_ref().map_or(0, Vec::len)))?;
        Ok(answer)
    })?;
    inner.give_back(guest);
    let answer = answer.map_err(|error| inner.no_answer(&format!("about the queue {name}"), &error))?;
    let Some(all) = answer else { return Ok(None) };
    let mut settings = Settings::default();
    let mut writer = Writer { settings: &mut settings, scope: &inner.maker.scope, plugin: &inner.maker.plugin };
    for (setting, origin) in all {
        let set = writer.set(setting, origin);
        set.map_err(|reason| inner.nonsense(format!("sets for the queue {name} what is refused: {reason:?}")))?;
    }
    Ok(Some(settings))
}
