//! A session, as a guest looks at it. Nothing of it can be changed.

use std::{net::SocketAddr, sync::Arc};

use tollgate_message::Origin;
use tollgate_policy::event::smtp_session::OpenSession;
use wasmtime::component::Resource;

use crate::{
    bindings::host::tollgate::policy::{message::Origin as WitOrigin, session as wit},
    state::HostState,
};

/// A session while a plugin looks at it.
#[allow(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct SessionHandle(pub(crate) Arc<OpenSession>);

type This = Resource<SessionHandle>;

impl HostState {
    fn session(&mut self, handle: &This) -> wasmtime::Result<&OpenSession> {
        self.charge()?;
        Ok(&self.table.get(handle)?.0)
    }
}

fn address(end: Option<SocketAddr>) -> String {
    end.map_or_else(String::new, |end| end.ip().to_canonical().to_string())
}

fn port(end: Option<SocketAddr>) -> u16 {
    end.map_or(0, |end| end.port())
}

impl wit::Host for HostState {}

impl wit::HostSession for HostState {
    fn origin(&mut self, this: This) -> wasmtime::Result<WitOrigin> {
        Ok(match self.session(&this)?.session.origin {
            Origin::Smtp => WitOrigin::Smtp,
            Origin::Http => WitOrigin::Http,
        })
    }

    fn listener(&mut self, this: This) -> wasmtime::Result<String> {
        Ok(self.session(&this)?.listener.to_string())
    }

    fn hostname(&mut self, this: This) -> wasmtime::Result<String> {
        Ok(self.session(&this)?.session.hostname.clone())
    }

    fn peer_address(&mut self, this: This) -> wasmtime::Result<String> {
        Ok(address(self.session(&this)?.session.peer))
    }

    fn peer_port(&mut self, this: This) -> wasmtime::Result<u16> {
        Ok(port(self.session(&this)?.session.peer))
    }

    fn local_address(&mut self, this: This) -> wasmtime::Result<String> {
        Ok(address(self.session(&this)?.session.local))
    }

    fn local_port(&mut self, this: This) -> wasmtime::Result<u16> {
        Ok(port(self.session(&this)?.session.local))
    }

    fn ehlo_domain(&mut self, this: This) -> wasmtime::Result<Option<String>> {
        Ok(self.session(&this)?.session.ehlo_domain.clone())
    }

    fn authz_id(&mut self, this: This) -> wasmtime::Result<Option<String>> {
        Ok(self.session(&this)?.session.authz_id.clone())
    }

    fn may_relay(&mut self, this: This) -> wasmtime::Result<bool> {
        Ok(self.session(&this)?.session.may_relay)
    }

    fn drop(&mut self, this: This) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}
