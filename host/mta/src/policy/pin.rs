//! What stands in for the files of a plugin: a component that was swapped in, or an earlier version that was gone back to.
//!
//! It holds as long as the file for which it stands in is as it was then, over restarts too. Whoever changes the file has the
//! last word, and what stood in for it is forgotten. In the spool's folder, one folder for each plugin: octets under their
//! digests, and beside them which stand in for which.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use tollgate_wasm::ConfigFile;

use super::version::{Material, digest};
use crate::kept;

/// What stands in for what, by digests.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
struct Pin {
    component: Option<PinnedComponent>,
    files: Option<PinnedFiles>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct PinnedComponent {
    instead_of: String,
    digest: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct PinnedFiles {
    instead_of: String,
    /// Name and digest of each.
    files: Vec<(String, String)>,
}

/// The pins of all plugins.
#[derive(Clone, Debug)]
pub(crate) struct Pins(PathBuf);

impl Pins {
    /// Returns those in a folder, which need not be there.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// Returns what a plugin is made of: what files say, or what stands in for it.
    ///
    /// # Errors
    /// What the system said of octets that are to stand in; or that they are not what they were.
    pub(super) fn apply(&self, plugin: &str, of_files: &Material) -> io::Result<Material> {
        let folder = self.folder(plugin);
        let Some(pin) = read(&folder)? else { return Ok(of_files.clone()) };
        let component = pin.component.filter(|pinned| pinned.instead_of == of_files.digest);
        let component = match component {
            Some(pinned) => blob(&folder, &pinned.digest)?.into(),
            None => of_files.component.clone(),
        };
        let files = match pin.files.filter(|pinned| pinned.instead_of == of_files.files_digest) {
            Some(pinned) => pinned
                .files
                .into_iter()
                .map(|(name, digest)| Ok(ConfigFile { name, content: blob(&folder, &digest)? }))
                .collect::<io::Result<_>>()?,
            None => of_files.files.to_vec(),
        };
        Ok(Material::new(component, files))
    }

    /// Has something stand in for what files say; nothing where it is the same.
    ///
    /// # Errors
    /// What the system said; what stood in before still does.
    pub(super) fn set(&self, plugin: &str, of_files: &Material, wanted: &Material) -> io::Result<()> {
        let folder = self.folder(plugin);
        let before = read(&folder)?;
        let component = (wanted.digest != of_files.digest)
            .then(|| PinnedComponent { instead_of: of_files.digest.clone(), digest: wanted.digest.clone() });
        let named = || wanted.files.iter().map(|file| (file.name.clone(), digest(&file.content))).collect();
        let files = (wanted.files_digest != of_files.files_digest)
            .then(|| PinnedFiles { instead_of: of_files.files_digest.clone(), files: named() });
        let pin = Pin { component, files };
        if pin == before.unwrap_or_default() {
            return Ok(());
        }
        if pin.component.is_some() {
            kept::put(&folder.join(&wanted.digest), &wanted.component)?;
        }
        if pin.files.is_some() {
            wanted.files.iter().try_for_each(|file| kept::put(&folder.join(digest(&file.content)), &file.content))?;
        }
        let text = serde_json::to_vec(&pin).expect("digests and names are text");
        kept::put(&folder.join(FILE), &text)?;
        // What is left of before is only in the way; the next time will do.
        drop(sweep(&folder, &pin));
        Ok(())
    }

    fn folder(&self, plugin: &str) -> PathBuf {
        // A plugin's name may be anything; its digest is a file's name on every system.
        self.0.join(&digest(plugin.as_bytes())[..32])
    }
}

const FILE: &str = "pin.json";

fn read(folder: &Path) -> io::Result<Option<Pin>> {
    match fs::read(folder.join(FILE)) {
        Ok(text) => serde_json::from_slice(&text).map(Some).map_err(io::Error::other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn blob(folder: &Path, named: &str) -> io::Result<Vec<u8>> {
    let octets = fs::read(folder.join(named))?;
    if digest(&octets) == named {
        return Ok(octets);
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "octets that stand in for a plugin's file are not what they were"))
}

/// Removes the octets that nothing names.
fn sweep(folder: &Path, pin: &Pin) -> io::Result<()> {
    let component = pin.component.iter().map(|pinned| &pinned.digest);
    let files = pin.files.iter().flat_map(|pinned| pinned.files.iter().map(|(_, digest)| digest));
    let named: Vec<&String> = component.chain(files).collect();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if name != FILE && !named.contains(&&name) {
            kept::remove(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn material(component: &str, file: &str) -> Material {
        let file = ConfigFile { name: "p.toml".to_owned(), content: file.into() };
        Material::new(component.as_bytes().to_vec().into(), vec![file])
    }

    #[test]
    fn what_stands_in_for_a_file_does_so_until_the_file_changes() {
        let folder = tempfile::tempdir().expect("a folder");
        let pins = Pins::new(folder.path().join("pins"));
        let (of_files, swapped) = (material("one", "a"), material("two", "a"));

        pins.set("p", &of_files, &swapped).expect("a disk");

        let seen = [
            pins.apply("p", &of_files).expect("a disk"),
            pins.apply("p", &material("one", "b")).expect("a disk"),
            pins.apply("p", &material("three", "a")).expect("a disk"),
            pins.apply("other", &of_files).expect("a disk"),
        ];
        assert_eq!(seen, [swapped, material("two", "b"), material("three", "a"), of_files]);
    }

    #[test]
    fn files_may_be_stood_in_for_and_going_back_to_them_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        let pins = Pins::new(folder.path().to_owned());
        let (of_files, earlier) = (material("one", "new"), material("one", "old"));

        pins.set("p", &of_files, &earlier).expect("a disk");
        let stood_in = pins.apply("p", &of_files).expect("a disk");
        pins.set("p", &of_files, &of_files).expect("a disk");

        let left = fs::read_dir(pins.folder("p")).expect("a folder").count();
        assert_eq!((stood_in, pins.apply("p", &of_files).expect("a disk"), left), (earlier, of_files, 1));
    }

    #[test]
    fn octets_that_were_changed_stand_in_for_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let pins = Pins::new(folder.path().to_owned());
        let (of_files, swapped) = (material("one", "a"), material("two", "a"));
        pins.set("p", &of_files, &swapped).expect("a disk");

        fs::write(pins.folder("p").join(&swapped.digest), "evil").expect("a disk");

        let applied = pins.apply("p", &of_files).map_err(|error| error.kind());
        assert_eq!(applied, Err(io::ErrorKind::InvalidData));
    }
}
