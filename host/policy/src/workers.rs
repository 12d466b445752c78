//! Threads on which plugins run that must not hold up a session.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};

use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// How many events may wait for a worker; beyond that, they fail at once rather than pile up.
const WAITING: usize = 1024;

/// Guests run on these stacks; an overflow of a native stack would end the process, so there is room to spare.
const STACK: usize = 4 * 1024 * 1024;

/// A fixed set of threads. Cloning shares them; they end when the last clone is gone.
#[derive(Clone)]
pub struct Workers {
    jobs: mpsc::SyncSender<Job>,
}

impl Workers {
    /// Starts this many threads, at least one.
    ///
    /// # Errors
    /// What the system said when it could not start a thread.
    pub fn start(count: usize) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::sync_channel::<Job>(WAITING);
        let queue = Arc::new(Mutex::new(queue));
        for number in 0..count.max(1) {
            let queue = Arc::clone(&queue);
            thread::Builder::new().name(format!("policy-{number}")).stack_size(STACK).spawn(move || serve(&queue))?;
        }
        Ok(Self { jobs })
    }

    /// Runs something on a worker and returns what it returns; `None` where too much is waiting already.
    ///
    /// # Cancel safety
    /// What was handed over runs to its end whether or not someone still waits for it.
    pub async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let (answer, wait) = oneshot::channel();
        let job: Job = Box::new(move || drop(answer.send(job())));
        self.jobs.try_send(job).ok()?;
        wait.await.ok()
    }
}

fn serve(queue: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            // A panic is the job's: whoever waits for it hears nothing, and the worker goes on.
            Ok(job) => drop(catch_unwind(AssertUnwindSafe(job))),
            Err(mpsc::RecvError) => return,
        }
    }
}
