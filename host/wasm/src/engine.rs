//! The engines on which components run: sync, pooled, interruptible, with nothing switched on that policy does not need.

use std::{
    io,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, Thread},
};

use wasmtime::{
    Config, Enabled, Engine, EngineWeak, InstanceAllocationStrategy, PoolingAllocationConfig, WasmBacktraceDetails,
};

use crate::{
    limits::{CORE_INSTANCES, Limits},
    state::TICK,
};

/// The room that instances have, of all plugins together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pool {
    /// How many may live at once.
    pub instances: u32,
    /// Whether the system is asked which pages an instance has touched, where it can tell (Linux 6.7): clearing up after one
    /// then costs what it used, not what it might have.
    pub page_map: bool,
}

impl Default for Pool {
    fn default() -> Self {
        Self { instances: 256, page_map: true }
    }
}

/// Stack of a guest. Threads that run guests have at least four times as much.
const GUEST_STACK: usize = 512 << 10;

/// Returns an engine with pooled instances where the machine has the address space, without pool elsewhere.
pub(crate) fn pooled(pool: &Pool) -> wasmtime::Result<Engine> {
    let mut config = base();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool.allocation()));
    // Small hosts and tight `ulimit -v` cannot reserve the pool's address space: slower to instantiate, same behaviour.
    Engine::new(&config).or_else(|reason| {
        tracing::warn!(%reason, "no room for pooled instances; plugins start more slowly");
        Engine::new(&base())
    })
}

/// Returns an engine that makes code for those with a pool, on one thread, and runs nothing.
pub(crate) fn compiling() -> wasmtime::Result<Engine> {
    let mut config = base();
    config.parallel_compilation(false);
    Engine::new(&config)
}

/// Returns an engine on which a component is configured once, in a process that has little address space and may open no file.
pub(crate) fn configuring() -> wasmtime::Result<Engine> {
    let mut config = base();
    config.parallel_compilation(false).memory_init_cow(false).memory_reservation(0).memory_guard_size(64 << 10);
    Engine::new(&config)
}

fn base() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_relaxed_simd(false)
        .wasm_tail_call(false)
        .concurrency_support(false)
        .epoch_interruption(true)
        .max_wasm_stack(GUEST_STACK)
        .memory_init_cow(true)
        .wasm_backtrace_max_frames(NonZeroUsize::new(20))
        .coredump_on_trap(true)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable);
    config
}

impl Pool {
    fn allocation(&self) -> PoolingAllocationConfig {
        let (limits, instances) = (Limits::default(), self.instances);
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(instances)
            .total_core_instances(instances * 4)
            .total_memories(instances)
            .total_tables(instances * 4)
            .max_memory_size(limits.init_memory)
            .table_elements(limits.table_elements)
            .max_core_instances_per_component(CORE_INSTANCES)
            .max_memories_per_component(2)
            .max_tables_per_component(8)
            .max_component_instance_size(1 << 20)
            .max_core_instance_size(1 << 20)
            .linear_memory_keep_resident(2 << 20)
            .table_keep_resident(64 << 10)
            .pagemap_scan(if self.page_map { Enabled::Auto } else { Enabled::No })
            .max_unused_warm_slots(16);
        pool
    }
}

/// A thread that advances the engine's epoch while guests run, and rests while none does.
#[derive(Debug)]
pub(crate) struct Ticker {
    running: Arc<AtomicUsize>,
    thread: Thread,
}

/// A guest that runs. The epoch advances while one of these is there.
pub(crate) struct Running<'a>(&'a Ticker);

/// How many idle ticks the thread waits before it rests, so that a busy server never pays for waking it.
const IDLE_TICKS: u32 = 200;

impl Ticker {
    /// Starts the thread. It ends when the engine is gone.
    pub(crate) fn start(engine: &Engine) -> io::Result<Self> {
        let running = Arc::new(AtomicUsize::new(0));
        let (count, weak) = (Arc::clone(&running), engine.weak());
        let handle = thread::Builder::new().name("wasm-epoch".to_owned()).spawn(move || tick(&weak, &count))?;
        Ok(Self { running, thread: handle.thread().clone() })
    }

    pub(crate) fn run(&self) -> Running<'_> {
        if self.running.fetch_add(1, Ordering::SeqCst) == 0 {
            self.thread.unpark();
        }
        Running(self)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        // Lets a resting thread see that its engine is gone.
        self.thread.unpark();
    }
}

fn tick(engine: &EngineWeak, running: &AtomicUsize) {
    let mut idle = 0;
    // After a stall the epoch advances by one, not by all that was missed: guests did not run meanwhile either.
    while let Some(engine) = engine.upgrade() {
        engine.increment_epoch();
        drop(engine);
        idle = if running.load(Ordering::SeqCst) == 0 { idle + 1 } else { 0 };
        if idle < IDLE_TICKS { thread::sleep(TICK) } else { thread::park_timeout(TICK * 5000) }
    }
}
