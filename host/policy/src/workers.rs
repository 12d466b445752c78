//! Threads on which plugins run that must not hold up a session.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};
use tokio::sync::oneshot;

use crate::lanes::{Lanes, Takes};

type Job = Box<dyn FnOnce() + Send>;

/// Guests run on these stacks; an overflow of a native stack would end the process, so there is room to spare.
pub(crate) const STACK: usize = 4 * 1024 * 1024;

/// A fixed set of threads. Cloning shares them; they end when the last clone is gone.
///
/// One tenant's jobs wait for each other and hardly for anybody else's: who takes long waits, and half of the threads take only
/// what is quick, where there are several.
#[derive(Clone)]
pub struct Workers(Arc<Owner>);

/// Ends the threads when it is dropped.
struct Owner(Arc<Shared>);

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// There is more for threads that take everything, and for those that take what is quick.
    more: Condvar,
    more_that_is_quick: Condvar,
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
            let (shared, takes) = (Arc::clone(&workers.0.0), if number % 2 == 0 { Takes::All } else { Takes::Quick });
            let thread = thread::Builder::new().name(format!("policy-{number}")).stack_size(STACK);
            thread.spawn(move || serve(&shared, takes))?;
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
    /// Returns whether there was.
    pub(crate) fn run_aside(&self, job: impl FnOnce() + Send + 'static) -> bool {
        /// The lane of what is done aside. No tenant has a name that is empty.
        static ASIDE: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from(""));
        let shared = Arc::clone(&self.0.0);
        let job = move || _ = shared.timed(&ASIDE, job);
        self.0.0.push(Some(&ASIDE), Box::new(job))
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
        let (shared, whose) = (Arc::clone(&self.0.0), Arc::clone(tenant));
        self.hand_over(Some(tenant), move || shared.timed(&whose, job)).await
    }

    async fn hand_over<T: Send + 'static>(
        &self,
        tenant: Option<&Arc<str>>,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (answer, wait) = oneshot::channel();
        let job: Job = Box::new(move || drop(answer.send(job())));
        if !self.0.0.push(tenant, job) {
            return None;
        }
        wait.await.ok()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.more.notify_all();
        self.0.more_that_is_quick.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves a job; returns whether there was room for it.
    fn push(&self, tenant: Option<&Arc<str>>, job: Job) -> bool {
        let mut waiting = self.lock();
        let Ok(takes) = waiting.lanes.push(tenant, job) else { return false };
        drop(waiting);
        self.more.notify_one();
        if takes == Takes::Quick {
            self.more_that_is_quick.notify_one();
        }
        true
    }

    /// Runs a tenant's job, and counts the CPU time that it takes.
    fn timed<T>(&self, tenant: &Arc<str>, job: impl FnOnce() -> T) -> (T, Duration) {
        let before = thread_cpu_time();
        let result = job();
        let took = thread_cpu_time().saturating_sub(before);
        if self.lock().lanes.charge(tenant, took) {
            self.more_that_is_quick.notify_one();
        }
        (result, took)
    }

    /// Waits for the next job; nothing when there will be none.
    fn next(&self, takes: Takes) -> Option<Job> {
        let mut waiting = self.lock();
        loop {
            match (waiting.lanes.pop(takes), takes) {
                (Some(job), _) => return Some(job),
                (None, _) if waiting.closed => return None,
                (None, Takes::All) => waiting = self.more.wait(waiting).unwrap_or_else(PoisonError::into_inner),
                (None, Takes::Quick) => {
                    waiting = self.more_that_is_quick.wait(waiting).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }
}

fn serve(shared: &Shared, takes: Takes) {
    while let Some(job) = shared.next(takes) {
        // A panic is the job's: whoever waits for it hears nothing, and the worker goes on.
        drop(catch_unwind(AssertUnwindSafe(job)));
    }
}

pub(crate) fn thread_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, nanos) = (u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0));
    Duration::new(seconds, nanos)
}
