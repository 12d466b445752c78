//! One instance of a component, from its birth to its first failure.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tollgate_policy::{Failure, FailureKind, scope::Scope};
use wasmtime::{
    Store, Trap, UpdateDeadline,
    component::{Instance, Lift, TypedFunc, WasmList},
};

use crate::{
    bindings::configure::exports::tollgate::policy::configure as wit,
    capability::LogBudget,
    component::{Image, Runtime},
    exports::{Call, Functions},
    limits::{Limits, OutOfTime},
    state::{HostCallsExhausted, HostState, TICKS},
};

/// An instance in a store of its own.
pub(crate) struct Guest {
    store: Store<HostState>,
    runtime: Runtime,
    image: Arc<Image>,
    instance: Instance,
    functions: Functions,
    calls: u32,
    /// After so many calls, and so long, it is replaced: what a guest leaks or piles up has an end.
    lifetime: (u32, Instant),
}

/// How many calls a warm instance answers, and how long it lives. Each lives up to a fifth less, or all would be replaced at
/// the same time.
const CALLS: u32 = 100_000;
const AGE: Duration = Duration::from_secs(600);

/// What a guest is made of besides its component.
#[derive(Clone)]
pub(crate) struct Maker {
    pub(crate) plugin: Arc<str>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) log: Arc<LogBudget>,
    pub(crate) scope: Scope,
}

impl Guest {
    /// Instantiates a component. The deadline holds from the first instruction: start functions run here.
    pub(crate) fn instantiate(runtime: &Runtime, image: &Arc<Image>, maker: &Maker) -> Result<Self, Failure> {
        let state = HostState::new(maker);
        let mut store = Store::new(runtime.engine(), state);
        store.limiter(|state| &mut state.ceiling);
        store.epoch_deadline_callback(|mut context| {
            context.data_mut().tick().map_err(wasmtime::Error::new)?;
            Ok(UpdateDeadline::Continue(TICKS))
        });
        store.set_epoch_deadline(TICKS);
        store.set_hostcall_fuel(maker.limits.init_memory);
        store.set_max_component_handles(maker.limits.handles);
        let running = runtime.ticker().run();
        let instance = image.pre.instantiate(&mut store).map_err(|error| failure(&store, &error))?;
        drop(running);
        let less = |most: u64| most - fastrand::u64(0..=most / 5);
        let lifetime = (less(CALLS.into()) as u32, Instant::now() + Duration::from_secs(less(AGE.as_secs())));
        let (runtime, image) = (runtime.clone(), Arc::clone(image));
        Ok(Self { store, runtime, image, instance, functions: Functions::default(), calls: 0, lifetime })
    }

    /// Gives the guest its files. A component that takes none is configured by nothing.
    pub(crate) fn configure(&mut self, files: &[wit::File]) -> Result<Result<wit::Loaded, wit::Refused>, Failure> {
        if self.image.exports.configure.is_none() {
            return Ok(Ok(wit::Loaded { diagnostics: Vec::new(), references: Vec::new() }));
        }
        self.call(|call| {
            let (functions, store) = call.configure()?;
            functions.tollgate_policy_configure().call_init(store, files)
        })
    }

    /// Runs one event under the event's budgets. After an error the guest must not be used again.
    pub(crate) fn event<T>(&mut self, run: impl FnOnce(Call<'_>) -> wasmtime::Result<T>) -> Result<T, Failure> {
        self.calls = self.calls.saturating_add(1);
        self.store.data_mut().begin_event();
        let fuel = self.store.data().limits().host_call_bytes;
        self.store.set_hostcall_fuel(fuel);
        self.call(run)
    }

    /// Runs something in the guest while the epoch advances.
    fn call<T>(&mut self, run: impl FnOnce(Call<'_>) -> wasmtime::Result<T>) -> Result<T, Failure> {
        self.store.set_epoch_deadline(TICKS);
        let _running = self.runtime.ticker().run();
        let (exports, instance, functions) = (&self.image.exports, &self.instance, &self.functions);
        run(Call { exports, instance, functions, store: &mut self.store }).map_err(|error| failure(&self.store, &error))
    }

    /// Returns whether no event has been put to it.
    pub(crate) fn is_unused(&self) -> bool {
        self.calls == 0
    }

    /// Returns whether it has answered enough, lived long enough, or grown close to what it may have.
    pub(crate) fn is_worn(&self) -> bool {
        let (calls, until) = self.lifetime;
        let ceiling = &self.store.data().ceiling;
        self.calls >= calls || ceiling.memory_used > ceiling.memory / 4 * 3 || Instant::now() >= until
    }

    /// Returns whether the host keeps something for it.
    pub(crate) fn holds_resources(&self) -> bool {
        !self.store.data().table.is_empty()
    }

    /// Calls a function without parameters of one of its instances.
    pub(crate) fn read<T: Lift + Send + Sync + 'static>(
        &mut self,
        instance: &str,
        function: &str,
    ) -> wasmtime::Result<T> {
        let function = self.find(instance, function)?;
        Ok(function.call(&mut self.store, ())?.0)
    }

    /// Calls a function without parameters that returns octets, and shows them where they are.
    pub(crate) fn read_octets(
        &mut self,
        instance: &str,
        function: &str,
        show: impl FnOnce(&[u8]),
    ) -> wasmtime::Result<()> {
        let function = self.find::<WasmList<u8>>(instance, function)?;
        let (list,) = function.call(&mut self.store, ())?;
        show(list.as_le_slice(&self.store));
        Ok(())
    }

    fn find<T: Lift + Send + Sync + 'static>(
        &mut self,
        instance: &str,
        function: &str,
    ) -> wasmtime::Result<TypedFunc<(), (T,)>> {
        self.store.set_epoch_deadline(TICKS);
        let missing = || wasmtime::Error::msg("not there");
        let (_, of) = self.instance.get_export(&mut self.store, None, instance).ok_or_else(missing)?;
        let (_, at) = self.instance.get_export(&mut self.store, Some(&of), function).ok_or_else(missing)?;
        self.instance.get_typed_func(&mut self.store, at)
    }
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
