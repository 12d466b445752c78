//! Compiled code on disk, so that a component is compiled once and not at every start.
//!
//! Loading compiled code runs it with no sandbox in between, so what is loaded must be what we wrote: every file carries
//! a keyed hash of its content, under a key that only our folder holds. A file that does not match is compiled anew. The
//! file's name is made of the component's digest and of everything that shapes the code (engine version, settings).

use std::{
    fs,
    hash::Hasher,
    io,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use wasmtime::{Engine, component::Component};

const MAC: usize = blake3::OUT_LEN;

/// A folder of compiled code, which only its owner can read or write.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
    key: [u8; blake3::KEY_LEN],
}

impl Cache {
    /// Opens the folder and makes it, with a key, where it is not there.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let key = read_or_make_key(&folder.join("key"))?;
        Ok(Self { folder: folder.to_owned(), key })
    }

    /// Returns the compiled component, if it is there and is what we wrote.
    pub(crate) fn load(&self, engine: &Engine, digest: &blake3::Hash) -> Option<Component> {
        let path = self.path(engine, digest);
        let file = fs::read(&path).ok()?;
        let (mac, code) = file.split_at_checked(MAC)?;
        let mac: [u8; MAC] = mac.try_into().ok()?;
        // `blake3::Hash` compares in constant time.
        if self.mac(&path, code) != blake3::Hash::from_bytes(mac) {
            tracing::warn!(path = %path.display(), "compiled code does not match its seal and is made anew");
            return None;
        }
        deserialize(engine, code).ok()
    }

    /// Keeps a compiled component. Where that fails, the next start compiles again.
    pub(crate) fn store(&self, engine: &Engine, digest: &blake3::Hash, component: &Component) {
        let path = self.path(engine, digest);
        let kept = component.serialize().map_err(io::Error::other).and_then(|code| self.write(&path, &code));
        if let Err(reason) = kept {
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

    /// The hash covers the name too, so that one component's code cannot pass for another's.
    fn mac(&self, path: &Path, code: &[u8]) -> blake3::Hash {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        blake3::Hasher::new_keyed(&self.key).update(blake3::hash(name).as_bytes()).update(code).finalize()
    }

    fn path(&self, engine: &Engine, digest: &blake3::Hash) -> PathBuf {
        let mut shape = Blake3Hasher(blake3::Hasher::new());
        std::hash::Hash::hash(&engine.precompile_compatibility_hash(), &mut shape);
        let shape = shape.0.finalize().to_hex();
        self.folder.join(format!("{}-{}.cwasm", &digest.to_hex()[..32], &shape[..16]))
    }
}

/// Loads compiled code.
#[allow(
    unsafe_code,
    reason = "the only way to load compiled code; the caller has checked that we wrote these very octets"
)]
fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `code` was written by `Cache::store`, out of `Component::serialize`, and its keyed hash has been checked over
    // the octets in memory, so they cannot have changed since. Code for another version or engine is refused by wasmtime.
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
