//! `tollgate serve`.

use std::{
    io::{Write as _, stderr},
    path::PathBuf,
    process::ExitCode,
};

use tokio::sync::mpsc;

use super::{
    BAD, explain, finding,
    reload::{self, Reloader},
    terminal::Colour,
};
use crate::{
    config::{self, Remains},
    policy::{Loaded, Loader, examined},
    serve::{Prepared, StartError, Watch},
};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The configuration file.
    #[arg(long, short)]
    config: PathBuf,
}

/// Why the program did not start.
enum Stop {
    /// What is configured cannot be used.
    Refused(config::Refused),
    /// The machine does not give what is configured.
    Machine(StartError),
}

impl From<config::Refused> for Stop {
    fn from(refused: config::Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<StartError> for Stop {
    fn from(error: StartError) -> Self {
        Self::Machine(error)
    }
}

/// How many changes of plugins may wait for each other.
const ORDERS: usize = 16;

/// Runs until a signal, and returns 0 if everything is drained, 2 if it could not start.
pub(crate) fn run(args: &Args) -> ExitCode {
    super::log::start();
    let runtime = tokio::runtime::Runtime::new().expect("a machine that has threads");
    match runtime.block_on(serve(args)) {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Stop::Refused(config::Refused::Findings(findings, _))) => {
            finding::print(&findings, &args.config, Colour::Auto.ink(&stderr()), &mut stderr());
        }
        Err(Stop::Refused(unreadable)) => drop(writeln!(stderr(), "tollgate: {unreadable}")),
        Err(Stop::Machine(reason)) => drop(writeln!(stderr(), "tollgate: {reason}")),
    }
    ExitCode::from(BAD)
}

async fn serve(args: &Args) -> Result<(), Stop> {
    // The spool's folder, in which compiled code is kept, is not known for sure in a file that is refused.
    let read = config::read(&args.config);
    let (config, mut findings) = read.map_err(|refused| examined(refused, explain::user_cache().as_deref()))?;
    let watch = Watch::new(reload::files(&args.config, config.all_plugins()));
    // The spool is locked before plugins are loaded: their compiled code is kept in its folder.
    let prepared = Prepared::take(config)?;
    let (policy, mut loader) = load(prepared.config()).map_err(|refused| refused.after(&findings))?;
    findings.extend(policy.said());
    finding::print(&findings, &args.config, Colour::Auto.ink(&stderr()), &mut stderr());
    let (orders_in, orders) = mpsc::channel(ORDERS);
    let plugins = policy.plugins.clone();
    let server = prepared.start(policy, orders_in).await?;
    if let Err(reason) = loader.accept(&plugins) {
        tracing::error!(%reason, "what stands in for files of plugins cannot be kept up");
    }
    for line in server.listening() {
        drop(writeln!(stderr(), "tollgate: listening for {line}"));
    }
    let reloader =
        Reloader { path: args.config.clone(), loader, server: server.handle(), watch, orders, changed: false };
    let reloading = tokio::spawn(reload::keep_reloading(reloader));
    server.run(super::stop()).await;
    reloading.abort();
    drop(writeln!(stderr(), "tollgate: drained"));
    Ok(())
}

fn load(config: &config::Config) -> Result<(Loaded, Loader), config::Refused> {
    let cache = config.spool.path.join("compiled");
    let mut loader = Loader::serving(&cache, config.spool.values())
        .map_err(|reason| config::Refused::general(format!("no engine: {reason}")))?;
    let refused = |findings| config::Refused::Findings(findings, Remains::default());
    let loaded = loader.load(config).map_err(refused)?;
    Ok((loaded, loader))
}
