//! A registry: asked over HTTP, believed in nothing.

use std::{io, sync::Once, time::Duration};

use futures_util::TryStreamExt as _;
use oci_client::{
    Client, Reference as Name,
    client::{ClientConfig, ClientProtocol, Config, ImageLayer},
    errors::OciDistributionError as Error,
    manifest::{OciDescriptor, OciImageManifest},
    secrets::RegistryAuth,
};

use crate::{Cache, LARGEST, Pinned, Reference, RegistryError, auth, digest};

/// The types of a component and of its manifest's configuration, as the CNCF's guidance on Wasm artifacts has them.
const LAYER: &str = "application/wasm";
const CONFIG: &str = "application/vnd.wasm.config.v0+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// For how long a registry is waited for: each read, and all of a pull or push.
const READ: Duration = Duration::from_secs(20);
const ALL: Duration = Duration::from_secs(120);

/// Registries, and a cache of what was pulled from them.
pub struct Registry {
    cache: Cache,
}

impl Registry {
    /// Returns registries with a cache.
    #[must_use]
    pub fn new(cache: Cache) -> Self {
        Self { cache }
    }

    /// Pushes a component, and returns its name with the digest that it got there.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub fn push(&self, reference: &Reference, component: &[u8]) -> Result<Pinned, RegistryError> {
        let size = component.len() as u64;
        if size > LARGEST {
            return Err(RegistryError::TooLarge { reference: reference.to_string(), size });
        }
        let layer = ImageLayer::new(component.to_vec(), LAYER.to_owned(), None);
        let config = serde_json::json!({
            "architecture": "wasm", "os": "wasip2", "layerDigests": [digest(component)],
        });
        let config = Config::new(config.to_string().into_bytes(), CONFIG.to_owned(), None);
        run(reference, async {
            let (client, auth) = client(reference)?;
            client.push(reference.inner(), &[layer], config, &auth, None).await?;
            client.fetch_manifest_digest(reference.inner(), &auth).await
        })
        .map(|digest| reference.pin(digest))
    }

    /// Pulls what a name leads to now, keeps it, and returns it with the name pinned.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub fn pull(&self, reference: &Reference) -> Result<(Pinned, Vec<u8>), RegistryError> {
        let (manifest, component) = fetch(reference, reference.inner())?;
        self.cache.put(&manifest, &component)?;
        Ok((reference.pin(digest(&manifest)), component))
    }

    /// Returns the component that is pinned: from the cache, else from the registry, where its tag, if it has one, must still lead
    /// to it.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub fn pinned(&self, pinned: &Pinned) -> Result<Vec<u8>, RegistryError> {
        if let Some(component) = self.cache.get(&pinned.digest) {
            return Ok(component);
        }
        let (reference, expected) = (&pinned.reference, &pinned.digest);
        if let Some(tag) = reference.by_tag() {
            let found = run(reference, async {
                let (client, auth) = client(reference)?;
                client.fetch_manifest_digest(&tag, &auth).await
            })?;
            if found != *expected {
                let (reference, expected) = (reference.to_string(), expected.clone());
                return Err(RegistryError::Moved { reference, expected, found });
            }
        }
        let (manifest, component) = fetch(reference, &reference.by_digest(expected))?;
        if digest(&manifest) != *expected {
            return Err(RegistryError::Digest(reference.to_string()));
        }
        self.cache.put(&manifest, &component)?;
        Ok(component)
    }
}

/// Returns the one layer of a manifest, if it is a component's.
pub(crate) fn layer_of(manifest: &[u8]) -> Option<OciDescriptor> {
    let manifest: OciImageManifest = serde_json::from_slice(manifest).ok()?;
    let [layer] = <[OciDescriptor; 1]>::try_from(manifest.layers).ok()?;
    (layer.media_type == LAYER).then_some(layer)
}

/// Fetches a manifest and its component. Both are asked for by one client, which knows by then who asks.
fn fetch(reference: &Reference, name: &Name) -> Result<(Vec<u8>, Vec<u8>), RegistryError> {
    run(reference, async {
        let (client, auth) = client(reference)?;
        let (manifest, _) = client.pull_manifest_raw(name, &auth, &[MANIFEST]).await?;
        let component = match layer_of(&manifest) {
            Some(layer) => download(&client, reference, name, &layer).await?,
            None => Err(RegistryError::NotWasm(reference.to_string())),
        };
        Ok(component.map(|component| (manifest.to_vec(), component)))
    })?
}

/// Downloads a component, as large as it was announced and no larger.
async fn download(
    client: &Client,
    reference: &Reference,
    name: &Name,
    layer: &OciDescriptor,
) -> Result<Result<Vec<u8>, RegistryError>, Error> {
    let size = u64::try_from(layer.size).unwrap_or(u64::MAX);
    if size > LARGEST {
        return Ok(Err(RegistryError::TooLarge { reference: reference.to_string(), size }));
    }
    let mut stream = client.pull_blob_stream(name, layer).await?.stream;
    let mut component = Vec::new();
    while let Some(octets) = stream.try_next().await? {
        component.extend_from_slice(&octets);
        if component.len() as u64 > size {
            break;
        }
    }
    let is_it = component.len() as u64 == size && digest(&component) == layer.digest;
    Ok(if is_it { Ok(component) } else { Err(RegistryError::Digest(reference.to_string())) })
}

fn client(reference: &Reference) -> Result<(Client, RegistryAuth), Error> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    let registry = reference.inner().registry().to_owned();
    let protocol = if reference.is_loopback() {
        ClientProtocol::HttpsExcept(vec![registry.clone()])
    } else {
        ClientProtocol::Https
    };
    let config =
        ClientConfig { protocol, read_timeout: Some(READ), connect_timeout: Some(READ), ..ClientConfig::default() };
    Ok((Client::try_from(config)?, auth::of(&registry)))
}

/// Runs a question to a registry to its end, on a thread of its own: whoever asks may be in a runtime already.
fn run<T: Send>(
    reference: &Reference,
    question: impl Future<Output = Result<T, Error>> + Send,
) -> Result<T, RegistryError> {
    let unreachable = |reason: String| RegistryError::Unreachable { reference: reference.to_string(), reason };
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| -> io::Result<_> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            Ok(runtime.block_on(async { tokio::time::timeout(ALL, question).await }))
        });
        match asked.join().expect("nothing in it panics") {
            Ok(Ok(Ok(answer))) => Ok(answer),
            Ok(Ok(Err(error))) => Err(of(reference, &error)),
            Ok(Err(_)) => Err(unreachable(format!("the registry took longer than {ALL:?}"))),
            Err(error) => Err(unreachable(error.to_string())),
        }
    })
}

fn of(reference: &Reference, error: &Error) -> RegistryError {
    let name = reference.to_string();
    let status = match error {
        Error::ServerError { code, .. } => Some(*code),
        Error::RequestError(error) => error.status().map(|status| status.as_u16()),
        _ => None,
    };
    let code = match error {
        Error::RegistryError { envelope, .. } => envelope.errors.first().map(|error| format!("{:?}", error.code)),
        _ => None,
    };
    match (error, status, code.as_deref()) {
        (Error::ImageManifestNotFoundError(_), ..)
        | (_, Some(404), _)
        | (_, _, Some("ManifestUnknown" | "NameUnknown" | "BlobUnknown")) => RegistryError::NotFound(name),
        (Error::AuthenticationFailure(_) | Error::UnauthorizedError { .. }, ..)
        | (_, Some(401 | 403), _)
        | (_, _, Some("Unauthorized" | "Denied")) => RegistryError::Unauthorized(name),
        (Error::DigestError(_), ..) => RegistryError::Digest(name),
        _ => RegistryError::Unreachable { reference: name, reason: chain(error) },
    }
}

/// Returns an error with what is behind it: the first words alone rarely say what was wrong.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
