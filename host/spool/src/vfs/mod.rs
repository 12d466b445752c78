//! The narrow seam to the disk: what the spool asks of a file system, and nothing it does not.
//!
//! [`OsVfs`] is the real one. [`memory::MemoryVfs`] models a page cache that loses power. All calls block.

use std::any::Any;
use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::Arc;

pub mod memory;
mod os;

pub use os::OsVfs;

/// A file system.
///
/// What [`File::sync_data`] and [`Vfs::sync_dir`] have confirmed survives a crash; of the rest, any part may.
pub trait Vfs: Debug + Send + Sync {
    /// Creates a directory for this user alone, with its parents; content that exists stays.
    ///
    /// # Errors
    /// What the system says; `NotADirectory` if a file is in the way.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Creates an empty file for reading and writing; one that exists is emptied.
    ///
    /// # Errors
    /// What the system says.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>>;

    /// Opens a file that exists for reading and writing.
    ///
    /// # Errors
    /// What the system says; `NotFound` among it.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>>;

    /// Locks a file against other processes until the value is dropped, and writes `content` into it.
    ///
    /// # Errors
    /// `WouldBlock` if another holds it.
    fn lock(&self, path: &Path, content: &str) -> io::Result<Box<dyn Any + Send + Sync>>;

    /// Lists the names of the files in a directory, in no order.
    ///
    /// # Errors
    /// What the system says.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Renames a file, replacing what has the new name.
    ///
    /// # Errors
    /// What the system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// What the system says.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes creations, renames and removals in a directory durable.
    ///
    /// # Errors
    /// What the system says.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
}

/// An open file. Reads and writes name their offset, so many threads may share it.
pub trait File: Debug + Send + Sync {
    /// Fills the buffer from `offset` on.
    ///
    /// # Errors
    /// `UnexpectedEof` if the file ends before.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;

    /// Writes everything at `offset`, growing the file if need be.
    ///
    /// # Errors
    /// What the system says; part of it may have been written.
    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<()>;

    /// Makes the file `len` octets of zeros that have their blocks, so that later writes cannot meet a full disk.
    ///
    /// # Errors
    /// `StorageFull` or `QuotaExceeded` if there is no room.
    fn allocate(&self, len: u64) -> io::Result<()>;

    /// Makes the content and length durable.
    ///
    /// # Errors
    /// What the system says. What was written since the last success is then in an unknown state, for good.
    fn sync_data(&self) -> io::Result<()>;

    /// Returns the length in octets.
    ///
    /// # Errors
    /// What the system says.
    fn size(&self) -> io::Result<u64>;
}
