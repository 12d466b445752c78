//! When a plugin gets a snapshot, and who takes it.
//!
//! A plugin whose instances live for one event gains by one at each event, a warm one when an instance has failed or is worn.
//! The first instances are configured one by one; a plugin that needs more is worth the two children that a snapshot
//! takes, on a thread that does nothing else.

use std::sync::{
    Arc, PoisonError,
    atomic::{AtomicU32, Ordering},
    mpsc,
};

use tollgate_capability::Grants;

use super::{Inner, Instances, wit};
use crate::{
    cache::Key,
    compile::{Job, Task},
    component::Component,
    place::Image,
    scan,
    snapshot::{self, Pair},
};

/// How many instances are configured one by one before a snapshot is worth it: of warm ones there is one for each thread.
const BUSY: u32 = 8;

/// What a plugin has to do with snapshots.
pub(super) struct SnapshotState {
    /// What its snapshot is of; nothing where it has no use for one, or cannot have one.
    pair: Option<Pair>,
    made: AtomicU32,
}

impl SnapshotState {
    pub(super) fn new(component: &Component, files: &[wit::File], instances: Instances) -> Self {
        let is_configured = component.image.exports.configure.is_some();
        let of_use = is_configured && component.octets().len() <= snapshot::LARGEST;
        let pair = of_use.then(|| (*component.hash(), hash(files, component.grants(), instances)));
        Self { pair, made: AtomicU32::new(0) }
    }
}

/// Hashes files, grants and how long instances live so that nothing else has the same hash. With other grants an instance may run
/// elsewhere, and one that lives for longer must give back what it takes.
fn hash(files: &[wit::File], grants: Grants, instances: Instances) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[instances as u8]);
    for granted in grants.iter() {
        hasher.update(granted.name().as_bytes()).update(b"\n");
    }
    hasher.update(&(files.len() as u64).to_le_bytes());
    for part in files.iter().flat_map(|file| [file.name.as_bytes(), &file.content]) {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    hasher.finalize()
}

/// Whoever takes snapshots behind the events that would gain by them. Ends with the runtime.
pub(crate) type Queue = std::sync::Mutex<Option<mpsc::Sender<Arc<Inner>>>>;

impl Inner {
    /// Returns the snapshot if it is there; has it taken if it is time for that.
    pub(super) fn snapshot(self: &Arc<Self>) -> Option<Arc<Image>> {
        let found = self.component.runtime.snapshots().get(self.snapshot.pair.as_ref()?);
        if found.is_none() && self.snapshot.made.fetch_add(1, Ordering::Relaxed) == BUSY {
            self.ask_for_snapshot();
        }
        found
    }

    pub(super) fn has_snapshot(&self) -> bool {
        self.snapshot.pair.is_some_and(|pair| self.component.runtime.snapshots().has(&pair))
    }

    fn ask_for_snapshot(self: &Arc<Self>) {
        let mut queue = self.component.runtime.snapshot_queue().lock().unwrap_or_else(PoisonError::into_inner);
        let sender = queue.get_or_insert_with(start);
        drop(sender.send(Arc::clone(self)));
    }

    pub(super) fn take_snapshot(&self) -> Result<(), String> {
        let Some(pair) = self.snapshot.pair else { return Err("the plugin has no use for one".to_owned()) };
        let snapshots = self.component.runtime.snapshots();
        if snapshots.get(&pair).is_none() {
            snapshots.put(pair, &Arc::new(self.made_snapshot(&pair)?));
        }
        Ok(())
    }

    /// Makes the snapshot in two children, or takes it from the cache.
    fn made_snapshot(&self, pair: &Pair) -> Result<Image, String> {
        let (runtime, key) = (&self.component.runtime, Key::snapshot(&pair.0, &pair.1));
        let place = &self.component.image.place;
        if let Some(image) = runtime.cached(&key, place) {
            return image.map_err(|error| error.to_string());
        }
        let limits = self.maker.limits.clone();
        let files = self.files.iter().map(|file| (file.name.clone(), file.content.clone())).collect();
        let octets = self.component.octets().to_vec();
        let job = Job { task: Task::Snapshot { files, instances: self.instances }, octets, limits: limits.clone() };
        let taken = runtime.compiler().run(&job).map_err(|error| error.to_string())?;
        // A guest had a hand in it: it is looked over like what a stranger brings.
        scan::scan(&taken, &snapshot::limits(&limits)).map_err(|error| error.to_string())?;
        let job = || Job { task: Task::Compile, octets: taken, limits };
        runtime.image(&key, place, job).map_err(|error| error.to_string())
    }
}

/// Starts the thread that takes snapshots.
fn start() -> mpsc::Sender<Arc<Inner>> {
    let (sender, receiver) = mpsc::channel::<Arc<Inner>>();
    let serve = move || {
        for plugin in receiver {
            match plugin.take_snapshot() {
                Ok(()) => tracing::debug!(plugin = &*plugin.maker.plugin, "starts from a snapshot from now on"),
                Err(reason) => tracing::info!(plugin = &*plugin.maker.plugin, %reason, "is configured for each event"),
            }
        }
    };
    // Where no thread can be had, nobody receives, and plugins go on without.
    drop(std::thread::Builder::new().name("wasm-snapshots".to_owned()).spawn(serve));
    sender
}
