//! Core dumps of guests that trapped, for whoever wrote the plugin to look into.
//!
//! A dump holds the guest's memory, and so mail that it looked at: the folder is the operator's choice, the files are their
//! owner's alone, and of each plugin there are a few. The format is that of the Wasm tools (coredump, tool-conventions).

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

/// Most dumps of a plugin, from its start on. A plugin that traps goes on trapping.
const DUMPS: u32 = 5;

/// Where a plugin's core dumps go, if anywhere.
#[derive(Debug, Default)]
pub(crate) struct Dumps {
    folder: Option<PathBuf>,
    written: AtomicU32,
}

impl Dumps {
    pub(crate) fn into(folder: Option<PathBuf>) -> Self {
        Self { folder, written: AtomicU32::new(0) }
    }

    /// Keeps a dump, unless there are enough.
    pub(crate) fn keep(&self, plugin: &str, dump: impl FnOnce() -> Vec<u8>) {
        let Some(folder) = &self.folder else { return };
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        if number >= DUMPS {
            return;
        }
        let path = folder.join(format!("{}.{}-{number}.coredump", file_name(plugin), std::process::id()));
        match write(&path, &dump()) {
            Ok(()) => tracing::warn!(plugin, path = %path.display(), "a core dump was written"),
            Err(reason) => tracing::warn!(plugin, path = %path.display(), %reason, "no core dump could be written"),
        }
    }
}

fn write(path: &Path, dump: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?.write_all(dump)
}

/// Returns a plugin's name as the name of a file: it may hold anything.
fn file_name(plugin: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '_' };
    plugin.chars().map(safe).take(64).collect()
}
