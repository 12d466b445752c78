//! Look-ups of names.

use std::sync::Arc;

use tollgate_capability::{Refused, dns::Dns};

use crate::{
    bindings::{host::tollgate::policy::types::PolicyError, waiting::tollgate::policy::dns as wit},
    state::HostState,
};

/// What a guest gets to read: a list, or why there is none.
type Answer<T> = wasmtime::Result<Result<Vec<T>, PolicyError>>;

impl HostState {
    /// Waits for a look-up, as long as the event may take.
    fn look_up<T, F>(&mut self, call: &'static str, ask: impl FnOnce(Arc<Dns>) -> F) -> Answer<T>
    where
        F: Future<Output = Result<Vec<T>, Refused>>,
    {
        self.charge_in_event(call)?;
        match self.given().dns() {
            Ok(dns) => self.wait(ask(dns)),
            Err(refused) => Ok(Err(refused.into())),
        }
    }
}

impl wit::Host for HostState {
    fn addresses(&mut self, host: String) -> Answer<String> {
        self.look_up("dns.addresses", |dns| async move {
            let addresses = dns.addresses(&host).await?;
            Ok(addresses.iter().map(ToString::to_string).collect())
        })
    }

    fn texts(&mut self, name: String) -> Answer<String> {
        self.look_up("dns.texts", |dns| async move { dns.texts(&name).await })
    }

    fn mail_exchangers(&mut self, domain: String) -> Answer<Vec<String>> {
        self.look_up("dns.mail-exchangers", |dns| async move { dns.mail_exchangers(&domain).await })
    }

    fn names(&mut self, address: String) -> Answer<String> {
        self.look_up("dns.names", |dns| async move { dns.names(&address).await })
    }
}
