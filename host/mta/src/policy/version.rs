//! Versions of the operator's plugins: what each is made of, and those before it.
//!
//! A plugin that a reload leaves as it is stays the very same, with its instances and its health. One that changes keeps those
//! before it for a while, running, so that going back takes no longer than going on.

use std::{collections::BTreeMap, sync::Arc};

use tollgate_message::Timestamp;
use tollgate_policy::{Health, Plugin};
use tollgate_wasm::{ConfigFile, Configuration};

/// How many versions are kept besides the one in force.
const KEPT: usize = 3;

/// What a plugin is made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Material {
    pub(crate) component: Arc<[u8]>,
    pub(crate) files: Arc<[ConfigFile]>,
    /// Digests of the two, hexadecimal.
    pub(crate) digest: String,
    pub(crate) files_digest: String,
}

impl Material {
    pub(crate) fn new(component: Arc<[u8]>, files: Vec<ConfigFile>) -> Self {
        let (digest, files_digest) = (digest(&component), digest_of(&files));
        Self { component, files: files.into(), digest, files_digest }
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        (&self.digest, &self.files_digest) == (&other.digest, &other.files_digest)
    }
}

/// Returns the digest of a component's octets.
pub(crate) fn digest(octets: &[u8]) -> String {
    blake3::hash(octets).to_hex().to_string()
}

/// Returns the digest of configuration files: of their names, which findings use, and their contents.
pub(crate) fn digest_of(files: &[ConfigFile]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in files.iter().flat_map(|file| [file.name.as_bytes(), &file.content]) {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    hasher.finalize().to_hex().to_string()
}

/// A plugin as it runs, or ran.
#[derive(Clone)]
pub(crate) struct Version {
    /// Counts up from 1 for each plugin.
    pub(crate) number: u64,
    pub(crate) material: Material,
    /// What files say, where something else stands in for it.
    pub(crate) of_files: Material,
    /// Everything else that it was started with; another text is another version.
    pub(crate) setup: String,
    pub(crate) plugin: Arc<dyn Plugin>,
    pub(crate) health: Arc<Health>,
    /// What it said of its configuration.
    pub(crate) configuration: Configuration,
    /// When it came into force.
    pub(crate) since: Timestamp,
}

impl Version {
    /// Returns whether something else stands in for what files say.
    pub(crate) fn is_pinned(&self) -> bool {
        !self.material.is(&self.of_files)
    }
}

/// A plugin with the versions before the one in force, the latest first.
#[derive(Clone)]
pub(crate) struct Installed {
    pub(crate) current: Version,
    pub(crate) previous: Vec<Version>,
}

/// All plugins of the operator's, by name.
pub(crate) type Plugins = BTreeMap<String, Installed>;

impl Installed {
    /// Returns the version made of these, in force or kept.
    pub(super) fn find(&self, material: &Material, setup: &str) -> Option<&Version> {
        let mut versions = [&self.current].into_iter().chain(&self.previous);
        versions.find(|version| version.material.is(material) && version.setup == setup)
    }

    /// Returns the number of the next version that never was.
    pub(super) fn next_number(&self) -> u64 {
        let numbers = [&self.current].into_iter().chain(&self.previous).map(|version| version.number);
        numbers.max().unwrap_or(0) + 1
    }

    /// Returns the plugin with this version in force.
    pub(super) fn with(before: Option<&Self>, version: Version) -> Self {
        let Some(before) = before else { return Self { current: version, previous: Vec::new() } };
        if before.current.number == version.number {
            return Self { current: version, previous: before.previous.clone() };
        }
        let older = before.previous.iter().filter(|older| older.number != version.number).cloned();
        let previous = [before.current.clone()].into_iter().chain(older).take(KEPT).collect();
        Self { current: version, previous }
    }
}

#[cfg(test)]
mod tests {
    use tollgate_policy::scripted::Scripted;

    use super::*;

    fn version(number: u64) -> Version {
        let material = Material::new(number.to_le_bytes().to_vec().into(), Vec::new());
        Version {
            number,
            of_files: material.clone(),
            material,
            setup: String::new(),
            plugin: Arc::new(Scripted::new("p")),
            health: Arc::default(),
            configuration: Configuration::default(),
            since: Timestamp::default(),
        }
    }

    #[test]
    fn the_last_versions_are_kept_and_one_that_comes_back_is_the_same() {
        let mut installed = Installed::with(None, version(1));
        for number in 2..=5 {
            installed = Installed::with(Some(&installed), version(number));
        }
        let back = installed.find(&version(3).material, "").expect("it is kept").clone();

        installed = Installed::with(Some(&installed), back);

        let kept: Vec<u64> = installed.previous.iter().map(|version| version.number).collect();
        assert_eq!((installed.current.number, kept, installed.next_number()), (3, vec![5, 4, 2], 6));
    }

    #[test]
    fn files_are_told_apart_by_name_and_content_and_by_where_one_ends() {
        let file = |name: &str, content: &str| ConfigFile { name: name.to_owned(), content: content.into() };

        let digests = [
            digest_of(&[file("a", "bc")]),
            digest_of(&[file("ab", "c")]),
            digest_of(&[file("a", "b"), file("c", "")]),
            digest_of(&[]),
        ];

        let mut unique = digests.to_vec();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), 4);
    }
}
