//! What the tests share.

use std::net::SocketAddr;
use std::time::Duration;

use tollgate_dns::{Exchangers, LookupError, Resolver, Settings};
use tollgate_testdns::Server;

/// Short enough to wait for, long enough for an answer on a busy machine.
const SHORT: Duration = Duration::from_millis(300);

/// A resolver that asks this server only.
pub(crate) fn resolver(server: &Server) -> Resolver {
    resolver_with(&[server.address()], &Settings::default())
}

/// A resolver that does not wait long.
pub(crate) fn impatient(server: &Server) -> Resolver {
    resolver_with(&[server.address()], &Settings { timeout: SHORT, ..Settings::default() })
}

pub(crate) fn resolver_with(nameservers: &[SocketAddr], settings: &Settings) -> Resolver {
    Resolver::new(Settings { nameservers: nameservers.to_vec(), ..settings.clone() }).unwrap()
}

/// The outcome of a look-up as one value: the site's name and the groups of hosts.
pub(crate) async fn look_up(resolver: &Resolver, domain: &str) -> Result<(String, Vec<Vec<String>>), LookupError> {
    let found = resolver.mail_exchangers(domain).await?;
    let Exchangers { site_name, preferences, .. } = found.as_ref().clone();
    Ok((site_name, preferences))
}

/// What [`look_up`] finds.
pub(crate) fn hosts(site: &str, groups: &[&[&str]]) -> Result<(String, Vec<Vec<String>>), LookupError> {
    let groups = groups.iter().map(|group| group.iter().map(|&host| host.to_owned()).collect()).collect();
    Ok((site.to_owned(), groups))
}

/// Moves time on.
pub(crate) async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// The outcome without what varies: which error, and whether its text names the name.
pub(crate) fn code(error: &LookupError, name: &str) -> (u16, String, bool) {
    let reply = error.reply();
    (reply.code(), reply.enhanced().unwrap().to_string(), reply.text().contains(name))
}
