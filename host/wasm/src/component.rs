//! From octets to something that can be instantiated, with clear words where that cannot be.

use std::{
    collections::HashMap,
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tollgate_capability::Grants;
use tollgate_policy::Events;

use crate::{
    cache::{Cache, Key},
    compile::{CompileError, Compiler, Job, Task},
    engine::Pool,
    given::Keeper,
    limits::Limits,
    place::{Image, Place},
    plugin::snapshots,
    scan::{self, Census, Misfit, PACKAGE, ScanError},
    snapshot::Snapshots,
};

/// Where components run: the engines, what they offer, and the code that was compiled for them. Cloning shares it.
#[derive(Clone)]
pub struct Runtime(Arc<Shared>);

/// What all components of a runtime share.
struct Shared {
    hot: Arc<Place>,
    /// Made when the first component is loaded that may wait: most programs have none.
    waiting: Mutex<Option<Arc<Place>>>,
    cache: Option<Cache>,
    compiler: Compiler,
    /// What is in use, so that a component is in memory once, whoever has it.
    loaded: Mutex<Loaded>,
    snapshots: Snapshots,
    snapshot_queue: snapshots::Queue,
    keeper: Keeper,
}

/// Components in use: a component with other grants is another.
type Loaded = HashMap<(blake3::Hash, Grants), Weak<Component>>;

/// A component, compiled and checked, of which any number of plugins can be made.
pub struct Component {
    pub(crate) runtime: Runtime,
    pub(crate) image: Arc<Image>,
    /// Its Wasm, of which snapshots are made.
    octets: Arc<[u8]>,
    census: Census,
    digest: blake3::Hash,
    grants: Grants,
}

/// Why octets are not a component that the host can run. Shown to whoever configured it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// It is not one, or would cost too much.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// It was built for another version of what host and plugins say to each other, or for another host.
    #[error("{0}")]
    Misfit(Misfit),
    /// It could not be compiled.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// It was compiled, and the engine does not take it.
    #[error("not a valid component: {0}")]
    Invalid(String),
    /// There is no engine for components that may wait. The machine's fault.
    #[error("no engine for components that may wait: {0}")]
    Engine(#[from] io::Error),
    /// It handles no event.
    #[error("the component exports no event of {PACKAGE}; it would never be called")]
    NoEvents,
    /// It wants to be asked one thing in two ways.
    #[error("the component exports both {0} and {1}; it takes one of them")]
    TwoWays(&'static str, &'static str),
}

impl Runtime {
    /// Starts the engine. Compiled code is kept in `cache`, where one is given and can be written.
    ///
    /// # Errors
    /// What the system said: no thread, no address space.
    pub fn new(cache: Option<&Path>, compiler: Compiler) -> io::Result<Self> {
        Self::with_pool(cache, compiler, &Pool::default())
    }

    /// Starts the engine with this room for instances. See [`Runtime::new`].
    ///
    /// # Errors
    /// As [`Runtime::new`].
    pub fn with_pool(cache: Option<&Path>, compiler: Compiler, pool: &Pool) -> io::Result<Self> {
        let (hot, waiting) = (Arc::new(Place::hot(pool)?), Mutex::default());
        let cache = cache.and_then(|folder| {
            let warn =
                |reason: &io::Error| tracing::warn!(folder = %folder.display(), %reason, "no cache of compiled code");
            Cache::open(folder).inspect_err(warn).ok()
        });
        let (loaded, snapshots, snapshot_queue) = (Mutex::default(), Snapshots::default(), Mutex::default());
        let keeper = Keeper::default();
        let shared = Shared { hot, waiting, cache, compiler, loaded, snapshots, snapshot_queue, keeper };
        Ok(Self(Arc::new(shared)))
    }

    /// Checks and compiles a component under the limits that a plugin has by default. See [`Runtime::load_within`].
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load(&self, octets: &[u8]) -> Result<Arc<Component>, LoadError> {
        self.load_within(octets, &Limits::default())
    }

    /// Checks and compiles a component that was granted nothing. See [`Runtime::load_granted`].
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load_within(&self, octets: &[u8], limits: &Limits) -> Result<Arc<Component>, LoadError> {
        self.load_granted(octets, limits, Grants::default())
    }

    /// Checks and compiles a component, or takes its code from the cache. One that is in use already is not loaded again. What it
    /// imports must be offered to everybody or granted.
    ///
    /// # Errors
    /// [`LoadError`]; the component's fault, unless no process can be had to compile it in.
    pub fn load_granted(&self, octets: &[u8], limits: &Limits, grants: Grants) -> Result<Arc<Component>, LoadError> {
        let census = scan::scan(octets, limits)?;
        if let Some(misfit) = Misfit::of(&census, grants) {
            return Err(LoadError::Misfit(misfit));
        }
        let digest = blake3::hash(octets);
        if let Some(component) = self.in_use(&(digest, grants)) {
            return Ok(component);
        }
        let job = || Job { task: Task::Compile, octets: octets.to_vec(), limits: limits.clone() };
        let place = self.place(grants)?;
        let image = Arc::new(self.image(&Key::component(&digest), &place, job)?);
        if image.exports.events() == Events::default() {
            return Err(LoadError::NoEvents);
        }
        image.exports.one_way()?;
        let (runtime, octets) = (self.clone(), octets.into());
        let component = Arc::new(Component { runtime, image, octets, census, digest, grants });
        self.loaded().insert((digest, grants), Arc::downgrade(&component));
        Ok(component)
    }

    /// Returns code that can be instantiated, from the cache or by doing the job.
    pub(crate) fn image(&self, key: &Key, place: &Arc<Place>, job: impl FnOnce() -> Job) -> Result<Image, LoadError> {
        if let Some(image) = self.cached(key, place) {
            return image;
        }
        let made = self.0.compiler.run(&job())?;
        let code = crate::cache::deserialize(&place.engine, &made).map_err(|reason| invalid(&reason))?;
        if let Some(cache) = &self.0.cache {
            cache.store(&place.engine, key, &made);
        }
        place.link(&code, made.len()).map_err(|reason| invalid(&reason))
    }

    /// Returns code out of the cache.
    pub(crate) fn cached(&self, key: &Key, place: &Arc<Place>) -> Option<Result<Image, LoadError>> {
        let (code, weight) = self.0.cache.as_ref()?.load(&place.engine, key)?;
        Some(place.link(&code, weight).map_err(|reason| invalid(&reason)))
    }

    /// Returns where a component with these grants runs.
    fn place(&self, grants: Grants) -> io::Result<Arc<Place>> {
        if !grants.wait() {
            return Ok(Arc::clone(&self.0.hot));
        }
        let mut waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = &*waiting {
            return Ok(Arc::clone(place));
        }
        let place = Arc::new(Place::waiting()?);
        *waiting = Some(Arc::clone(&place));
        Ok(place)
    }

    pub(crate) fn compiler(&self) -> &Compiler {
        &self.0.compiler
    }

    pub(crate) fn snapshots(&self) -> &Snapshots {
        &self.0.snapshots
    }

    pub(crate) fn snapshot_queue(&self) -> &snapshots::Queue {
        &self.0.snapshot_queue
    }

    pub(crate) fn keeper(&self) -> &Keeper {
        &self.0.keeper
    }

    fn in_use(&self, what: &(blake3::Hash, Grants)) -> Option<Arc<Component>> {
        self.loaded().get(what)?.upgrade()
    }

    fn loaded(&self) -> std::sync::MutexGuard<'_, Loaded> {
        let mut loaded = self.0.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        // Cheap beside what loading costs, and the table stays as small as what is in use.
        loaded.retain(|_, component| component.strong_count() > 0);
        loaded
    }
}

fn invalid(reason: &wasmtime::Error) -> LoadError {
    LoadError::Invalid(format!("{reason:#}"))
}

impl Component {
    /// Returns the events that the component handles.
    #[must_use]
    pub fn events(&self) -> Events {
        self.image.exports.events()
    }

    /// Returns what the component is made of.
    #[must_use]
    pub fn census(&self) -> &Census {
        &self.census
    }

    /// Returns whether the component was made of these octets.
    #[must_use]
    pub fn is_made_of(&self, octets: &[u8]) -> bool {
        blake3::hash(octets) == self.digest
    }

    /// Returns the digest of the component's octets, hexadecimal.
    #[must_use]
    pub fn digest(&self) -> String {
        self.digest.to_hex().to_string()
    }

    /// Returns what the component was granted.
    #[must_use]
    pub fn grants(&self) -> Grants {
        self.grants
    }

    /// Returns how many octets of compiled code and data it takes in memory.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.image.weight
    }

    pub(crate) fn hash(&self) -> &blake3::Hash {
        &self.digest
    }

    pub(crate) fn octets(&self) -> &Arc<[u8]> {
        &self.octets
    }
}
