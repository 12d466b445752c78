//! One instance of a component, from its birth to its first failure.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tollgate_policy::{Failure, FailureKind, scope::Scope};
use wasmtime::{
    Store, UpdateDeadline,
    component::{Instance, Lift, TypedFunc, WasmList},
};

use crate::{
    bindings::{
        configure::exports::tollgate::policy::configure as wit,
        message_brief::exports::tollgate::policy::message_brief::Question,
    },
    capability::LogBudget,
    dumps::Dumps,
    exports::{Call, Functions},
    failure::failure,
    given::Given,
    limits::Limits,
    place::Image,
    state::{HostState, TICKS},
};

/// An instance in a store of its own.
pub(crate) struct Guest {
    store: Store<HostState>,
    maker: Arc<Maker>,
    image: Arc<Image>,
    instance: Instance,
    /// What has been looked up in it; none is kept of one that has not been used before, and mostly is not used again.
    functions: Option<Box<Functions>>,
    calls: u32,
    /// After so many calls, and so long, it is replaced: what a guest leaks or piles up has an end. Nothing where it has never
    /// been kept.
    lifetime: Option<(u32, Instant)>,
}

/// How many calls a warm instance answers, and how long it lives. Each lives up to a fifth less, or all would be replaced at
/// the same time.
const CALLS: u32 = 100_000;
const AGE: Duration = Duration::from_secs(600);
/// At each so many calls an instance is asked how old it is: a clock costs a part of what a call does.
const LOOKS_AT_CLOCK: u32 = 16;

/// What a guest is made of besides its component; all guests of a plugin share it.
pub(crate) struct Maker {
    pub(crate) plugin: Arc<str>,
    pub(crate) limits: Limits,
    pub(crate) log: LogBudget,
    pub(crate) scope: Scope,
    pub(crate) dumps: Dumps,
    pub(crate) given: Given,
    pub(crate) counts: Counts,
}

/// What a plugin's instances come to, all together.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Instances that are there, busy or not.
    pub(crate) instances: AtomicU32,
    /// Octets of memory of the largest that there was.
    pub(crate) memory: AtomicUsize,
    /// Calls to the host in all events so far.
    pub(crate) host_calls: AtomicU64,
}

impl Maker {
    pub(crate) fn new(
        plugin: &str,
        limits: Limits,
        scope: Scope,
        given: Given,
        core_dumps: Option<PathBuf>,
    ) -> Arc<Self> {
        Arc::new(Self {
            plugin: Arc::from(plugin),
            log: LogBudget::new(limits.log_lines),
            limits,
            scope,
            dumps: Dumps::into(core_dumps),
            given,
            counts: Counts::default(),
        })
    }

    /// Returns the failure of a plugin that says what makes no sense.
    pub(crate) fn nonsense(&self, detail: String) -> Failure {
        Failure { plugin: self.plugin.to_string(), kind: FailureKind::Nonsense, detail }
    }
}

impl Guest {
    /// Instantiates a component; where as many instances as may be are there, one that nobody uses goes for it.
    pub(crate) fn instantiate(image: &Arc<Image>, maker: &Arc<Maker>) -> Result<Self, Failure> {
        loop {
            match Self::try_instantiate(image, maker) {
                Err(failure) if failure.kind == FailureKind::Unavailable && image.place.idle.drop_one() => {}
                made => return made,
            }
        }
    }

    /// The deadline holds from the first instruction: start functions run here.
    fn try_instantiate(image: &Arc<Image>, maker: &Arc<Maker>) -> Result<Self, Failure> {
        let state = HostState::new(maker);
        let mut store = Store::new(&image.place.engine, state);
        store.limiter(|state| &mut state.ceiling);
        store.epoch_deadline_callback(|mut context| {
            context.data_mut().tick().map_err(wasmtime::Error::new)?;
            Ok(UpdateDeadline::Continue(TICKS))
        });
        store.set_epoch_deadline(TICKS);
        store.set_hostcall_fuel(maker.limits.init_memory);
        store.set_max_component_handles(maker.limits.handles);
        let running = image.place.ticker.run();
        let instance = image.pre.instantiate(&mut store).map_err(|error| failure(&mut store, maker, &error))?;
        drop(running);
        let (image, maker) = (Arc::clone(image), Arc::clone(maker));
        maker.counts.instances.fetch_add(1, Ordering::Relaxed);
        Ok(Self { store, maker, image, instance, functions: None, calls: 0, lifetime: None })
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

    /// Asks a guest that is told of messages in brief what it wants to know of each; nothing where it is not.
    pub(crate) fn questions(&mut self) -> Result<Option<Vec<Question>>, Failure> {
        if self.image.exports.message_brief.is_none() {
            return Ok(None);
        }
        let questions = self.call(|call| {
            let (functions, store) = call.message_brief()?;
            functions.tollgate_policy_message_brief().call_questions(store)
        })?;
        Ok(Some(questions))
    }

    /// Returns the failure of a guest that says what makes no sense.
    pub(crate) fn nonsense(&self, detail: String) -> Failure {
        self.maker.nonsense(detail)
    }

    /// Runs one event under the event's budgets. After an error the guest must not be used again.
    pub(crate) fn event<T>(&mut self, run: impl FnOnce(Call<'_>) -> wasmtime::Result<T>) -> Result<T, Failure> {
        self.calls = self.calls.saturating_add(1);
        self.store.data_mut().begin_event();
        let fuel = self.store.data().limits().host_call_bytes;
        self.store.set_hostcall_fuel(fuel);
        let answer = self.call(run);
        self.count();
        answer
    }

    /// Adds what an event took to what its plugin takes.
    fn count(&self) {
        let (state, counts) = (self.store.data(), &self.maker.counts);
        counts.host_calls.fetch_add(state.host_calls_made().into(), Ordering::Relaxed);
        let used = state.ceiling.memory_used;
        // Nearly always it is known, and to read is cheaper than to write.
        if used > counts.memory.load(Ordering::Relaxed) {
            counts.memory.fetch_max(used, Ordering::Relaxed);
        }
    }

    /// Runs something in the guest while the epoch advances.
    fn call<T>(&mut self, run: impl FnOnce(Call<'_>) -> wasmtime::Result<T>) -> Result<T, Failure> {
        self.store.set_epoch_deadline(TICKS);
        let _running = self.image.place.ticker.run();
        let (exports, instance, kept) = (&self.image.exports, &self.instance, self.functions.as_deref());
        let answer = run(Call { exports, instance, kept, store: &mut self.store });
        answer.map_err(|error| failure(&mut self.store, &self.maker, &error))
    }

    /// Has what is looked up in it kept from now on.
    pub(crate) fn will_be_used_again(&mut self) {
        self.functions.get_or_insert_default();
    }

    /// Returns whether it has answered enough, lived long enough, or grown close to what it may have.
    pub(crate) fn is_worn(&mut self) -> bool {
        let (calls, until) = *self.lifetime.get_or_insert_with(lifetime);
        let is_old = || self.calls.is_multiple_of(LOOKS_AT_CLOCK) && Instant::now() >= until;
        self.calls >= calls || self.store.data().is_nearly_full() || is_old()
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

/// Returns how many calls an instance answers from now on, and until when.
fn lifetime() -> (u32, Instant) {
    let less = |most: u64| most - fastrand::u64(0..=most / 5);
    (less(CALLS.into()) as u32, Instant::now() + Duration::from_secs(less(AGE.as_secs())))
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.maker.counts.instances.fetch_sub(1, Ordering::Relaxed);
    }
}
