//! The events of a component: found in its type when it is loaded, looked up in an instance when they are called.
//!
//! One line below for each event. A look-up has its price, so an instance that lives for one event looks up
//! just that event's functions, and one that lives longer does it once.

use std::cell::OnceCell;

use tollgate_policy::{Event, Events};
use wasmtime::{
    Store,
    component::{Instance, InstancePre},
};

use crate::{bindings, component::LoadError, state::HostState};

impl Exports {
    /// Sees to it that no event is handled in two ways.
    ///
    /// # Errors
    /// [`LoadError::TwoWays`].
    pub(crate) fn one_way(&self) -> Result<(), LoadError> {
        if self.message_received.is_some() && self.message_brief.is_some() {
            return Err(LoadError::TwoWays("message-received", "message-brief"));
        }
        if self.queue_config.is_some() && self.queue_brief.is_some() {
            return Err(LoadError::TwoWays("queue-config", "queue-brief"));
        }
        Ok(())
    }
}

/// A call that is about to be made: the instance with its functions, and the store to make it in.
pub(crate) struct Call<'a> {
    pub(crate) exports: &'a Exports,
    pub(crate) instance: &'a Instance,
    pub(crate) functions: &'a Functions,
    pub(crate) store: &'a mut Store<HostState>,
}

macro_rules! exports {
    ($($field:ident: $world:ident, $indices:ident, $event:expr;)*) => {
        /// Where in a component its events are; those that it does not export are none.
        pub(crate) struct Exports {
            $(pub(crate) $field: Option<bindings::$field::$indices>,)*
        }

        /// The functions of an instance, as far as they have been looked up.
        #[derive(Default)]
        pub(crate) struct Functions {
            $($field: OnceCell<bindings::$field::$world>,)*
        }

        impl Exports {
            /// Reads a component's type.
            pub(crate) fn find(pre: &InstancePre<HostState>) -> Self {
                Self { $($field: bindings::$field::$indices::new(pre).ok(),)* }
            }

            /// Returns the events that the component handles, which configuration is none of.
            pub(crate) fn events(&self) -> Events {
                let found = [$((self.$field.is_some(), $event),)*];
                let handled = found.into_iter().filter(|(found, _)| *found).filter_map(|(_, event)| event);
                handled.fold(Events::default(), Events::with)
            }
        }

        impl<'a> Call<'a> {
            $(
                /// Returns the functions of this event, which the component must export, and the store to call them in.
                pub(crate) fn $field(
                    self,
                ) -> wasmtime::Result<(&'a bindings::$field::$world, &'a mut Store<HostState>)> {
                    let cell = &self.functions.$field;
                    if cell.get().is_none() {
                        let at = self.exports.$field.as_ref().expect("only events that the component exports are asked");
                        drop(cell.set(at.load(&mut *self.store, self.instance)?));
                    }
                    Ok((cell.get().expect("it has just been put there"), self.store))
                }
            )*
        }
    };
}

exports! {
    configure: ConfigurePlugin, ConfigurePluginIndices, None;
    message_received: MessageReceivedPlugin, MessageReceivedPluginIndices, Some(Event::MessageReceived);
    message_brief: MessageBriefPlugin, MessageBriefPluginIndices, Some(Event::MessageReceived);
    queue_config: QueueConfigPlugin, QueueConfigPluginIndices, Some(Event::QueueConfig);
    queue_brief: QueueBriefPlugin, QueueBriefPluginIndices, Some(Event::QueueConfig);
    throttles: ThrottlesPlugin, ThrottlesPluginIndices, Some(Event::Throttles);
    smtp_session: SmtpSessionPlugin, SmtpSessionPluginIndices, Some(Event::SmtpSession);
    egress: EgressPlugin, EgressPluginIndices, Some(Event::Egress);
    requeue: RequeuePlugin, RequeuePluginIndices, Some(Event::Requeue);
    record: RecordPlugin, RecordPluginIndices, Some(Event::Record);
}
