//! Seeing that files have changed: a look at each, once a second.
//!
//! Looking works wherever files do: on network and overlay file systems, and where a folder is swapped behind a symbolic
//! link, as containers do with their configuration; being told by the system does not. It costs a few calls a second.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// What a file looked like; two looks at an unchanged file are equal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Look {
    device: u64,
    inode: u64,
    size: u64,
    modified: Option<SystemTime>,
}

/// Files, as they looked last.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Watch {
    /// `None` for a file that is not there.
    files: BTreeMap<PathBuf, Option<Look>>,
}

impl Watch {
    /// Returns the files as they look now.
    pub(crate) fn new(files: impl IntoIterator<Item = PathBuf>) -> Self {
        Self { files: files.into_iter().map(|path| (path.clone(), look(&path))).collect() }
    }

    /// Looks again, and returns whether any file has changed, come or gone since the last look.
    pub(crate) fn has_changed(&mut self) -> bool {
        let now = Self::new(self.files.keys().cloned());
        let changed = now != *self;
        *self = now;
        changed
    }

    /// Watches these files, too.
    pub(crate) fn add(&mut self, files: impl IntoIterator<Item = PathBuf>) {
        for path in files {
            self.files.entry(path).or_insert_with_key(|path| look(path));
        }
    }

    /// Watches these files from now on, and no others; those that were watched before keep their last look.
    pub(crate) fn follow(&mut self, files: impl IntoIterator<Item = PathBuf>) {
        let before = std::mem::replace(self, Self::new(files));
        for (path, look) in before.files {
            self.files.entry(path).and_modify(|now| *now = look);
        }
    }
}

fn look(path: &Path) -> Option<Look> {
    let metadata = fs::metadata(path).ok()?;
    let (device, inode, size) = (metadata.dev(), metadata.ino(), metadata.len());
    Some(Look { device, inode, size, modified: metadata.modified().ok() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_written_moved_or_removed_has_changed_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("queues.toml");
        let mut watch = Watch::new([path.clone()]);
        let mut seen = vec![watch.has_changed()];

        fs::write(&path, "a").expect("written");
        seen.extend([watch.has_changed(), watch.has_changed()]);
        fs::write(folder.path().join("new"), "b").expect("written");
        fs::rename(folder.path().join("new"), &path).expect("moved");
        seen.extend([watch.has_changed(), watch.has_changed()]);
        fs::remove_file(&path).expect("removed");
        seen.extend([watch.has_changed(), watch.has_changed()]);

        assert_eq!(seen, [false, true, false, true, false, true, false]);
    }

    #[test]
    fn an_added_file_is_watched_beside_the_others_until_others_are_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let [first, second] = ["a", "b"].map(|name| folder.path().join(name));
        let mut watch = Watch::new([first.clone()]);
        let changes = |watch: &mut Watch| {
            [&first, &second].map(|path| {
                let text = fs::read_to_string(path).unwrap_or_default();
                fs::write(path, text + "a").expect("written");
                watch.has_changed()
            })
        };

        watch.add([first.clone(), second.clone()]);
        let both = changes(&mut watch);
        watch.follow([first.clone()]);
        let one = changes(&mut watch);

        assert_eq!((both, one), ([true, true], [true, false]));
    }

    #[test]
    fn a_file_that_changed_while_another_was_added_is_not_missed() {
        let folder = tempfile::tempdir().expect("a folder");
        let [first, second] = ["a", "b"].map(|name| folder.path().join(name));
        let mut watch = Watch::new([first.clone()]);
        fs::write(&first, "changed").expect("written");

        watch.follow([first, second]);

        assert!(watch.has_changed());
    }
}
