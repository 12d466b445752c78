//! Threads on which plugins run that must not hold up a session.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};
use tokio::sync::oneshot;

use crate::lanes::Lanes;

type Job = Box<dyn FnOnce() + Send>;

/// Guests run on these stacks; an overflow of a native stack would end the process, so there is room to spare.
pub(crate) const STACK: usize = 4 * 1024 * 1024;

/// A fixed set of threads. Cloning shares them; they end when the last clone is gone.
///
/// One tenant's jobs wait for each other and hardly for anybody else's.
#[derive(Clone)]
pub struct Workers(Arc<Owner>);

/// Ends the threads when it is dropped.
struct Owner(Arc<Shared>);

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    more: Condvar,
}

#[derive(Default)]
struct Waiting {
    lanes: Lanes<Job>,
    closed: bool,
}

impl Workers {
    /// Starts this many threads, at least one.
    ///
    /// # Errors
    /// What the system said when it could not start a thread.
    pub fn start(count: usize) -> std::io::Result<Self> {
        let workers = Self(Arc::new(Owner(Arc::default())));
        for number in 0..count.max(1) {
            let shared = Arc::clone(&workers.0.0);
            thread::Builder::new().name(format!("policy-{number}")).stack_size(STACK).spawn(move || serve(&shared))?;
        }
        Ok(workers)
    }

    /// Runs something of the operator's on a worker and returns what it returns; `None` where too much is waiting already.
    ///
    /// # Cancel safety
    /// What was handed over runs to its end whether or not someone still waits for it.
    pub async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        self.hand_over(None, job).await
    }

    /// Runs something on a worker that nobody waits for, where there is room for it; it has turns like a tenant.
    pub(crate) fn run_aside(&self, job: impl FnOnce() + Send + 'static) {
        /// The lane of what is done aside. No tenant has a name that is empty.
        static ASIDE: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from(""));
        if self.0.0.lock().lanes.push(Some(&ASIDE), Box::new(job)).is_ok() {
            self.0.0.more.notify_one();
        }
    }

    /// Runs something of a tenant's on a worker and returns what it returns, with the CPU time that it took; `None` where
    /// too much of that tenant's is waiting already.
    ///
    /// # Cancel safety
    /// As for [`Workers::run`].
    pub async fn run_for<T: Send + 'static>(
        &self,
        tenant: &Arc<str>,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Option<(T, Duration)> {
        let timed = move || {
            let before = thread_cpu_time();
            let result = job();
            (result, thread_cpu_time().saturating_sub(before))
        };
        self.hand_over(Some(tenant), timed).await
    }

    async fn hand_over<T: Send + 'static>(
        &self,
        tenant: Option<&Arc<str>>,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (answer, wait) = oneshot::channel();
        let job: Job = Box::new(move || drop(answer.send(job())));
        self.0.0.lock().lanes.push(tenant, job).ok()?;
        self.0.0.more.notify_one();
        wait.await.ok()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.more.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next job; nothing when there will be none.
    fn next(&self) -> Option<Job> {
        let mut waiting = self.lock();
        loop {
            match waiting.lanes.pop() {
                Some(job) => return Some(job),
                None if waiting.closed => return None,
                None => waiting = self.more.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

fn serve(shared: &Shared) {
    while let Some(job) = shared.next() {
        // A panic is the job's: whoever waits for it hears nothing, and the worker goes on.
        drop(catch_unwind(AssertUnwindSafe(job)));
    }
}

pub(crate) fn thread_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, nanos) = (u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0));
    Duration::new(seconds, nanos)
}
