//! What one plugin may use, and how an instance is held to it.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use tollgate_capability::Grants;
use wasmtime::ResourceLimiter;

/// Limits of a plugin. Each has its knob in `[[plugin]] limits`, named as the field.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Limits {
    /// CPU time of the guest in one event.
    pub cpu: Duration,
    /// Wall-clock time of one event, for guests on a busy machine.
    pub wall: Duration,
    /// CPU time of configuration, once for each instance.
    pub init: Duration,
    /// Linear memory in octets, all memories together.
    pub memory: usize,
    /// Linear memory while the guest is configured, in octets.
    pub init_memory: usize,
    /// Table elements, in each table.
    pub table_elements: usize,
    /// Octets that may cross to the host in one call.
    pub host_call_bytes: usize,
    /// Handles to host resources that may be open at once.
    pub handles: usize,
    /// Calls to the host in one event.
    pub host_calls: u32,
    /// Octets of header fields that may be added in one event.
    pub header_bytes: usize,
    /// Octets of the component.
    pub artifact: usize,
    /// Octets of one function's body: what a compiler needs may grow with its square.
    pub function_body: usize,
    /// Core instances that one instance of the component comes to; no more than 128.
    pub core_instances: u32,
    /// CPU time of compiling, in a process of its own.
    pub compile: Duration,
    /// Lines in the log, in a second.
    pub log_lines: u32,
    /// Counters (`counters`) that are kept at a time.
    pub counters: usize,
    /// Octets of their keys, with 64 for each.
    pub counter_bytes: usize,
    /// Octets of keys and values (`kv`) on the disk, with 18 for each.
    pub kv_bytes: usize,
    /// Look-ups of names (`dns`) in a second.
    pub dns_queries: u32,
    /// Octets of a response's body (`http-client`).
    pub http_bytes: usize,
    /// Events at a time, of a plugin that may wait.
    pub at_once: usize,
}

/// Time on the clock of an event that may wait.
const WAIT: Duration = Duration::from_secs(5);

/// Most core instances of a component; the pool is laid out for so many.
pub const CORE_INSTANCES: u32 = 128;

impl Default for Limits {
    fn default() -> Self {
        Self {
            cpu: Duration::from_millis(20),
            wall: Duration::from_millis(250),
            init: Duration::from_secs(10),
            memory: 64 << 20,
            init_memory: 512 << 20,
            table_elements: 20_000,
            host_call_bytes: 1 << 20,
            handles: 1024,
            host_calls: 1000,
            header_bytes: 64 << 10,
            artifact: 32 << 20,
            function_body: 512 << 10,
            core_instances: CORE_INSTANCES,
            compile: Duration::from_secs(120),
            log_lines: 100,
            counters: 10_000,
            counter_bytes: 1 << 20,
            kv_bytes: 16 << 20,
            dns_queries: 100,
            http_bytes: 1 << 20,
            at_once: 8,
        }
    }
}

impl Limits {
    /// Returns the limits that a plugin with these grants has by default. One that may wait has more time on the clock, since
    /// what it waits for is part of that.
    #[must_use]
    pub fn of(grants: Grants) -> Self {
        let limits = Self::default();
        Self { wall: if grants.wait() { WAIT } else { limits.wall }, ..limits }
    }
}

/// A guest that ran longer than it may.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum OutOfTime {
    #[error("more than {0:?} of CPU time (limits.cpu)")]
    Cpu(Duration),
    #[error("more than {0:?} of wall-clock time (limits.wall)")]
    Wall(Duration),
}

/// The time of one call into a guest.
///
/// The epoch's ticks ask now and then how long the call has run. The clocks are read first at the first tick, at most a
/// millisecond of running into the call: the calls that end before it, nearly all of them, pay for no clock, and a machine
/// that stood still until then is not held against the guest.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    first_tick: Option<(Instant, Duration)>,
    cpu: Duration,
    wall: Duration,
}

impl Stopwatch {
    pub(crate) fn start(cpu: Duration, wall: Duration) -> Self {
        Self { first_tick: None, cpu, wall }
    }

    /// Returns until when something may be waited for. The clock runs from then on, if it did not before: what is waited for
    /// takes longer than to read it.
    pub(crate) fn deadline(&mut self) -> Instant {
        let (started, _) = *self.first_tick.get_or_insert_with(|| (Instant::now(), thread_cpu_time()));
        started + self.wall
    }

    /// Returns what is said when the time on the clock is over.
    pub(crate) fn late(&self) -> OutOfTime {
        OutOfTime::Wall(self.wall)
    }

    /// Checks the time that has passed.
    pub(crate) fn tick(&mut self) -> Result<(), OutOfTime> {
        let now = thread_cpu_time();
        let (wall, cpu) = *self.first_tick.get_or_insert_with(|| (Instant::now(), now));
        if now.saturating_sub(cpu) > self.cpu {
            return Err(OutOfTime::Cpu(self.cpu));
        }
        if wall.elapsed() > self.wall { Err(OutOfTime::Wall(self.wall)) } else { Ok(()) }
    }
}

/// A busy machine must not kill an honest guest, so what counts is the time this thread really ran.
fn thread_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, nanos) = (u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0));
    Duration::new(seconds, nanos)
}

/// Says no to memory and tables beyond the limit, and remembers that it did.
#[derive(Debug)]
pub(crate) struct Ceiling {
    /// Octets that all memories may have together, and that they have.
    pub(crate) memory: usize,
    pub(crate) memory_used: usize,
    pub(crate) table_elements: usize,
    pub(crate) refused: Option<String>,
}

impl ResourceLimiter for Ceiling {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let together = self.memory_used.saturating_sub(current).saturating_add(desired);
        if together > self.memory {
            self.refused = Some(format!("more than {} octets of memory (limits.memory)", self.memory));
            return Ok(false);
        }
        self.memory_used = together;
        Ok(true)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        if desired > self.table_elements {
            self.refused = Some(format!("more than {} table elements (limits.table_elements)", self.table_elements));
        }
        Ok(desired <= self.table_elements)
    }
}
