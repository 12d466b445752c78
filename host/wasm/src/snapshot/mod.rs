//! Components with their configuration in memory, so that an instance that lives for one event need not be configured first.
//!
//! [`take`] runs a component's `init` once and writes the memory that it leaves into a copy of the component, as data. It
//! happens in a compile child; what comes back is plain Wasm, checked like any other, and compiled in another child.
//! [`Snapshots`] keeps those that are in use, up to a number of octets; what falls out works as before, more slowly.

mod one_event;

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::FutureExt as _;
use lru::LruCache;
use tollgate_policy::{Failure, scope::Scope};
use wasmtime_wizer::{ComponentInstanceState, Wizer};

use crate::{
    bindings::configure::exports::tollgate::policy::configure as wit,
    given::Given,
    instance::{Guest, Maker},
    limits::Limits,
    place::{Image, Place},
    plugin::Instances,
};

/// Largest component of which a snapshot is taken, in octets: others are made by tools whose output gains nothing by it.
pub(crate) const LARGEST: usize = 4 << 20;
/// Octets of compiled snapshots that are kept.
const CAPACITY: usize = 256 << 20;

/// Returns the limits that a snapshot is held to: it may be larger than its component by the memory that it holds.
pub(crate) fn limits(of_component: &Limits) -> Limits {
    Limits { artifact: of_component.artifact + of_component.init_memory, ..of_component.clone() }
}

/// Returns a component, as Wasm, that is as this one once it has taken these files, for instances that live so long.
///
/// # Errors
/// Why it cannot be done, for the log: some components cannot be, and do without.
pub(crate) fn take(
    octets: &[u8],
    files: &[(String, Vec<u8>)],
    instances: Instances,
    limits: &Limits,
) -> Result<Vec<u8>, String> {
    let words = |error: wasmtime::Error| format!("{error:#}");
    let wizer = Wizer::new();
    let (context, instrumented) = wizer.instrument_component(octets).map_err(words)?;
    let place = Arc::new(Place::configuring().map_err(|error| error.to_string())?);
    let code = wasmtime::component::Component::new(&place.engine, &instrumented).map_err(words)?;
    let image = Arc::new(place.link(&code, 0).map_err(words)?);
    let mut configured = Configured(configured(&image, files, limits)?);
    let taken = wizer.snapshot_component(&context, &mut configured).now_or_never();
    let taken = taken.ok_or("the component waits for something while it is read")?.map_err(words)?;
    match instances {
        Instances::Fresh => one_event::of(&taken),
        Instances::Warm => Ok(taken),
    }
}

fn configured(image: &Arc<Image>, files: &[(String, Vec<u8>)], limits: &Limits) -> Result<Guest, String> {
    let words = |failure: Failure| failure.to_string();
    // There is nothing to touch while a guest is configured, and what it declares counts where the plugin was started.
    let maker = Maker::new("snapshot", limits.clone(), Scope::default(), Given::nothing(), None);
    let mut guest = Guest::instantiate(image, &maker).map_err(words)?;
    let files: Vec<wit::File> =
        files.iter().map(|(name, content)| wit::File { name: name.clone(), content: content.clone() }).collect();
    match guest.configure(&files).map_err(words)? {
        Err(_) => Err("the configuration is refused".to_owned()),
        // A handle is a number in the guest's memory and a thing in ours, which a snapshot does not hold.
        Ok(_) if guest.holds_resources() => Err("it keeps hold of something of the host's".to_owned()),
        Ok(_) => Ok(guest),
    }
}

/// A configured guest, as what its memory and globals are read from. Every answer is there at once.
struct Configured(Guest);

impl Configured {
    fn read<T: wasmtime::component::Lift + Send + Sync + 'static>(&mut self, instance: &str, function: &str) -> T {
        // Names and types are those that `instrument_component` has just put there.
        self.0.read(instance, function).expect("an instrumented component can be read")
    }
}

impl ComponentInstanceState for Configured {
    async fn call_func_ret_list_u8(&mut self, instance: &str, func: &str, contents: impl FnOnce(&[u8]) + Send) {
        let read = self.0.read_octets(instance, func, contents);
        read.expect("an instrumented component can be read");
    }

    fn call_func_ret_s32(&mut self, instance: &str, func: &str) -> impl Future<Output = i32> + Send {
        std::future::ready(self.read(instance, func))
    }

    fn call_func_ret_s64(&mut self, instance: &str, func: &str) -> impl Future<Output = i64> + Send {
        std::future::ready(self.read(instance, func))
    }

    fn call_func_ret_f32(&mut self, instance: &str, func: &str) -> impl Future<Output = u32> + Send {
        std::future::ready(self.read::<f32>(instance, func).to_bits())
    }

    fn call_func_ret_f64(&mut self, instance: &str, func: &str) -> impl Future<Output = u64> + Send {
        std::future::ready(self.read::<f64>(instance, func).to_bits())
    }
}

/// What a snapshot is of: a component's digest, and that of its files, its grants and how long its instances live.
pub(crate) type Pair = (blake3::Hash, blake3::Hash);

/// Snapshots in use, the least recently used first to go.
pub(crate) struct Snapshots {
    kept: Mutex<Kept>,
}

struct Kept {
    by_pair: LruCache<Pair, Arc<Image>>,
    octets: usize,
}

impl Default for Snapshots {
    fn default() -> Self {
        Self { kept: Mutex::new(Kept { by_pair: LruCache::unbounded(), octets: 0 }) }
    }
}

impl Snapshots {
    pub(crate) fn get(&self, pair: &Pair) -> Option<Arc<Image>> {
        self.lock().by_pair.get(pair).cloned()
    }

    /// Returns whether a snapshot is there, which does not count as a use of it.
    pub(crate) fn has(&self, pair: &Pair) -> bool {
        self.lock().by_pair.contains(pair)
    }

    pub(crate) fn put(&self, pair: Pair, snapshot: &Arc<Image>) {
        let mut kept = self.lock();
        if let Some(before) = kept.by_pair.put(pair, Arc::clone(snapshot)) {
            kept.octets -= before.weight;
        }
        kept.octets += snapshot.weight;
        while kept.octets > CAPACITY && kept.by_pair.len() > 1 {
            if let Some((_, oldest)) = kept.by_pair.pop_lru() {
                kept.octets -= oldest.weight;
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
