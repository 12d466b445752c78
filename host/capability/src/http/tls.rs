//! TLS to whoever a plugin asks: TLS 1.2 or 1.3, and a certificate for the host by an authority that this machine trusts.
//!
//! Rules: RFC 9110 §4.3.4 (who may answer for `https`), RFC 6066 §3 (the name that is asked for), RFC 9525 (names in certificates).

use std::{fmt::Display, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName},
};
use tokio::{net::TcpStream, sync::OnceCell};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::request::Host;
use crate::Refused;

/// Whom the program trusts to say who somebody is. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Trust(Arc<OnceCell<Arc<ClientConfig>>>);

impl Trust {
    /// Trusts these authorities, given by their certificates, and no others. By default it is those that the system trusts, as
    /// they are when somebody is first asked: `SSL_CERT_FILE` and `SSL_CERT_DIR` name others.
    #[must_use]
    pub fn only(authorities: impl IntoIterator<Item = CertificateDer<'static>>) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(authorities);
        Self(Arc::new(OnceCell::new_with(Some(config(roots)))))
    }

    async fn config(&self) -> Result<&Arc<ClientConfig>, Refused> {
        self.0.get_or_try_init(async || system().await.map(config)).await
    }

    /// Makes a connection one over TLS with a host.
    pub(super) async fn secure(&self, stream: TcpStream, host: &Host) -> Result<TlsStream<TcpStream>, Refused> {
        let name = match host {
            Host::Name(name) => ServerName::try_from(name.clone()).map_err(|reason| none_with(host, &reason))?,
            Host::Address(address) => ServerName::IpAddress((*address).into()),
        };
        let connector = TlsConnector::from(Arc::clone(self.config().await?));
        connector.connect(name, stream).await.map_err(|reason| none_with(host, &reason))
    }
}

fn none_with(host: &Host, reason: &dyn Display) -> Refused {
    Refused::Unavailable(format!("no TLS with {host}: {reason}"))
}

fn config(roots: RootCertStore) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = versions.expect("ring has them").with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

/// Reads the authorities that the system trusts.
async fn system() -> Result<RootCertStore, Refused> {
    let loaded = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs).await;
    let mut roots = RootCertStore::empty();
    let (trusted, _) = loaded.map(|loaded| roots.add_parsable_certificates(loaded.certs)).unwrap_or_default();
    if trusted == 0 {
        let text = "this machine trusts nobody: no certificates of authorities are there (SSL_CERT_FILE names a file)";
        return Err(Refused::Unavailable(text.to_owned()));
    }
    Ok(roots)
}
