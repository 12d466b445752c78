//! Reading the configuration again: on SIGHUP, when one of its files has changed, and when an operator wants another version of
//! a plugin.
//!
//! What is read is checked whole, as at a start, before any of it counts. If there is an error, all of it stays as it
//! was, and the errors are printed as at a start.

use std::{
    io::{Write as _, stderr},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
};

use super::{finding, terminal::Colour};
use crate::{
    config::{self, ComponentSource, Config, PluginConfig, Refused, Remains},
    policy::{Loaded, Loader},
    serve::{Handle, NotDone, Order, Watch},
};

/// How long files have to look the same before they are read: an editor may write in pieces.
const LOOK: Duration = Duration::from_secs(1);

/// What it takes to read a configuration again.
pub(super) struct Reloader {
    pub(super) path: PathBuf,
    pub(super) loader: Loader,
    pub(super) server: Handle,
    pub(super) watch: Watch,
    /// What operators want by HTTP.
    pub(super) orders: mpsc::Receiver<Order>,
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
        reloader = match reloader.wait(&mut hang_up).await {
            Some(order) => reloader.carry_out(order).await,
            None => reloader.reload().await.0,
        };
    }
}

impl Reloader {
    /// Waits for SIGHUP, until a file has changed and stays as it is, or for an order, which is returned.
    async fn wait(&mut self, hang_up: &mut Signal) -> Option<Order> {
        let mut changed = false;
        loop {
            tokio::select! {
                _ = hang_up.recv() => return None,
                Some(order) = self.orders.recv() => return Some(order),
                () = tokio::time::sleep(LOOK) => {}
            }
            let changed_again = self.watch.has_changed();
            if changed && !changed_again {
                return None;
            }
            changed |= changed_again;
        }
    }

    /// Reads the configuration with another version of a plugin in it; where that is refused, everything stays as it was.
    async fn carry_out(mut self, Order { plugin, change, answer }: Order) -> Self {
        if let Err(reason) = self.loader.propose(&plugin, change) {
            drop(answer.send(Err(NotDone::Impossible(reason))));
            return self;
        }
        let (mut reloader, outcome) = self.reload().await;
        let outcome = match outcome {
            Ok(()) => reloader.loader.keep_proposed().map_err(NotDone::NotKept),
            Err(Refused::Findings(findings, _)) => Err(NotDone::Refused(findings)),
            Err(unreadable) => Err(NotDone::Unreadable(unreadable.to_string())),
        };
        reloader.loader.withdraw();
        // Whoever asked may have gone meanwhile.
        drop(answer.send(outcome));
        reloader
    }

    /// Reads everything again; returns why that is not in force, if it is not.
    async fn reload(mut self) -> (Self, Result<(), Refused>) {
        let read = tokio::task::spawn_blocking(move || {
            // Looked at before it is read: what is written meanwhile is read again.
            self.watch.has_changed();
            let tenants_at = self.server.tenants_at();
            let read = self.read();
            (self, read, tenants_at)
        });
        let (mut reloader, read, tenants_at) = read.await.expect("reading a configuration does not panic");
        let outcome = match read {
            Ok((config, policy)) => {
                reloader.watch.follow(files(&reloader.path, config.all_plugins()));
                let applied = reloader.server.apply(&config, policy, tenants_at).await;
                applied.map_err(|reason| Refused::general(reason.to_string()))
            }
            Err(refused) => Err(refused),
        };
        match &outcome {
            Ok(generation) => tracing::info!(generation, "the configuration was read again and is in force"),
            Err(refused) => reloader.say(refused),
        }
        (reloader, outcome.map(drop))
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
