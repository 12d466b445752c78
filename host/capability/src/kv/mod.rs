//! Values that outlive the program: kept for one plugin, in a file of its own.
//!
//! A [`Store`] is a file of records that is only added to ([`log`]), and rewritten when most of it is past. What is set is on
//! the disk when that is answered. [`Stores`] knows the folder; a plugin is known by its name there, so a plugin that is loaded
//! anew finds what it kept. A store is opened when it is first used, and again after an error: what is on the disk is then
//! looked at anew.

mod log;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{ByName, Refused, file_name};
use log::Log;

/// Longest key, in octets.
pub const LONGEST_KEY: usize = 512;
/// Longest value, in octets.
pub const LONGEST_VALUE: usize = 64 << 10;
/// What a value takes beside itself and its key, in octets, as the quota counts it.
pub const ENTRY: u64 = log::HEAD as u64;

/// The stores of all plugins.
#[derive(Debug)]
pub struct Stores {
    folder: PathBuf,
    open: ByName<Store>,
}

/// The values of one plugin.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    log: Mutex<Option<Log>>,
}

impl Stores {
    /// Returns the stores in a folder, which is made when something is to be kept in it.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, open: ByName::default() }
    }

    /// Returns the store of a plugin.
    #[must_use]
    pub fn of(&self, plugin: &str) -> Arc<Store> {
        let path = self.folder.join(file_name(plugin) + ".kv");
        self.open.get(plugin, || Store { path, log: Mutex::default() })
    }
}

impl Store {
    /// Returns the value of a key; nothing where there is none, or its time is over.
    ///
    /// # Errors
    /// [`Refused::Invalid`] for a key that is empty or longer than [`LONGEST_KEY`]; [`Refused::Unavailable`] where the
    /// disk fails.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Refused> {
        valid(key)?;
        self.with(|log| log.get(now(), key))
    }

    /// Keeps a value, for so long or for good. When this returns it is on the disk. `quota`: how many octets of keys and values
    /// there may be with it, with [`ENTRY`] for each.
    ///
    /// # Errors
    /// As [`Store::get`]; also [`Refused::TooLarge`] for a value longer than [`LONGEST_VALUE`], or one that the quota
    /// has no room for.
    pub fn set(&self, key: &str, value: &[u8], for_time: Option<Duration>, quota: u64) -> Result<(), Refused> {
        valid(key)?;
        if value.len() > LONGEST_VALUE {
            return Err(Refused::TooLarge(LONGEST_VALUE as u64));
        }
        let now = now();
        let until = for_time.map(|time| now.saturating_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)));
        self.with(|log| {
            if !log.has_room(now, key, value, quota) {
                return Ok(Err(Refused::TooLarge(quota)));
            }
            log.set(now, key, value, until).map(Ok)
        })?
    }

    /// Forgets a value. Returns whether there was one. When this returns it is gone from the disk.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub fn delete(&self, key: &str) -> Result<bool, Refused> {
        valid(key)?;
        self.with(|log| log.delete(now(), key))
    }

    /// Does something with the log, which is opened for it if need be, and closed if it fails.
    fn with<T>(&self, act: impl FnOnce(&mut Log) -> io::Result<T>) -> Result<T, Refused> {
        let mut log = self.lock();
        let opened = match log.take() {
            Some(log) => Ok(log),
            None => Log::open(&self.path, now()),
        };
        let done = opened.and_then(|mut opened| {
            let done = act(&mut opened)?;
            *log = Some(opened);
            Ok(done)
        });
        done.map_err(|reason| {
            tracing::error!(path = %self.path.display(), %reason, "what a plugin keeps cannot be read or written");
            Refused::Unavailable("the store cannot be read or written".to_owned())
        })
    }

    fn lock(&self) -> MutexGuard<'_, Option<Log>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn valid(key: &str) -> Result<(), Refused> {
    match key.len() {
        1..=LONGEST_KEY => Ok(()),
        _ => Err(Refused::Invalid(format!("a key has 1 to {LONGEST_KEY} octets"))),
    }
}

/// Milliseconds since 1970: the times of values are kept over restarts.
fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// Makes a folder that only its owner can read, with those above it.
fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTA: u64 = 1 << 20;

    #[test]
    fn what_one_plugin_keeps_another_does_not_see_and_all_of_it_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plugins");
        let stores = Stores::new(path.clone());
        let [one, other] = ["one", "tenant:other"].map(|name| stores.of(name));
        one.set("k", b"1", None, QUOTA).unwrap();
        other.set("k", b"2", None, QUOTA).unwrap();
        other.set("gone", b"3", None, QUOTA).unwrap();
        other.delete("gone").unwrap();
        drop((one, other, stores));

        let stores = Stores::new(path);

        let kept =
            ["one", "tenant:other", "third"].map(|name| ["k", "gone"].map(|key| stores.of(name).get(key).unwrap()));
        assert_eq!(kept, [[Some(b"1".to_vec()), None], [Some(b"2".to_vec()), None], [None, None]]);
    }

    #[test]
    fn keys_and_values_have_their_lengths() {
        let folder = tempfile::tempdir().unwrap();
        let store = Stores::new(folder.path().to_owned()).of("p");
        let (key, value) = ("k".repeat(LONGEST_KEY), vec![7; LONGEST_VALUE]);

        let taken = [
            store.set(&key, &value, None, QUOTA),
            store.set("", b"", None, QUOTA),
            store.set(&(key.clone() + "k"), b"", None, QUOTA),
        ];
        let too_large = store.set("k", &[0; LONGEST_VALUE + 1], None, QUOTA);

        let invalid = || Err(Refused::Invalid("a key has 1 to 512 octets".to_owned()));
        assert_eq!((taken, too_large), ([Ok(()), invalid(), invalid()], Err(Refused::TooLarge(65536))));
        assert_eq!(store.get(&key), Ok(Some(value)));
    }

    #[test]
    fn a_store_that_is_none_is_left_alone_and_told_in_a_word() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("p.kv"), "a letter of the operator's").unwrap();

        let refused = Stores::new(folder.path().to_owned()).of("p").get("k");

        let kept = std::fs::read(folder.path().join("p.kv")).unwrap();
        let unavailable = Err(Refused::Unavailable("the store cannot be read or written".to_owned()));
        assert_eq!((refused, kept), (unavailable, b"a letter of the operator's".to_vec()));
    }
}
