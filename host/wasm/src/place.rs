//! Where instances run: an engine, what it links, its clock, and the instances there that nobody uses.
//!
//! There are two. In the *hot* place nothing that a guest calls waits for anything, so events run on threads that others need,
//! and a component there cannot import what waits. In the *waiting* place events have threads of their own
//! ([`tollgate_policy::Room`]), and an instance may be held for seconds: its engine has slots of its own, or a few plugins that
//! wait could leave all others without. Code is made alike for both, so a component is compiled once.

use std::{io, sync::Arc};

use tokio::sync::Semaphore;
use wasmtime::{
    Engine,
    component::{Component as Code, HasSelf, InstancePre, Linker},
};

use crate::{
    bindings::{self, waiting::tollgate::policy as waiting},
    engine::{self, Pool, Ticker},
    exports::Exports,
    plugin::idle::Idle,
    state::HostState,
};

/// How many events that may wait run at a time, of all plugins together: each holds an instance and a thread. The operator's have
/// a part of their own, which no tenants' peers that do not answer can take.
const WAITING: u32 = OPERATORS + TENANTS;
const OPERATORS: u32 = 96;
const TENANTS: u32 = 160;

/// Where instances run.
pub(crate) struct Place {
    pub(crate) engine: Engine,
    linker: Linker<HostState>,
    pub(crate) ticker: Ticker,
    pub(crate) idle: Idle,
    /// For how many events there is room that may wait: the operator's, and tenants'.
    pub(crate) rooms: [Arc<Semaphore>; 2],
}

/// Code that can be instantiated: a component's, or that of its snapshot.
pub(crate) struct Image {
    pub(crate) place: Arc<Place>,
    pub(crate) pre: InstancePre<HostState>,
    pub(crate) exports: Exports,
    /// Octets of code and data in memory.
    pub(crate) weight: usize,
}

impl Place {
    /// Returns the place of plugins that do not wait.
    pub(crate) fn hot(pool: &Pool) -> io::Result<Self> {
        Self::on(engine::pooled(pool).map_err(io::Error::other)?, hot_linker)
    }

    /// Returns the place of plugins that may wait.
    pub(crate) fn waiting() -> io::Result<Self> {
        let pool = Pool { instances: WAITING, ..Pool::default() };
        Self::on(engine::pooled(&pool).map_err(io::Error::other)?, whole_linker)
    }

    /// Returns a place where a guest is configured and asked nothing. What waits is there to be linked; a call to it traps.
    pub(crate) fn configuring() -> io::Result<Self> {
        Self::on(engine::configuring().map_err(io::Error::other)?, whole_linker)
    }

    fn on(engine: Engine, linker: fn(&Engine) -> wasmtime::Result<Linker<HostState>>) -> io::Result<Self> {
        let linker = linker(&engine).map_err(io::Error::other)?;
        let (ticker, idle) = (Ticker::start(&engine)?, Idle::default());
        let rooms = [OPERATORS, TENANTS].map(|events| Arc::new(Semaphore::new(events as usize)));
        Ok(Self { engine, linker, ticker, idle, rooms })
    }

    /// Gives code what it imports.
    pub(crate) fn link(self: &Arc<Self>, code: &Code, weight: usize) -> wasmtime::Result<Image> {
        let pre = self.linker.instantiate_pre(code)?;
        let exports = Exports::find(&pre);
        Ok(Image { place: Arc::clone(self), pre, exports, weight })
    }
}

/// Returns a linker with what answers at once.
fn hot_linker(engine: &Engine) -> wasmtime::Result<Linker<HostState>> {
    let mut linker = Linker::new(engine);
    bindings::host::Host_::add_to_linker::<HostState, HasSelf<HostState>>(&mut linker, |state| state)?;
    Ok(linker)
}

/// Returns a linker with everything, also what waits.
fn whole_linker(engine: &Engine) -> wasmtime::Result<Linker<HostState>> {
    let mut linker = hot_linker(engine)?;
    waiting::kv::add_to_linker::<HostState, HasSelf<HostState>>(&mut linker, |state| state)?;
    waiting::dns::add_to_linker::<HostState, HasSelf<HostState>>(&mut linker, |state| state)?;
    waiting::http_client::add_to_linker::<HostState, HasSelf<HostState>>(&mut linker, |state| state)?;
    Ok(linker)
}
