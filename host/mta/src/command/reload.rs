//! Reading the configuration again: on SIGHUP, and when one of its files has changed.
//!
//! What is read is checked whole, as at a start, before any of it counts. If there is an error, all of it stays as it
//! was, and the errors are printed as at a start.

use std::{
    io::{Write as _, stderr},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{finding, terminal::Colour};
use crate::{
    config::{self, ComponentSource, Config, PluginConfig, Refused, Remains},
    policy::{Loaded, Loader},
    serve::{Handle, Watch},
};

/// How long files have to look the same before they are read: an editor may write in pieces.
const LOOK: Duration = Duration::from_secs(1);

/// What it takes to read a configuration again.
pub(super) struct Reloader {
    pub(super) path: PathBuf,
    pub(super) loader: Loader,
    pub(super) server: Handle,
    pub(super) watch: Watch,
}

/// Returns the files that make up a configuration with these plugins.
pub(super) fn files<'a>(path: &Path, plugins: impl IntoIterator<Item = &'a PluginConfig>) -> Vec<PathBuf> {
    let mut files = vec![path.to_owned()];
    for plugin in plugins {
        files.extend(plugin.config.iter().map(|file| file.path.clone()));
        if let ComponentSource::File(path) = &plugin.component {
            files.push(path.clone());
        }
    }
    files
}

/// Reloads whenever there is a reason to, for ever.
pub(super) async fn keep_reloading(mut reloader: Reloader) {
    let mut hang_up = signal(SignalKind::hangup()).expect("signals can be waited for");
    loop {
        reloader.wait(&mut hang_up).await;
        reloader = reloader.reload().await;
    }
}

impl Reloader {
    /// Waits for SIGHUP, or until a file has changed and stays as it is.
    async fn wait(&mut self, hang_up: &mut Signal) {
        let mut changed = false;
        loop {
            tokio::select! {
                _ = hang_up.recv() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            let changed_again = self.watch.has_changed();
            if changed && !changed_again {
                return;
            }
            changed |= changed_again;
        }
    }

    async fn reload(mut self) -> Self {
        let read = tokio::task::spawn_blocking(move || {
            // Looked at before it is read: what is written meanwhile is read again.
            self.watch.has_changed();
            let tenants_at = self.server.tenants_at();
            let read = self.read();
            (self, read, tenants_at)
        });
        let (mut reloader, read, tenants_at) = read.await.expect("reading a configuration does not panic");
        match read {
            Ok((config, policy)) => {
                reloader.watch.follow(files(&reloader.path, config.all_plugins()));
                match reloader.server.apply(&config, policy, tenants_at).await {
                    Ok(generation) => tracing::info!(generation, "the configuration was read again and is in force"),
                    Err(reason) => reloader.say(&Refused::general(reason.to_string())),
                }
            }
            Err(refused) => reloader.say(&refused),
        }
        reloader
    }

    fn read(&mut self) -> Result<(Config, Loaded), Refused> {
        let read = config::read(&self.path);
        // Also where all of it is refused in the end: then these are the files in which it is mended.
        match &read {
            Ok((config, _)) => self.watch.add(files(&self.path, config.all_plugins())),
            Err(refused) => self.watch.add(files(&self.path, refused.plugins().iter())),
        }
        let (config, mut findings) = read.map_err(|refused| self.loader.examined(refused))?;
        let policy = self.loader.load(&config);
        let policy = policy.map_err(|errors| Refused::Findings(errors, Remains::default()).after(&findings))?;
        findings.extend(policy.said());
        finding::print(&findings, &self.path, Colour::Auto.ink(&stderr()), &mut stderr());
        Ok((config, policy))
    }

    fn say(&self, refused: &Refused) {
        match refused {
            Refused::Findings(findings, _) => {
                finding::print(findings, &self.path, Colour::Auto.ink(&stderr()), &mut stderr());
            }
            unreadable @ Refused::Unreadable { .. } => drop(writeln!(stderr(), "tollgate: {unreadable}")),
        }
        let generation = self.server.refuse();
        tracing::error!(generation, "the configuration was read again and is refused; everything stays as it was");
    }
}
