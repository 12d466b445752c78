//! One instance of a component, from its birth to its first failure.

use std::sync::Arc;

use tollgate_policy::{Failure, FailureKind};
use wasmtime::{AsContextMut as _, Store, Trap, UpdateDeadline, component::Instance};

use crate::{
    bindings::{
        configure::{ConfigurePlugin, exports::tollgate::policy::configure as wit},
        message_received::MessageReceivedPlugin,
        queue_config::QueueConfigPlugin,
        throttles::ThrottlesPlugin,
    },
    capability::LogBudget,
    component::Component,
    limits::{Limits, OutOfTime},
    state::{HostCallsExhausted, HostState, TICKS},
};

/// An instance with the functions of its events looked up.
pub(crate) struct Guest {
    store: Store<HostState>,
    configure: Option<ConfigurePlugin>,
    pub(crate) message_received: Option<MessageReceivedPlugin>,
    pub(crate) queue_config: Option<QueueConfigPlugin>,
    pub(crate) throttles: Option<ThrottlesPlugin>,
    pub(crate) calls: u32,
}

/// What a guest is made of besides its component.
#[derive(Clone)]
pub(crate) struct Maker {
    pub(crate) plugin: Arc<str>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) log: Arc<LogBudget>,
}

impl Guest {
    /// Instantiates a component. The deadline holds from the first instruction: start functions run here.
    pub(crate) fn instantiate(component: &Component, maker: &Maker) -> Result<Self, Failure> {
        let state = HostState::new(Arc::clone(&maker.plugin), Arc::clone(&maker.limits), Arc::clone(&maker.log));
        let mut store = Store::new(&component.engine, state);
        store.limiter(|state| &mut state.ceiling);
        store.epoch_deadline_callback(|mut context| {
            context.data_mut().tick().map_err(wasmtime::Error::new)?;
            Ok(UpdateDeadline::Continue(TICKS))
        });
        store.set_epoch_deadline(TICKS);
        store.set_hostcall_fuel(maker.limits.init_memory);
        store.set_max_component_handles(maker.limits.handles);
        let _running = component.ticker.run();
        let instance = component.pre.instantiate(&mut store).map_err(|error| failure(&store, &error))?;
        Self::look_up(component, store, &instance)
    }

    fn look_up(component: &Component, mut store: Store<HostState>, instance: &Instance) -> Result<Self, Failure> {
        let mut look_up = || -> wasmtime::Result<_> {
            let (context, at) = (&mut store, instance);
            Ok((
                component.configure.as_ref().map(|event| event.load(&mut *context, at)).transpose()?,
                component.message_received.as_ref().map(|event| event.load(&mut *context, at)).transpose()?,
                component.queue_config.as_ref().map(|event| event.load(&mut *context, at)).transpose()?,
                component.throttles.as_ref().map(|event| event.load(&mut *context, at)).transpose()?,
            ))
        };
        let (configure, message_received, queue_config, throttles) =
            look_up().map_err(|error| failure(&store, &error))?;
        Ok(Self { store, configure, message_received, queue_config, throttles, calls: 0 })
    }

    /// Gives the guest its files. A component that takes none is configured by nothing.
    pub(crate) fn configure(
        &mut self,
        component: &Component,
        files: &[wit::File],
    ) -> Result<Result<wit::Loaded, wit::Refused>, Failure> {
        let Some(configure) = &self.configure else {
            return Ok(Ok(wit::Loaded { diagnostics: Vec::new(), references: Vec::new() }));
        };
        let _running = component.ticker.run();
        self.store.set_epoch_deadline(TICKS);
        let answer = configure.tollgate_policy_configure().call_init(&mut self.store, files);
        answer.map_err(|error| failure(&self.store, &error))
    }

    /// Runs one event under the event's budgets. After an error the guest must not be used again.
    pub(crate) fn event<T>(
        &mut self,
        component: &Component,
        run: impl FnOnce(&Functions<'_>, &mut Store<HostState>) -> wasmtime::Result<T>,
    ) -> Result<T, Failure> {
        self.calls = self.calls.saturating_add(1);
        self.store.data_mut().begin_event();
        let fuel = self.store.data().limits().host_call_bytes;
        self.store.set_hostcall_fuel(fuel);
        self.store.as_context_mut().set_epoch_deadline(TICKS);
        let _running = component.ticker.run();
        let functions = Functions {
            message_received: self.message_received.as_ref(),
            queue_config: self.queue_config.as_ref(),
            throttles: self.throttles.as_ref(),
        };
        run(&functions, &mut self.store).map_err(|error| failure(&self.store, &error))
    }
}

/// The functions of a guest's events, apart from its store, so that both can be used at once.
pub(crate) struct Functions<'a> {
    pub(crate) message_received: Option<&'a MessageReceivedPlugin>,
    pub(crate) queue_config: Option<&'a QueueConfigPlugin>,
    pub(crate) throttles: Option<&'a ThrottlesPlugin>,
}

/// Says how a guest failed, in the words of the limit that it met or of its own panic.
fn failure(store: &Store<HostState>, error: &wasmtime::Error) -> Failure {
    let state = store.data();
    let (kind, detail) = if let Some(refused) = &state.ceiling.refused {
        (FailureKind::Memory, refused.clone())
    } else if let Some(late) = error.downcast_ref::<OutOfTime>() {
        (FailureKind::Time, late.to_string())
    } else if let Some(calls) = error.downcast_ref::<HostCallsExhausted>() {
        (FailureKind::HostCalls, calls.to_string())
    } else {
        trap(state, error)
    };
    Failure { plugin: state.plugin_name().to_owned(), kind, detail }
}

fn trap(state: &HostState, error: &wasmtime::Error) -> (FailureKind, String) {
    let cause = error.root_cause().to_string();
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow | Trap::AllocationTooLarge) => (FailureKind::Memory, cause),
        Some(Trap::Interrupt) => (FailureKind::Time, cause),
        // The engine's own type for this is private; its words are all there is to tell it by.
        _ if cause.contains("fuel allocated for hostcalls") => {
            let limit = state.limits().host_call_bytes;
            (FailureKind::HostCalls, format!("more than {limit} octets in one call (limits.host_call_bytes)"))
        }
        _ => (FailureKind::Trap, state.panic_note().map_or(cause, |panic| format!("panicked: {panic}"))),
    }
}
