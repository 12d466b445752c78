//! What was pulled, in a folder: manifests and components by their digests.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use crate::{RegistryError, digest, remote::layer_of};

/// Most octets of all that is kept; what was used least recently goes first.
const MOST: u64 = 1 << 30;

/// A folder of components.
#[derive(Clone, Debug)]
pub struct Cache(PathBuf);

impl Cache {
    /// Returns the cache in a folder, which need not be there yet.
    #[must_use]
    pub fn in_folder(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// Returns the component whose manifest has this digest, if both are here and are what they are called.
    pub(crate) fn get(&self, manifest: &str) -> Option<Vec<u8>> {
        let text = self.read(manifest)?;
        self.read(&layer_of(&text)?.digest)
    }

    /// Keeps a manifest and its component.
    pub(crate) fn put(&self, manifest: &[u8], component: &[u8]) -> Result<(), RegistryError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| RegistryError::Io { path, source }
        };
        fs::create_dir_all(&self.0).map_err(failed(&self.0))?;
        for octets in [component, manifest] {
            let path = self.path(&digest(octets));
            self.write(&path, octets).map_err(failed(&path))?;
        }
        self.bound().map_err(failed(&self.0))
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.0.join(digest.replace(':', "-"))
    }

    /// Reads something by its digest; what is not what it is called is as good as not there.
    fn read(&self, wanted: &str) -> Option<Vec<u8>> {
        let path = self.path(wanted);
        let octets = fs::read(&path).ok().filter(|octets| digest(octets) == wanted)?;
        // When it was used last, for whoever makes room.
        drop(fs::File::options().append(true).open(&path).and_then(|file| file.set_modified(SystemTime::now())));
        Some(octets)
    }

    /// A reader never sees half of a file.
    fn write(&self, path: &Path, octets: &[u8]) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.0)?;
        file.write_all(octets)?;
        file.as_file().sync_all()?;
        file.persist(path).map(drop).map_err(|error| error.error)
    }

    fn bound(&self) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            files.push((metadata.modified()?, metadata.len(), entry.path()));
        }
        files.sort();
        let mut total: u64 = files.iter().map(|(_, size, _)| size).sum();
        for (_, size, path) in files {
            if total > MOST {
                fs::remove_file(path)?;
                total -= size;
            }
        }
        Ok(())
    }
}
