//! Where events run that may wait: for a name server, for another program, for a disk.
//!
//! An event that waits holds the stack of its guest as long as it does, whether that is a thread's or a task's; so each has a
//! thread, and everything below it computes, waits and returns like any other code. A thread lives for one event: to start it
//! costs some tens of microseconds, beside waits of milliseconds. There are never more than so many of one plugin, nor of all
//! plugins together, and none of them serves a socket.

use std::{
    cell::RefCell,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::timeout,
};

use crate::workers::{STACK, thread_cpu_time};

/// How many events of one plugin may wait for room; beyond that they fail at once rather than pile up.
const QUEUE: usize = 256;
/// How long an event waits for room: those before it may wait as long as they may, and somebody waits for this one.
const PATIENCE: Duration = Duration::from_secs(10);
/// What is said then.
pub(crate) const NO_ROOM: &str = "too many of its events wait until others are done (limits.at_once)";

/// Room for the events of one plugin that may wait.
#[derive(Debug)]
pub struct Room {
    own: Arc<Semaphore>,
    /// Shared by all such plugins.
    all: Arc<Semaphore>,
    queue: AtomicUsize,
}

std::thread_local! {
    /// The runtime that this thread may wait on; none on threads that others wait for.
    static RUNTIME: RefCell<Option<Handle>> = const { RefCell::new(None) };
}

/// Waits, on a thread of a [`Room`]; nothing elsewhere, where a wait would hold up others.
pub fn wait<F: Future>(what: F) -> Option<F::Output> {
    let runtime = RUNTIME.with_borrow(Clone::clone)?;
    Some(runtime.block_on(what))
}

impl Room {
    /// Returns room for so many events at a time, at least one; `all`: for how many there is room in all rooms.
    #[must_use]
    pub fn new(at_once: usize, all: &Arc<Semaphore>) -> Self {
        let own = Arc::new(Semaphore::new(at_once.clamp(1, Semaphore::MAX_PERMITS)));
        Self { own, all: Arc::clone(all), queue: AtomicUsize::new(0) }
    }

    /// Runs something when there is room, and returns what it returns with the CPU time that it took; `None` where too much waits
    /// for room already, or for too long, or no thread could be had.
    ///
    /// # Cancel safety
    /// Before there is room, nothing has happened; from then on it runs to its end whether or not someone still waits for it.
    pub async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Option<(T, Duration)> {
        let places = timeout(PATIENCE, self.enter()).await.ok()??;
        let (answer, wait) = oneshot::channel();
        let timed = move || {
            let before = thread_cpu_time();
            let result = job();
            drop(answer.send((result, thread_cpu_time().saturating_sub(before))));
        };
        start(places, timed).ok()?;
        wait.await.ok()
    }

    /// Runs something that nobody waits for, if there is room now; returns whether there is.
    pub(crate) fn run_aside(&self, job: impl FnOnce() + Send + 'static) -> bool {
        let own = Arc::clone(&self.own).try_acquire_owned();
        let all = Arc::clone(&self.all).try_acquire_owned();
        match (own, all) {
            // Where no thread can be had there is no room either.
            (Ok(own), Ok(all)) => start([own, all], job).is_ok(),
            _ => false,
        }
    }

    /// Waits for a place here, then for one among all.
    async fn enter(&self) -> Option<[OwnedSemaphorePermit; 2]> {
        let _queued = Queued::behind(&self.queue)?;
        let own = Arc::clone(&self.own).acquire_owned().await.ok()?;
        let all = Arc::clone(&self.all).acquire_owned().await.ok()?;
        Some([own, all])
    }
}

/// Starts a thread for a job. The places are free again when it ends.
fn start(places: [OwnedSemaphorePermit; 2], job: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let runtime = Handle::current();
    let serve = move || {
        // What is waited for may have to be made where its timers are.
        let _inside = runtime.enter();
        RUNTIME.set(Some(runtime.clone()));
        // A panic is the job's: whoever waits for it hears nothing.
        drop(catch_unwind(AssertUnwindSafe(job)));
        drop(places);
    };
    thread::Builder::new().name("policy-waits".to_owned()).stack_size(STACK).spawn(serve).map(drop)
}

/// A place in a queue, freed by drop.
struct Queued<'a>(&'a AtomicUsize);

impl<'a> Queued<'a> {
    fn behind(queue: &'a AtomicUsize) -> Option<Self> {
        let place = queue.fetch_add(1, Ordering::Relaxed);
        // Made before it is judged, so that the place is freed either way.
        let queued = Self(queue);
        (place < QUEUE).then_some(queued)
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn rooms<const N: usize>(at_once: usize, all: usize) -> [Arc<Room>; N] {
        let all = Arc::new(Semaphore::new(all));
        std::array::from_fn(|_| Arc::new(Room::new(at_once, &all)))
    }

    /// Starts a job that runs until its sender is dropped; it says when it has begun.
    fn occupy(room: &Arc<Room>) -> (oneshot::Receiver<()>, mpsc::Sender<()>) {
        let (room, (begun, begins)) = (Arc::clone(room), oneshot::channel());
        let (end, ends) = mpsc::channel::<()>();
        let job = move || {
            begun.send(()).unwrap();
            // Ends with its sender, which sends nothing.
            ends.recv().unwrap_err();
        };
        tokio::spawn(async move { room.run(job).await });
        (begins, end)
    }

    /// Waits until so many wait for room.
    async fn queue(room: &Room, length: usize) {
        while room.queue.load(Ordering::Relaxed) < length {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn no_more_run_at_a_time_than_there_is_room_for_here_and_in_all() {
        let [one, other] = rooms(2, 3);
        let busy = [occupy(&one), occupy(&one), occupy(&other)];
        let mut ends = Vec::new();
        for (begins, end) in busy {
            begins.await.unwrap();
            ends.push(end);
        }
        let (mut waits, end) = occupy(&other);

        queue(&other, 1).await;
        let before = waits.try_recv();
        drop(ends.pop());
        let after = waits.await;

        drop(end);
        assert_eq!((before, after), (Err(oneshot::error::TryRecvError::Empty), Ok(())));
    }

    #[tokio::test]
    async fn a_full_queue_takes_nothing_more() {
        let [room] = rooms(1, 1);
        let (begins, end) = occupy(&room);
        begins.await.unwrap();
        let queued: Vec<_> = (0..QUEUE).map(|_| occupy(&room)).collect();
        queue(&room, QUEUE).await;

        let refused = room.run(|| ()).await;

        drop((end, queued));
        assert_eq!(refused, None);
    }

    #[tokio::test]
    async fn what_nobody_waits_for_runs_if_there_is_room_now_and_not_at_all_otherwise() {
        let [room] = rooms(1, 1);
        let (ran, runs) = mpsc::channel();
        let (begins, end) = occupy(&room);
        begins.await.unwrap();
        let refused = ran.clone();
        room.run_aside(move || refused.send("busy").unwrap());
        drop(end);
        room.run(|| ()).await.unwrap();

        // The place of the job before is free a moment after its answer.
        drop((room.own.acquire().await.unwrap(), room.all.acquire().await.unwrap()));
        room.run_aside(move || ran.send("free").unwrap());

        assert_eq!(runs.iter().collect::<Vec<_>>(), ["free"]);
    }

    #[tokio::test]
    async fn a_thread_of_a_room_may_wait_and_others_may_not() {
        let [room] = rooms(1, 1);

        let there = room.run(|| wait(tokio::time::sleep(Duration::from_millis(1)))).await.map(|(waited, _)| waited);

        assert_eq!((there, wait(std::future::ready(()))), (Some(Some(())), None));
    }

    #[tokio::test]
    async fn a_job_that_panics_leaves_its_place() {
        let [room] = rooms(1, 1);

        let outcomes =
            [room.run(|| panic!("told to")).await.map(|((), _)| ()), room.run(|| ()).await.map(|((), _)| ())];

        assert_eq!(outcomes, [None, Some(())]);
    }
}
