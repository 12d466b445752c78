//! The events of a component: found in its type when it is loaded, looked up in an instance when they are called.
//!
//! One line below for each event. A look-up has its price, so an instance that lives for one event looks up
//! just that event's functions, and one that lives longer does it once.

use std::{
    cell::{Cell, OnceCell},
    ops::Deref,
};

use tollgate_policy::{Event, Events};
use wasmtime::{
    Store,
    component::{ComponentExportIndex, Instance, InstancePre, TypedFunc},
};

use crate::{
    bindings::{
        self, host::tollgate::policy::message::Answer,
        message_brief::exports::tollgate::policy::message_brief::Judgement,
    },
    component::LoadError,
    state::HostState,
};

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

/// The one function of `message-brief` that messages need: an instance is not asked again what a plugin asks of every message.
pub(crate) type Judge = TypedFunc<(Vec<Answer>,), (Judgement,)>;

/// Returns where in a component that function is.
fn judge(pre: &InstancePre<HostState>) -> Option<ComponentExportIndex> {
    let interface = pre.component().get_export_index(None, "tollgate:policy/message-brief@0.1.0")?;
    pre.component().get_export_index(Some(&interface), "judge")
}

/// A call that is about to be made: the instance with its functions, and the store to make it in.
pub(crate) struct Call<'a> {
    pub(crate) exports: &'a Exports,
    pub(crate) instance: &'a Instance,
    /// What has been looked up before, of an instance that is used again.
    pub(crate) kept: Option<&'a Functions>,
    pub(crate) store: &'a mut Store<HostState>,
}

/// Functions of an instance.
pub(crate) enum Found<'a, T> {
    Before(&'a T),
    Now(T),
}

impl<T> Deref for Found<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Self::Before(functions) => functions,
            Self::Now(functions) => functions,
        }
    }
}

impl<'a> Call<'a> {
    /// Returns the function that judges a message, which the component must export, and the store to call it in.
    pub(crate) fn judge(self) -> wasmtime::Result<(Judge, &'a mut Store<HostState>)> {
        let at = self.exports.judge.as_ref().expect("only events that the component exports are asked");
        let known = self.kept.and_then(|kept| kept.judge.get());
        let judge = known.map_or_else(|| self.instance.get_typed_func(&mut *self.store, at), Ok)?;
        if let Some(kept) = self.kept {
            kept.judge.set(Some(judge));
        }
        Ok((judge, self.store))
    }
}

macro_rules! exports {
    ($($field:ident: $world:ident, $indices:ident, $event:expr;)*) => {
        /// Where in a component its events are; those that it does not export are none.
        pub(crate) struct Exports {
            $(pub(crate) $field: Option<bindings::$field::$indices>,)*
            judge: Option<ComponentExportIndex>,
        }

        /// The functions of an instance, as far as they have been looked up.
        #[derive(Default)]
        pub(crate) struct Functions {
            $($field: OnceCell<bindings::$field::$world>,)*
            judge: Cell<Option<Judge>>,
        }

        impl Exports {
            /// Reads a component's type.
            pub(crate) fn find(pre: &InstancePre<HostState>) -> Self {
                Self { $($field: bindings::$field::$indices::new(pre).ok(),)* judge: judge(pre) }
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
                ) -> wasmtime::Result<(Found<'a, bindings::$field::$world>, &'a mut Store<HostState>)> {
                    if let Some(kept) = self.kept.and_then(|kept| kept.$field.get()) {
                        return Ok((Found::Before(kept), self.store));
                    }
                    let at = self.exports.$field.as_ref().expect("only events that the component exports are asked");
                    let now = at.load(&mut *self.store, self.instance)?;
                    let found = match self.kept {
                        Some(kept) => Found::Before(kept.$field.get_or_init(|| now)),
                        None => Found::Now(now),
                    };
                    Ok((found, self.store))
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
