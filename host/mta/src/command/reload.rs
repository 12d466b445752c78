//! Reading the configuration again: on SIGHUP, when one of its files has changed, and when an operator wants another version of
//! a plugin.
//!
//! What is read is checked whole, as at a start, before any of it counts. If there is an error, all of it stays as it
//! was, and the errors are printed as at a start.

use std::{
    io::{self, Write as _, stderr},
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
    /// Whether a file has changed that was not read since.
    pub(super) changed: bool,
}

/// Why the configuration is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reason {
    Files,
    Order,
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
            None => reloader.reload(Reason::Files).await.0,
        };
    }
}

impl Reloader {
    /// Waits for SIGHUP, until a file has changed and stays as it is, or for an order, which is returned.
    async fn wait(&mut self, hang_up: &mut Signal) -> Option<Order> {
        loop {
            tokio::select! {
                _ = hang_up.recv() => return None,
                Some(order) = self.orders.recv() => return Some(order),
                () = tokio::time::sleep(LOOK) => {}
            }
            let changed_again = self.watch.has_changed();
            if self.changed && !changed_again {
                return None;
            }
            self.changed |= changed_again;
        }
    }

    /// Reads the configuration with another version of a plugin in it; where that is refused, everything stays as it was.
    async fn carry_out(mut self, Order { plugin, change, answer }: Order) -> Self {
        if let Err(reason) = self.loader.propose(&plugin, change) {
            drop(answer.send(Err(NotDone::Impossible(reason))));
            return self;
        }
        let (mut reloader, outcome) = self.reload(Reason::Order).await;
        reloader.loader.withdraw();
        let outcome = match outcome {
            Ok(kept) => kept.map_err(NotDone::NotKept),
            Err(Refused::Findings(findings, _)) => Err(NotDone::Refused(findings)),
            Err(unreadable) => Err(NotDone::Unreadable(unreadable.to_string())),
        };
        // Whoever asked may have gone meanwhile.
        drop(answer.send(outcome));
        reloader
    }

    /// Reads everything again; returns why that is not in force, if it is not, and whether what stands in for files is kept.
    async fn reload(mut self, reason: Reason) -> (Self, Result<io::Result<()>, Refused>) {
        let read = tokio::task::spawn_blocking(move || {
            // Looked at before it is read: what is written meanwhile is read again.
            self.changed |= self.watch.has_changed();
            let tenants_at = self.server.tenants_at();
            let read = self.read();
            (self, read, tenants_at)
        });
        let (mut reloader, read, tenants_at) = read.await.expect("reading a configuration does not panic");
        let outcome = match read {
            Ok((config, policy)) => {
                reloader.watch.follow(files(&reloader.path, config.all_plugins()));
                let plugins = policy.plugins.clone();
                let applied = reloader.server.apply(&config, policy, tenants_at).await;
                let applied = applied.map_err(|reason| Refused::general(reason.to_string()));
                applied.map(|generation| (generation, reloader.loader.accept(&plugins)))
            }
            Err(refused) => Err(refused),
        };
        // Files that were refused together with an order may be right without it.
        reloader.changed &= outcome.is_err() && reason == Reason::Order;
        match &outcome {
            Ok((generation, _)) => tracing::info!(generation, "the configuration was read again and is in force"),
            Err(refused) => reloader.say(refused, reason),
        }
        (reloader, outcome.map(|(_, kept)| kept))
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

    fn say(&self, refused: &Refused, reason: Reason) {
        match refused {
            Refused::Findings(findings, _) => {
                finding::print(findings, &self.path, Colour::Auto.ink(&stderr()), &mut stderr());
            }
            unreadable @ Refused::Unreadable { .. } => drop(writeln!(stderr(), "tollgate: {unreadable}")),
        }
        match reason {
            Reason::Files => {
                let generation = self.server.refuse();
                tracing::error!(
                    generation,
                    "the configuration was read again and is refused; everything stays as it was"
                );
            }
            // The files are right; whoever wanted the change is told.
            Reason::Order => tracing::warn!("a change of a plugin is refused; everything stays as it was"),
        }
    }
}
