//! What the host keeps for one instance: its resources, its budgets, and what it said last.

use std::{sync::Arc, time::Duration};

use tollgate_capability::Refused;
use tollgate_policy::scope::Scope;
use wasmtime::component::ResourceTable;

use crate::{
    bindings::host::tollgate::policy::types::PolicyError,
    capability::{LogBudget, edit::Allowance},
    given::Given,
    instance::Maker,
    limits::{Ceiling, Limits, OutOfTime, Stopwatch},
};

/// A guest that called the host more often than it may in one event.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("more than {0} calls to the host (limits.host_calls)")]
pub(crate) struct HostCallsExhausted(u32);

/// A call that makes no sense before there is an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0} cannot be called while the plugin is configured")]
pub(crate) struct NotDuringInit(pub(crate) &'static str);

/// The data of a store.
pub(crate) struct HostState {
    pub(crate) table: ResourceTable,
    pub(crate) ceiling: Ceiling,
    maker: Arc<Maker>,
    stopwatch: Stopwatch,
    host_calls_left: u32,
    header_bytes_left: usize,
    configuring: bool,
    /// Octets of memory that it had when it was configured.
    configured: usize,
    panic: Option<String>,
    /// What it has said of one so far.
    said_in_panic: Vec<u8>,
}

impl HostState {
    pub(crate) fn new(maker: &Arc<Maker>) -> Self {
        let (maker, limits) = (Arc::clone(maker), &maker.limits);
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        Self {
            table,
            ceiling: Ceiling {
                memory: limits.init_memory,
                memory_used: 0,
                table_elements: limits.table_elements,
                refused: None,
            },
            stopwatch: Stopwatch::start(limits.init, limits.init * 10),
            // Configuration may ask the host about every key of a large file.
            host_calls_left: u32::MAX,
            header_bytes_left: 0,
            configuring: true,
            configured: 0,
            panic: None,
            said_in_panic: Vec::new(),
            maker,
        }
    }

    /// Starts the budgets of an event.
    pub(crate) fn begin_event(&mut self) {
        if self.configuring {
            (self.configuring, self.configured) = (false, self.ceiling.memory_used);
        }
        // What a large configuration takes is its own to keep; an event may not add to it.
        self.ceiling.memory = self.maker.limits.memory.max(self.configured);
        // What an earlier event met is no reason for the failure of this one.
        (self.ceiling.refused, self.panic) = (None, None);
        self.said_in_panic.clear();
        self.host_calls_left = self.maker.limits.host_calls;
        self.header_bytes_left = self.maker.limits.header_bytes;
        self.stopwatch = Stopwatch::start(self.maker.limits.cpu, self.maker.limits.wall);
    }

    /// Returns whether most of what events may take is taken.
    pub(crate) fn is_nearly_full(&self) -> bool {
        let room = self.ceiling.memory - self.configured.min(self.ceiling.memory);
        self.ceiling.memory_used > self.configured + room / 4 * 3
    }

    pub(crate) fn tick(&mut self) -> Result<(), OutOfTime> {
        self.stopwatch.tick()
    }

    /// Charges one call to the host.
    pub(crate) fn charge(&mut self) -> wasmtime::Result<()> {
        self.charge_many(1)
    }

    /// Charges what counts as so many calls to the host.
    pub(crate) fn charge_many(&mut self, calls: usize) -> wasmtime::Result<()> {
        let left = u32::try_from(calls).ok().and_then(|calls| self.host_calls_left.checked_sub(calls));
        match left {
            Some(left) => {
                self.host_calls_left = left;
                Ok(())
            }
            None => Err(wasmtime::Error::new(HostCallsExhausted(self.maker.limits.host_calls))),
        }
    }

    /// Charges one call of a kind that makes no sense before there is an event.
    pub(crate) fn charge_in_event(&mut self, call: &'static str) -> wasmtime::Result<()> {
        self.charge()?;
        if self.configuring { Err(wasmtime::Error::new(NotDuringInit(call))) } else { Ok(()) }
    }

    /// Waits for something of the host's, as long as the event may take; then it is dropped, and the event has failed.
    pub(crate) fn wait<T>(
        &mut self,
        what: impl Future<Output = Result<T, Refused>>,
    ) -> wasmtime::Result<Result<T, PolicyError>> {
        let deadline = self.stopwatch.deadline().into();
        match tollgate_policy::wait(async { tokio::time::timeout_at(deadline, what).await }) {
            Some(Ok(answer)) => Ok(answer.map_err(PolicyError::from)),
            Some(Err(_)) => Err(wasmtime::Error::new(self.stopwatch.late())),
            None => Ok(Err(PolicyError::Unavailable("nothing is waited for here".to_owned()))),
        }
    }

    /// Returns how many calls to the host the event has made.
    pub(crate) fn host_calls_made(&self) -> u32 {
        self.maker.limits.host_calls - self.host_calls_left.min(self.maker.limits.host_calls)
    }

    /// Returns what the guest may do to a message, and its resources, one of which the message may be.
    pub(crate) fn allowance(&mut self) -> (Allowance<'_>, &mut ResourceTable) {
        let Self { table, maker, header_bytes_left: header_left, .. } = self;
        (Allowance { scope: &maker.scope, header_left, header_bytes: maker.limits.header_bytes }, table)
    }

    /// Returns what the plugin may set, its name, and its resources, one of which the settings may be.
    pub(crate) fn writing(&mut self) -> (&Scope, &Arc<str>, &mut ResourceTable) {
        let Self { table, maker, .. } = self;
        (&maker.scope, &maker.plugin, table)
    }

    pub(crate) fn is_configuring(&self) -> bool {
        self.configuring
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.maker.limits
    }

    /// Returns what the plugin may touch.
    pub(crate) fn scope(&self) -> &Scope {
        &self.maker.scope
    }

    /// Returns what the plugin was given to use.
    pub(crate) fn given(&self) -> &Given {
        &self.maker.given
    }

    pub(crate) fn log_budget(&self) -> &LogBudget {
        &self.maker.log
    }

    pub(crate) fn plugin_name(&self) -> &str {
        &self.maker.plugin
    }

    pub(crate) fn plugin_name_shared(&self) -> Arc<str> {
        Arc::clone(&self.maker.plugin)
    }

    pub(crate) fn said_in_panic(&mut self) -> &mut Vec<u8> {
        &mut self.said_in_panic
    }

    /// Keeps what a panic hook said, for the failure that follows it.
    pub(crate) fn note_panic(&mut self, line: String) {
        self.panic = Some(line);
    }

    pub(crate) fn panic_note(&self) -> Option<&str> {
        self.panic.as_deref()
    }
}

/// How long an event may run in ticks of the epoch before the stopwatch is read: one, that is up to a millisecond.
pub(crate) const TICKS: u64 = 1;

/// Longest interval between ticks.
pub(crate) const TICK: Duration = Duration::from_millis(1);
