//! From octets to something that can be instantiated, with clear words where that cannot be.

use std::{io, path::Path, sync::Arc};

use tollgate_policy::{Event, Events};
use wasmtime::{
    Engine,
    component::{InstancePre, Linker},
};

use crate::{
    bindings::{
        configure::ConfigurePluginIndices, message_received::MessageReceivedPluginIndices,
        queue_config::QueueConfigPluginIndices, throttles::ThrottlesPluginIndices,
    },
    cache::Cache,
    engine::{self, Ticker},
    state::{self, HostState},
};

/// Largest component, in octets.
const ARTIFACT: usize = 32 << 20;

/// What the host offers. A component that imports anything else is refused by name.
const OFFERED: [&str; 6] = ["types", "log", "clock", "domains", "message", "queue-settings"];
const PACKAGE: &str = "tollgate:policy/";
const VERSION: &str = "@0.1.";

/// Where components run: the engine, what it offers them, and the code it has compiled before.
pub struct Runtime {
    engine: Engine,
    linker: Linker<HostState>,
    cache: Option<Cache>,
    ticker: Arc<Ticker>,
}

/// A component, compiled and checked, of which any number of plugins can be made.
pub struct Component {
    pub(crate) engine: Engine,
    pub(crate) pre: InstancePre<HostState>,
    pub(crate) ticker: Arc<Ticker>,
    pub(crate) configure: Option<ConfigurePluginIndices>,
    pub(crate) message_received: Option<MessageReceivedPluginIndices>,
    pub(crate) queue_config: Option<QueueConfigPluginIndices>,
    pub(crate) throttles: Option<ThrottlesPluginIndices>,
    digest: blake3::Hash,
}

/// Why octets are not a component that the host can run. Shown to whoever configured it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// Larger than a component may be.
    #[error("the component is {size} octets long, and {limit} is the limit")]
    TooLarge {
        /// Its size.
        size: usize,
        /// The largest size.
        limit: usize,
    },
    /// Not Wasm at all.
    #[error("not a WebAssembly file")]
    NotWasm,
    /// A core module, which was not wrapped as a component.
    #[error("a core WebAssembly module, not a component; wrap it (`wasm-tools component new`, or `tollgate-build`)")]
    CoreModule,
    /// Wasm that does not validate, or that the engine does not take.
    #[error("not a valid component: {0}")]
    Invalid(String),
    /// It asks for what is not offered.
    #[error("the component imports {}, which this host does not offer; it offers {PACKAGE}{{{}}}{VERSION}x", .0.join(", "), OFFERED.join(","))]
    Imports(Vec<String>),
    /// It handles no event.
    #[error("the component exports no event of {PACKAGE}*{VERSION}x; it would never be called")]
    NoEvents,
}

impl Runtime {
    /// Starts the engine. Compiled code is kept in `cache`, where one is given and can be written.
    ///
    /// # Errors
    /// What the system said: no thread, no address space.
    pub fn new(cache: Option<&Path>) -> io::Result<Self> {
        let engine = engine::hot().map_err(io::Error::other)?;
        let linker = state::linker(&engine).map_err(io::Error::other)?;
        let ticker = Arc::new(Ticker::start(&engine)?);
        let cache = cache.and_then(|folder| {
            let warn =
                |reason: &io::Error| tracing::warn!(folder = %folder.display(), %reason, "no cache of compiled code");
            Cache::open(folder).inspect_err(warn).ok()
        });
        Ok(Self { engine, linker, cache, ticker })
    }

    /// Checks and compiles a component, or takes its code from the cache.
    ///
    /// # Errors
    /// [`LoadError`]; always the component's fault.
    pub fn load(&self, octets: &[u8]) -> Result<Component, LoadError> {
        check_kind(octets)?;
        let digest = blake3::hash(octets);
        let cached = self.cache.as_ref().and_then(|cache| cache.load(&self.engine, &digest));
        let component = match cached {
            Some(component) => component,
            None => self.compile(octets, &digest)?,
        };
        self.check_imports(&component)?;
        let pre =
            self.linker.instantiate_pre(&component).map_err(|reason| LoadError::Invalid(format!("{reason:#}")))?;
        let loaded = Component {
            engine: self.engine.clone(),
            ticker: Arc::clone(&self.ticker),
            configure: ConfigurePluginIndices::new(&pre).ok(),
            message_received: MessageReceivedPluginIndices::new(&pre).ok(),
            queue_config: QueueConfigPluginIndices::new(&pre).ok(),
            throttles: ThrottlesPluginIndices::new(&pre).ok(),
            pre,
            digest,
        };
        if loaded.events() == Events::default() { Err(LoadError::NoEvents) } else { Ok(loaded) }
    }

    fn compile(&self, octets: &[u8], digest: &blake3::Hash) -> Result<wasmtime::component::Component, LoadError> {
        let component = wasmtime::component::Component::from_binary(&self.engine, octets)
            .map_err(|reason| LoadError::Invalid(format!("{reason:#}")))?;
        if let Some(cache) = &self.cache {
            cache.store(&self.engine, digest, &component);
        }
        Ok(component)
    }

    fn check_imports(&self, component: &wasmtime::component::Component) -> Result<(), LoadError> {
        let kind = component.component_type();
        let unknown: Vec<String> =
            kind.imports(&self.engine).map(|(name, _)| name.to_owned()).filter(|name| !is_offered(name)).collect();
        if unknown.is_empty() { Ok(()) } else { Err(LoadError::Imports(unknown)) }
    }
}

impl Component {
    /// Returns the events that the component handles.
    #[must_use]
    pub fn events(&self) -> Events {
        let handled = [
            (self.message_received.is_some(), Event::MessageReceived),
            (self.queue_config.is_some(), Event::QueueConfig),
            (self.throttles.is_some(), Event::Throttles),
        ];
        handled
            .into_iter()
            .filter(|(handles, _)| *handles)
            .fold(Events::default(), |events, (_, event)| events.with(event))
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
}

fn is_offered(import: &str) -> bool {
    let interface = import.strip_prefix(PACKAGE).and_then(|rest| rest.split_once(VERSION)).map(|(name, _)| name);
    interface.is_some_and(|name| OFFERED.contains(&name))
}

fn check_kind(octets: &[u8]) -> Result<(), LoadError> {
    if octets.len() > ARTIFACT {
        return Err(LoadError::TooLarge { size: octets.len(), limit: ARTIFACT });
    }
    if wasmparser::Parser::is_component(octets) {
        return Ok(());
    }
    Err(if wasmparser::Parser::is_core_wasm(octets) { LoadError::CoreModule } else { LoadError::NotWasm })
}
