//! Who may: by address, if the request could not have come through somebody else, by name and password, or by token.
//!
//! A request's peer and head come in, a [`Caller`] or a refusal goes out. An address is a credential only while nobody
//! can borrow it. A proxy on a trusted host speaks for the whole world (`Forwarded`, `X-Forwarded-*`, `Via`), and so does
//! a browser there: a page of another site (`Origin`), or of a name that was pointed at us (`Host`, DNS rebinding). Such
//! requests need credentials, which are checked wherever they are present. Credentials are taken in clear from this very
//! machine only.
//!
//! Rules: RFC 7617 (Basic), RFC 6750 (Bearer), RFC 7239 (Forwarded), RFC 6454 (Origin), RFC 9110 §7.2 (Host).

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ipnet::IpNet;

use tollgate_smtp::{Reply, TempReply};

use super::{Failure, Passwords, Tokens};
use crate::caller::{Caller, Identity};
use crate::socket::{self, Ends};

/// Decides whether a request may do what it asks for.
#[derive(Debug, Clone)]
pub struct Gate {
    hostname: String,
    trusted: Vec<IpNet>,
    passwords: Arc<Passwords>,
    tokens: Arc<Tokens>,
}

impl Gate {
    /// Returns a gate. `hostname`: our name, as clients may write it in `Host`; `trusted`: who needs no credentials.
    #[must_use]
    pub fn new(hostname: impl Into<String>, trusted: Vec<IpNet>, passwords: Arc<Passwords>) -> Self {
        Self { hostname: hostname.into(), trusted, passwords, tokens: Arc::default() }
    }

    /// Returns the gate that takes these tokens too.
    #[must_use]
    pub fn with_tokens(self, tokens: Arc<Tokens>) -> Self {
        Self { tokens, ..self }
    }

    /// Lets a request in.
    ///
    /// # Errors
    /// As [`Gate::admit_vouched`].
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn admit(&self, ends: Ends, request: &Parts) -> Result<Caller, Failure> {
        self.admit_vouched(ends, request, |_, _| std::future::ready(Ok(None))).await
    }

    /// Lets a request in. `vouch`: returns the identity that name and password prove, or nothing; asked for users whom nobody
    /// here knows, so the password of one who is known is never handed over.
    ///
    /// # Errors
    /// 401 without the right credentials where some are needed, 403 for credentials that anybody on the way could read, 503 where
    /// whoever vouches says that it will know later.
    ///
    /// # Cancel safety
    /// Cancel safe if `vouch` is.
    pub async fn admit_vouched<V>(
        &self,
        ends: Ends,
        request: &Parts,
        vouch: impl FnOnce(String, String) -> V,
    ) -> Result<Caller, Failure>
    where
        V: Future<Output = Result<Option<String>, Reply>>,
    {
        let mut credentials = request.headers.get_all(header::AUTHORIZATION).iter();
        let peer = ends.peer.ip().to_canonical();
        let address = self.is_from_its_peer(request).then_some(peer);
        match (credentials.next(), credentials.next()) {
            (None, _) if address.is_some() && socket::is_in(&self.trusted, peer) => {
                Ok(Caller { identity: None, address })
            }
            (Some(_), _) if !peer.is_loopback() => {
                Err(Failure::new(StatusCode::FORBIDDEN, "credentials are taken over TLS or from this machine only"))
            }
            (Some(credentials), None) => Ok(Caller { identity: Some(self.check(credentials, vouch).await?), address }),
            (None, _) | (Some(_), Some(_)) => Err(Failure::unauthorized()),
        }
    }

    async fn check<V>(
        &self,
        credentials: &HeaderValue,
        vouch: impl FnOnce(String, String) -> V,
    ) -> Result<Identity, Failure>
    where
        V: Future<Output = Result<Option<String>, Reply>>,
    {
        let credentials = Credentials::read(credentials).ok_or_else(Failure::unauthorized)?;
        let identity = match credentials {
            Credentials::Basic { user, password } if !self.passwords.has(&user) => {
                match vouch(user.clone(), password.clone()).await {
                    Ok(Some(identity)) => Some(Identity::User(identity)),
                    // As much work as for one who is known, or the time that it takes would tell who is.
                    Ok(None) => self.passwords.verify(&user, &password).await.then_some(Identity::User(user)),
                    Err(reply) => {
                        return Err(TempReply::try_from(reply).map_or_else(|_| Failure::unauthorized(), Failure::from));
                    }
                }
            }
            Credentials::Basic { user, password } => {
                self.passwords.verify(&user, &password).await.then_some(Identity::User(user))
            }
            Credentials::Bearer(token) => self.tokens.find(&token).map(|name| Identity::Token(name.to_owned())),
        };
        identity.ok_or_else(Failure::unauthorized)
    }

    /// Returns whether a request speaks for the machine that sent it: nobody stands behind that.
    fn is_from_its_peer(&self, request: &Parts) -> bool {
        !is_forwarded(&request.headers) && self.is_for_us(request)
    }

    /// Returns whether the request names us, and was made by nobody's page or by ours.
    fn is_for_us(&self, request: &Parts) -> bool {
        let Some(host) = only(&request.headers, header::HOST.as_str()) else { return false };
        if !self.is_our_name(host) || request.uri.authority().is_some_and(|name| !self.is_our_name(name.as_str())) {
            return false;
        }
        if !request.headers.contains_key(header::ORIGIN) {
            return true;
        }
        let origin = only(&request.headers, header::ORIGIN.as_str()).and_then(|origin| origin.split_once("://"));
        origin.is_some_and(|(scheme, site)| matches!(scheme, "http" | "https") && site.eq_ignore_ascii_case(host))
    }

    /// An address cannot be pointed elsewhere, a name can: only names known to be ours will do.
    fn is_our_name(&self, authority: &str) -> bool {
        let Ok(authority) = authority.parse::<Authority>() else { return false };
        if authority.as_str().contains('@') {
            return false;
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let name = host.strip_suffix('.').unwrap_or(host);
        host.parse::<IpAddr>().is_ok()
            || name.eq_ignore_ascii_case("localhost")
            || name.eq_ignore_ascii_case(&self.hostname)
    }
}

fn is_forwarded(headers: &HeaderMap) -> bool {
    let forwarded = |name: &str| matches!(name, "forwarded" | "via" | "x-real-ip") || name.starts_with("x-forwarded");
    headers.keys().any(|name| forwarded(name.as_str()))
}

/// Returns the value of a field that is there once. Two of them are read differently by different readers.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok() }
}

/// What a client sends to prove who it is.
enum Credentials {
    Basic { user: String, password: String },
    Bearer(String),
}

impl Credentials {
    fn read(field: &HeaderValue) -> Option<Self> {
        let (scheme, rest) = field.to_str().ok()?.split_once(' ')?;
        if scheme.eq_ignore_ascii_case("bearer") {
            // Nobody's token is empty, even where the hash of nothing got into the configuration.
            return Some(rest.trim()).filter(|token| !token.is_empty()).map(|token| Self::Bearer(token.to_owned()));
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let text = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
        let (user, password) = text.split_once(':')?;
        Some(Self::Basic { user: user.to_owned(), password: password.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    /// A request from `peer` to a gate that trusts 10.0.0.0/8 and knows no user.
    async fn admit(peer: &str, uri: &str, fields: &[(&str, &str)]) -> Result<Caller, Failure> {
        let passwords = Arc::new(Passwords::new([]).unwrap());
        let gate = Gate::new("mx.example", vec!["10.0.0.0/8".parse().unwrap()], passwords);
        let request = fields.iter().fold(Request::get(uri), |request, (name, value)| request.header(*name, *value));
        let ends = Ends { peer: (peer.parse::<IpAddr>().unwrap(), 1).into(), local: ([10, 0, 0, 1], 2).into() };
        gate.admit(ends, &request.body(()).unwrap().into_parts().0).await
    }

    #[tokio::test]
    async fn requests_from_other_machines_are_trusted_by_address_and_never_by_password() {
        let host = ("host", "mx.example");
        let password = ("authorization", "Basic YTpi");
        let allowed = Ok(Caller { identity: None, address: Some([10, 1, 1, 1].into()) });
        let in_clear = Failure::new(StatusCode::FORBIDDEN, "credentials are taken over TLS or from this machine only");
        for (peer, uri, fields, expected) in [
            ("10.1.1.1", "/", vec![host], allowed.clone()),
            ("::ffff:10.1.1.1", "/", vec![host], allowed.clone()),
            ("10.1.1.1", "http://mx.example/", vec![host], allowed),
            ("10.1.1.1", "http://evil.example/", vec![host], Err(Failure::unauthorized())),
            ("10.1.1.1", "/", vec![host, ("x-real-ip", "10.1.1.1")], Err(Failure::unauthorized())),
            ("11.1.1.1", "/", vec![host], Err(Failure::unauthorized())),
            ("10.1.1.1", "/", vec![host, password], Err(in_clear.clone())),
            ("11.1.1.1", "/", vec![host, password], Err(in_clear)),
            ("127.0.0.1", "/", vec![host, password], Err(Failure::unauthorized())),
        ] {
            let seen = admit(peer, uri, &fields).await;

            assert_eq!(seen, expected, "{peer} {uri} {fields:?}");
        }
    }
}
