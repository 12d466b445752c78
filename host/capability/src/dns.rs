//! Look-ups of names for one plugin: the host's resolver, at a rate.
//!
//! What does not exist is an empty list; an error is where nobody knows. Answers are kept, and a question is put once, whoever
//! asks.

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use tollgate_dns::{LookupError, Resolver};

use crate::{Refused, rate::Rate};

/// Whoever looks names up for a plugin.
#[derive(Debug)]
pub struct Dns {
    /// Nothing where the program asks no name server.
    resolver: Option<Resolver>,
    most: u32,
    rate: Mutex<Rate>,
    started: Instant,
}

impl Dns {
    /// Returns look-ups by a resolver; `most`: of how many in a second.
    #[must_use]
    pub fn new(resolver: Option<Resolver>, most: u32) -> Self {
        Self { resolver, most, rate: Mutex::new(Rate::new(most)), started: Instant::now() }
    }

    /// Returns the addresses of a host, of both families, 32 at the most.
    ///
    /// # Errors
    /// [`Refused::Invalid`] for what is no name; [`Refused::Unavailable`] where no name server answers, or the rate is used up.
    ///
    /// # Cancel safety
    /// Nothing is lost: the question goes on, and its answer is kept.
    pub async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, Refused> {
        found(self.ask()?.addresses(host).await.map(|found| found.addresses.clone()))
    }

    /// Returns the texts of a name, 64 at the most.
    ///
    /// # Errors
    /// As [`Dns::addresses`].
    ///
    /// # Cancel safety
    /// As [`Dns::addresses`].
    pub async fn texts(&self, name: &str) -> Result<Vec<String>, Refused> {
        found(self.ask()?.texts(name).await.map(|found| found.to_vec()))
    }

    /// Returns the hosts that take a domain's mail, in groups of equal preference, the best first; 100 at the most. Empty also
    /// for a domain that takes none.
    ///
    /// # Errors
    /// As [`Dns::addresses`].
    ///
    /// # Cancel safety
    /// As [`Dns::addresses`].
    pub async fn mail_exchangers(&self, domain: &str) -> Result<Vec<Vec<String>>, Refused> {
        found(self.ask()?.mail_exchangers(domain).await.map(|found| found.preferences.clone()))
    }

    /// Returns the names that an address has by its owner's word, 64 at the most.
    ///
    /// # Errors
    /// As [`Dns::addresses`].
    ///
    /// # Cancel safety
    /// As [`Dns::addresses`].
    pub async fn names(&self, address: &str) -> Result<Vec<String>, Refused> {
        let address = address.parse().map_err(|_| Refused::Invalid("no IPv4 or IPv6 address".to_owned()))?;
        found(self.ask()?.names(address).await.map(|found| found.to_vec()))
    }

    /// Takes one question of the rate.
    fn ask(&self) -> Result<&Resolver, Refused> {
        let resolver = self.resolver.as_ref();
        let resolver = resolver.ok_or_else(|| Refused::Unavailable("no name server is asked here".to_owned()))?;
        let now = self.started.elapsed();
        if self.rate.lock().unwrap_or_else(PoisonError::into_inner).take(now) {
            return Ok(resolver);
        }
        Err(Refused::Unavailable(format!("more than {} questions in a second (limits.dns_queries)", self.most)))
    }
}

/// Turns what a look-up ended with into what a plugin reads.
fn found<T>(outcome: Result<Vec<T>, LookupError>) -> Result<Vec<T>, Refused> {
    match outcome {
        Ok(found) => Ok(found),
        Err(error @ LookupError::NotAName { .. }) => Err(Refused::Invalid(error.to_string())),
        // What name servers did is the operator's to know.
        Err(LookupError::Unanswered { name, .. }) => Err(Refused::Unavailable(format!("no answer about `{name}`"))),
        Err(_) => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use tollgate_dns::Settings;
    use tollgate_testdns::{Fault, ResponseCode, Server};

    use super::*;

    fn dns(server: &Server, most: u32) -> Dns {
        let settings = Settings { nameservers: vec![server.address()], ..Settings::default() };
        Dns::new(Some(Resolver::new(settings).unwrap()), most)
    }

    fn list<const N: usize>(texts: [&str; N]) -> Result<Vec<String>, Refused> {
        Ok(texts.map(str::to_owned).to_vec())
    }

    #[tokio::test]
    async fn what_is_not_there_is_an_empty_list_and_what_nobody_knows_an_error() {
        let server = Server::start().await;
        server.txt("t.example", &["text"]).null_mx("null.example").ptr("1.2.0.192.in-addr.arpa", "mail.example");
        server.fail("broken.example", Fault::Rcode(ResponseCode::ServFail));
        let dns = dns(&server, 100);

        let texts = [dns.texts("t.example").await, dns.texts("none.example").await, dns.names("192.0.2.1").await];
        let none = (dns.mail_exchangers("null.example").await, dns.addresses("none.example").await);
        let errors = [dns.texts("broken.example").await, dns.texts("a b").await, dns.names("192.0.2").await];

        let unavailable = Err(Refused::Unavailable("no answer about `broken.example`".to_owned()));
        let invalid = |text: &str| Err(Refused::Invalid(text.to_owned()));
        assert_eq!(texts, [list(["text"]), list([]), list(["mail.example"])]);
        assert_eq!(none, (Ok(Vec::new()), Ok(Vec::new())));
        assert_eq!(errors, [unavailable, invalid("`a b` is no domain name"), invalid("no IPv4 or IPv6 address")]);
    }

    #[tokio::test]
    async fn questions_have_a_rate() {
        let server = Server::start().await;
        let dns = dns(&server, 2);

        let mut answers = Vec::new();
        for _ in 0..3 {
            answers.push(dns.texts("none.example").await);
        }

        let late = "more than 2 questions in a second (limits.dns_queries)".to_owned();
        assert_eq!(answers, [Ok(Vec::new()), Ok(Vec::new()), Err(Refused::Unavailable(late))]);
    }
}
