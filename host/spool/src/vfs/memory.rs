//! A file system in memory for tests: it loses power, fills up, and breaks when told to.
//!
//! Writes go to a model of the page cache. [`MemoryVfs::crash`] returns what a disk could hold after power was lost:
//! all that was synced, and of every other write any chosen set of sectors; of the directory operations that were
//! not synced a chosen prefix, since file systems log those in order. Directories themselves are durable at once.

use std::any::Any;
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{File, Vfs};

/// What a device writes whole or not at all, in octets.
pub const SECTOR: usize = 512;

/// How the disk misbehaves, and when.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// The operation fails; the next ones work.
    Once(io::ErrorKind),
    /// Power is gone: this operation and all later ones fail.
    Dead,
}

/// A file system in memory. Clones are the same file system.
#[derive(Debug, Clone, Default)]
pub struct MemoryVfs(Arc<Mutex<Disk>>);

#[derive(Debug, Default)]
struct Disk {
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    unsynced_names: Vec<NameChange>,
    dirs: HashSet<PathBuf>,
    inodes: Vec<Inode>,
    locks: HashSet<PathBuf>,
    changes: u64,
    syncs: u64,
    fault: Option<(u64, Fault)>,
    capacity: Option<u64>,
}

#[derive(Debug, Default, Clone)]
struct Inode {
    cached: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<(usize, Vec<u8>)>,
}

#[derive(Debug, Clone)]
struct NameChange {
    remove: Option<PathBuf>,
    insert: Option<(PathBuf, usize)>,
}

impl MemoryVfs {
    /// Makes the `nth` changing operation from now on fail (0 is the next one). Reads do not count.
    pub fn fail_at(&self, nth: u64, fault: Fault) {
        let mut disk = self.disk();
        disk.fault = Some((disk.changes + nth, fault));
    }

    /// Limits what all files may take together, in octets; `None` lifts the limit.
    pub fn set_capacity(&self, octets: Option<u64>) {
        self.disk().capacity = octets;
    }

    /// Returns how many file syncs there were.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.disk().syncs
    }

    /// Returns how many changing operations there were.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.disk().changes
    }

    /// Returns what a disk could hold if power went now. `keep` is asked once for each thing that was not synced.
    pub fn crash(&self, keep: &mut dyn FnMut() -> bool) -> Self {
        let disk = self.disk();
        let mut names = disk.durable_names.clone();
        disk.unsynced_names.iter().take_while(|_| keep()).for_each(|change| change.apply(&mut names));
        let inodes = disk.inodes.iter().map(|inode| inode.after_crash(keep)).collect();
        Self(Arc::new(Mutex::new(Disk {
            durable_names: names.clone(),
            names,
            dirs: disk.dirs.clone(),
            inodes,
            ..Disk::default()
        })))
    }

    /// Lists the files below a directory.
    #[must_use]
    pub fn files(&self, below: &Path) -> Vec<PathBuf> {
        self.disk().names.keys().filter(|path| path.starts_with(below)).cloned().collect()
    }

    /// Returns the content of a file as a program would read it.
    #[must_use]
    pub fn content(&self, path: &Path) -> Option<Vec<u8>> {
        let disk = self.disk();
        disk.names.get(path).map(|inode| disk.inodes[*inode].cached.clone())
    }

    /// Replaces the content of a file durably, behind the back of the program.
    pub fn tamper(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut disk = self.disk();
        if let Some(inode) = disk.names.get(path).copied() {
            change(&mut disk.inodes[inode].cached);
            disk.inodes[inode].durable = disk.inodes[inode].cached.clone();
        }
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inode {
    fn after_crash(&self, keep: &mut dyn FnMut() -> bool) -> Self {
        let mut octets = self.durable.clone();
        for (offset, written) in &self.unsynced {
            for (start, end) in sectors(*offset, written.len()) {
                if keep() {
                    put(&mut octets, start, &written[start - offset..end - offset]);
                }
            }
        }
        Self { cached: octets.clone(), durable: octets, unsynced: Vec::new() }
    }
}

/// Cuts a range at the borders of sectors.
fn sectors(offset: usize, len: usize) -> impl Iterator<Item = (usize, usize)> {
    let end = offset + len;
    (offset / SECTOR..end.div_ceil(SECTOR)).map(move |n| ((n * SECTOR).max(offset), ((n + 1) * SECTOR).min(end)))
}

fn put(octets: &mut Vec<u8>, offset: usize, part: &[u8]) {
    octets.resize(octets.len().max(offset + part.len()), 0);
    octets[offset..offset + part.len()].copy_from_slice(part);
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        if let Some(path) = &self.remove {
            names.remove(path);
        }
        if let Some((path, inode)) = &self.insert {
            names.insert(path.clone(), *inode);
        }
    }

    fn is_in(&self, dir: &Path) -> bool {
        let inserted = self.insert.as_ref().map(|(path, _)| path);
        inserted.or(self.remove.as_ref()).and_then(|path| path.parent()) == Some(dir)
    }
}

impl Disk {
    fn change(&mut self) -> io::Result<()> {
        let now = self.changes;
        self.changes += 1;
        match self.fault {
            Some((at, Fault::Once(kind))) if at == now => Err(kind.into()),
            Some((at, Fault::Dead)) if now >= at => Err(io::Error::other("power is gone")),
            _ => Ok(()),
        }
    }

    fn change_names(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.unsynced_names.push(change);
    }

    fn inode(&self, path: &Path) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn grow(&self, inode: usize, len: usize) -> io::Result<()> {
        let more = len.saturating_sub(self.inodes[inode].cached.len()) as u64;
        let used: u64 = self.names.values().map(|inode| self.inodes[*inode].cached.len() as u64).sum();
        let room = self.capacity.is_none_or(|capacity| more == 0 || used + more <= capacity);
        room.then_some(()).ok_or_else(|| io::ErrorKind::StorageFull.into())
    }

    fn write(&mut self, inode: usize, octets: &[u8], offset: usize) -> io::Result<()> {
        self.change()?;
        self.grow(inode, offset + octets.len())?;
        let inode = &mut self.inodes[inode];
        put(&mut inode.cached, offset, octets);
        inode.unsynced.push((offset, octets.to_vec()));
        Ok(())
    }
}

impl Vfs for MemoryVfs {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        if disk.names.contains_key(path) {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        disk.dirs.insert(path.to_owned());
        Ok(())
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let mut disk = self.disk();
        disk.change()?;
        disk.inodes.push(Inode::default());
        let inode = disk.inodes.len() - 1;
        disk.change_names(NameChange { remove: None, insert: Some((path.to_owned(), inode)) });
        Ok(Arc::new(MemoryFile { vfs: self.clone(), inode }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let inode = self.disk().inode(path)?;
        Ok(Arc::new(MemoryFile { vfs: self.clone(), inode }))
    }

    fn lock(&self, path: &Path, _content: &str) -> io::Result<Box<dyn Any + Send + Sync>> {
        if !self.disk().locks.insert(path.to_owned()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(MemoryLock { vfs: self.clone(), path: path.to_owned() }))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let disk = self.disk();
        let inside = disk.names.keys().filter(|path| path.parent() == Some(dir));
        Ok(inside.filter_map(|path| path.file_name()?.to_str().map(str::to_owned)).collect())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        disk.change()?;
        let inode = disk.inode(from)?;
        disk.change_names(NameChange { remove: Some(from.to_owned()), insert: Some((to.to_owned(), inode)) });
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        disk.change()?;
        disk.inode(path)?;
        disk.change_names(NameChange { remove: Some(path.to_owned()), insert: None });
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        disk.change()?;
        let disk = &mut *disk;
        let durable = &mut disk.durable_names;
        disk.unsynced_names.retain(|change| {
            let synced = change.is_in(dir);
            if synced {
                change.apply(durable);
            }
            !synced
        });
        Ok(())
    }
}

#[derive(Debug)]
struct MemoryFile {
    vfs: MemoryVfs,
    inode: usize,
}

impl File for MemoryFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let disk = self.vfs.disk();
        let from = disk.inodes[self.inode].cached.get(offset as usize..);
        let part = from.and_then(|rest| rest.get(..buffer.len())).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(part);
        Ok(())
    }

    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<()> {
        self.vfs.disk().write(self.inode, octets, offset as usize)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.vfs.disk().write(self.inode, &vec![0; len as usize], 0)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut disk = self.vfs.disk();
        disk.change()?;
        disk.syncs += 1;
        let inode = &mut disk.inodes[self.inode];
        inode.durable.clone_from(&inode.cached);
        inode.unsynced.clear();
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.vfs.disk().inodes[self.inode].cached.len() as u64)
    }
}

#[derive(Debug)]
struct MemoryLock {
    vfs: MemoryVfs,
    path: PathBuf,
}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        self.vfs.disk().locks.remove(&self.path);
    }
}
