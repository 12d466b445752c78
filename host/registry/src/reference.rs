//! Names of components in registries: `registry.example/policies/mine:1.2@sha256:…`.

use std::{fmt, net::IpAddr, str::FromStr};

/// A name, pinned or not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reference(oci_client::Reference);

/// A name with the digest of what it leads to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pinned {
    pub(crate) reference: Reference,
    pub(crate) digest: String,
}

/// Why a text is no name of a component.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReferenceError {
    /// It is none.
    #[error("'{0}' is no reference such as registry.example/policies/mine:1.2")]
    Malformed(String),
    /// It is not pinned.
    #[error("'{0}' is not pinned by a digest; `tollgate plugin pull {0}` prints the reference that is")]
    Unpinned(String),
}

impl FromStr for Reference {
    type Err = ReferenceError;

    /// A registry is always named: what is left out is nobody's default here.
    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let malformed = || ReferenceError::Malformed(text.to_owned());
        let host = text.split('/').next().filter(|_| text.contains('/')).ok_or_else(malformed)?;
        if !(host.contains('.') || host.contains(':') || host == "localhost") {
            return Err(malformed());
        }
        text.parse().map(Self).map_err(|_| malformed())
    }
}

impl FromStr for Pinned {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let reference: Reference = text.parse()?;
        let digest = reference.0.digest().map(str::to_owned);
        let digest =
            digest.filter(|digest| is_sha256(digest)).ok_or_else(|| ReferenceError::Unpinned(text.to_owned()))?;
        Ok(Self { reference, digest })
    }
}

fn is_sha256(digest: &str) -> bool {
    digest
        .strip_prefix("sha256:")
        .is_some_and(|hash| hash.len() == 64 && hash.bytes().all(|b| b"0123456789abcdef".contains(&b)))
}

impl Reference {
    /// Returns whether a text in a configuration is meant to be one, and no path.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.contains("@sha256:") || text.starts_with("oci://")
    }

    /// Returns the name as registries' own tools have it.
    pub(crate) fn inner(&self) -> &oci_client::Reference {
        &self.0
    }

    /// Returns whether it is on this machine, where registries speak HTTP in clear.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.0.registry();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name).trim_matches(['[', ']']);
        name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Returns the name with its tag alone, where it has one.
    pub(crate) fn by_tag(&self) -> Option<oci_client::Reference> {
        let tag = self.0.tag()?;
        Some(oci_client::Reference::with_tag(
            self.0.registry().to_owned(),
            self.0.repository().to_owned(),
            tag.to_owned(),
        ))
    }

    /// Returns the name with this digest alone.
    pub(crate) fn by_digest(&self, digest: &str) -> oci_client::Reference {
        let (registry, repository) = (self.0.registry().to_owned(), self.0.repository().to_owned());
        oci_client::Reference::with_digest(registry, repository, digest.to_owned())
    }

    /// Returns the name pinned to what it was found to lead to.
    pub(crate) fn pin(&self, digest: String) -> Pinned {
        Pinned { reference: self.clone(), digest }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.whole().fmt(f)
    }
}

impl Pinned {
    /// Returns the digest of its manifest, `sha256:…`.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

/// As it is written in `tollgate.toml`.
impl fmt::Display for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.reference.inner();
        write!(f, "{}/{}", inner.registry(), inner.repository())?;
        if let Some(tag) = inner.tag() {
            write!(f, ":{tag}")?;
        }
        write!(f, "@{}", self.digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_is_named_with_its_registry_and_run_by_its_digest() {
        let hash = "a".repeat(64);
        let pinned = format!("127.0.0.1:5000/policies/mine:1.2@sha256:{hash}");
        let parsed: Vec<Result<String, String>> =
            [&pinned, "r.example/a/b:1", "mine", "policies/mine.wasm", "r.example/a@sha256:ff"]
                .map(|text| text.parse::<Pinned>().map(|pinned| pinned.to_string()).map_err(|error| error.to_string()))
                .into();

        assert_eq!(parsed[0], Ok(pinned.clone()));
        assert!(parsed[1].as_ref().unwrap_err().contains("is not pinned"), "{parsed:?}");
        assert!(parsed[2..].iter().all(Result::is_err), "{parsed:?}");
        let local = ["127.0.0.1:5000/a:1", "localhost:5000/a:1", "r.example/a:1"];
        assert_eq!(local.map(|text| text.parse::<Reference>().unwrap().is_loopback()), [true, true, false]);
    }
}
