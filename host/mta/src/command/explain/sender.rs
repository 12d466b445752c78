//! Who sends the message that is asked about: what a session would know of its client.
//!
//! On the command line a client is an address, a user, a token, or a name of which is not said whose it is. A file that is
//! asked with its `tollgate.toml` says which names there are, and from where a client may relay without one.

use std::net::IpAddr;

use ipnet::IpNet;
use tollgate_inbound::{Caller, Identity};
use tollgate_message::Origin;

use super::Args;
use crate::config::Config;

/// Returns who sends.
pub(super) fn caller(args: &Args, config: Option<&Config>) -> Caller {
    let user = args.user.clone().map(Identity::User);
    let token = args.token.clone().map(Identity::Token);
    let named = args.authz_id.clone().map(|name| {
        if config.is_some_and(|config| is_token(config, &name)) { Identity::Token(name) } else { Identity::User(name) }
    });
    Caller { identity: user.or(token).or(named), address: args.client.map(|address| address.to_canonical()) }
}

/// Returns whether the client may relay: with an identity, from the hosts that need none, or where nothing says otherwise.
pub(super) fn may_relay(args: &Args, caller: &Caller, config: Option<&Config>) -> bool {
    let (false, Some(config)) = (args.no_relay, config) else { return !args.no_relay };
    let Some(address) = caller.address.filter(|_| caller.identity.is_none()) else { return true };
    match Origin::from(args.origin) {
        Origin::Smtp => config.listeners.iter().any(|listener| is_in(&listener.relay_hosts, address)),
        Origin::Http => config.http.as_ref().is_some_and(|http| is_in(&http.trusted_hosts, address)),
    }
}

/// Returns whether a name is a token's, and no user's.
fn is_token(config: &Config, name: &str) -> bool {
    config.http.as_ref().is_some_and(|http| http.tokens.contains_key(name) && !http.users.contains_key(name))
}

fn is_in(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}
