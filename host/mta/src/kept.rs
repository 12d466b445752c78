//! A file that is there whole or not at all, whenever the machine stops.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

/// Puts octets in place of a file; they are on stable storage when this returns. For the user of the process alone.
///
/// # Errors
/// What the system said; the file is as it was.
pub(crate) fn put(path: &Path, octets: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new(""));
    if !folder.is_dir() {
        fs::create_dir_all(folder)?;
        folder.parent().map_or(Ok(()), sync)?;
    }
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(octets).and_then(|()| file.sync_all())?;
    fs::rename(&beside, path)?;
    // The name is in the folder, which is a file of its own.
    sync(folder)
}

/// Removes a file for good.
///
/// # Errors
/// What the system said.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    sync(path.parent().unwrap_or(Path::new("")))
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_stands_in_place_of_what_was_there_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tenants/acme.wasm");
        put(&path, b"one").expect("a place to write");
        put(&path, b"two").expect("a place to write");
        let read = fs::read(&path).expect("the file");

        let beside = fs::read_dir(folder.path().join("tenants")).expect("the folder").count();
        remove(&path).expect("the file");

        assert_eq!((read.as_slice(), beside, path.exists()), (&b"two"[..], 1, false));
    }
}
