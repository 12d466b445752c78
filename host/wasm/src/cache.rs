//! Compiled code on disk, so that a component is compiled once and not at every start.
//!
//! Loading compiled code runs it with no sandbox in between, so what is loaded must be what we wrote: every file carries
//! a keyed hash of its content, under a key that only our folder holds. A file that does not match is compiled anew. The
//! file's name is made of what the code was made of and of everything that shapes it (engine version, settings). The folder
//! has a largest size; what was not used for longest goes first.

use std::{
    fs,
    hash::Hasher,
    io,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use wasmtime::{Engine, component::Component};

const MAC: usize = blake3::OUT_LEN;
/// Most octets of compiled code in the folder.
const CAPACITY: u64 = 2 << 30;

/// What code was made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Key(String);

impl Key {
    /// A component as it is.
    pub(crate) fn component(digest: &blake3::Hash) -> Self {
        Self(digest.to_hex()[..32].to_owned())
    }

    /// A component with its configuration in memory.
    pub(crate) fn snapshot(digest: &blake3::Hash, configuration: &blake3::Hash) -> Self {
        Self(format!("{}-{}", &digest.to_hex()[..32], &configuration.to_hex()[..32]))
    }
}

/// A folder of compiled code, which only its owner can read or write.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
    key: [u8; blake3::KEY_LEN],
    capacity: u64,
}

impl Cache {
    /// Opens the folder and makes it, with a key, where it is not there.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let key = read_or_make_key(&folder.join("key"))?;
        Ok(Self { folder: folder.to_owned(), key, capacity: CAPACITY })
    }

    /// Returns the compiled component and its size in octets, if it is there and is what we wrote.
    pub(crate) fn load(&self, engine: &Engine, key: &Key) -> Option<(Component, usize)> {
        let path = self.path(engine, key);
        let file = fs::read(&path).ok()?;
        let (mac, code) = file.split_at_checked(MAC)?;
        let mac: [u8; MAC] = mac.try_into().ok()?;
        // `blake3::Hash` compares in constant time.
        if self.mac(&path, code) != blake3::Hash::from_bytes(mac) {
            tracing::warn!(path = %path.display(), "compiled code does not match its seal and is made anew");
            return None;
        }
        // When it was used last. Where that cannot be noted it only goes sooner.
        drop(fs::File::options().append(true).open(&path).and_then(|file| file.set_modified(SystemTime::now())));
        deserialize(engine, code).ok().map(|component| (component, code.len()))
    }

    /// Keeps compiled code. Where that fails, the next start compiles again.
    pub(crate) fn store(&self, engine: &Engine, key: &Key, code: &[u8]) {
        let path = self.path(engine, key);
        if let Err(reason) = self.write(&path, code).and_then(|()| self.make_room(&path)) {
            tracing::warn!(path = %path.display(), %reason, "compiled code could not be kept");
        }
    }

    fn write(&self, path: &Path, code: &[u8]) -> io::Result<()> {
        let draft = path.with_extension(format!("{}.new", std::process::id()));
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(self.mac(path, code).as_bytes())?;
        file.write_all(code)?;
        fs::rename(draft, path)
    }

    /// Removes what was not used for longest while the folder is too large, but not what has just come.
    fn make_room(&self, newest: &Path) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let (path, about) = (entry.path(), entry.metadata()?);
            if path.extension().is_some_and(|kind| kind == "cwasm") {
                files.push((about.modified()?, about.len(), path));
            }
        }
        files.sort();
        let mut size: u64 = files.iter().map(|(_, len, _)| len).sum();
        for (_, len, path) in files.into_iter().filter(|(_, _, path)| path != newest) {
            if size <= self.capacity {
                break;
            }
            fs::remove_file(path)?;
            size -= len;
        }
        Ok(())
    }

    /// The hash covers the name too, so that one component's code cannot pass for another's.
    fn mac(&self, path: &Path, code: &[u8]) -> blake3::Hash {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        blake3::Hasher::new_keyed(&self.key).update(blake3::hash(name).as_bytes()).update(code).finalize()
    }

    fn path(&self, engine: &Engine, key: &Key) -> PathBuf {
        let mut shape = Blake3Hasher(blake3::Hasher::new());
        std::hash::Hash::hash(&engine.precompile_compatibility_hash(), &mut shape);
        let shape = shape.0.finalize().to_hex();
        self.folder.join(format!("{}-{}.cwasm", key.0, &shape[..16]))
    }
}

/// Loads compiled code.
#[allow(unsafe_code, reason = "the only way to load compiled code; callers have made sure whose it is")]
pub(crate) fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `code` comes from our compiler, in this process or in a child of ours that runs no guest's code, or out of
    // the cache, where its keyed hash has been checked over these very octets in memory, so they cannot have changed since.
    // Code for another version or engine is refused by wasmtime.
    unsafe { Component::deserialize(engine, code) }
}

fn read_or_make_key(path: &Path) -> io::Result<[u8; blake3::KEY_LEN]> {
    if let Ok(key) = fs::read(path)
        .and_then(|key| <[u8; blake3::KEY_LEN]>::try_from(key).map_err(|_| io::ErrorKind::InvalidData.into()))
    {
        return Ok(key);
    }
    let mut key = [0; blake3::KEY_LEN];
    io::Read::read_exact(&mut fs::File::open("/dev/urandom")?, &mut key)?;
    // Written beside and renamed: two programs that start at once must not read half a key.
    let draft = path.with_extension(format!("{}.new", std::process::id()));
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(&key)?;
    fs::rename(draft, path)?;
    Ok(key)
}

/// The standard library's hashing, into a hash that is the same tomorrow.
struct Blake3Hasher(blake3::Hasher);

impl Hasher for Blake3Hasher {
    fn write(&mut self, octets: &[u8]) {
        self.0.update(octets);
    }

    fn finish(&self) -> u64 {
        let mut first = [0; 8];
        first.copy_from_slice(&self.0.finalize().as_bytes()[..8]);
        u64::from_le_bytes(first)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_was_not_used_for_longest_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache { capacity: 250, ..Cache::open(folder.path()).unwrap() };
        let engine = crate::engine::compiling().unwrap();
        let key = |name: &str| Key(name.to_owned());
        for (name, age) in [("a", 30), ("b", 40), ("c", 20)] {
            cache.write(&cache.path(&engine, &key(name)), &[0; 50]).unwrap();
            let file = fs::File::options().append(true).open(cache.path(&engine, &key(name))).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
        }

        cache.store(&engine, &key("d"), &[0; 50]);

        let kept = ["a", "b", "c", "d"].map(|name| cache.path(&engine, &key(name)).exists());
        assert_eq!(kept, [true, false, true, true]);
    }
}
