//! `tollgate serve`.

use std::{
    io::{Write as _, stderr},
    path::PathBuf,
    process::ExitCode,
};

use super::{BAD, finding};
use crate::{
    config,
    policy::{Loaded, Loader},
    serve::Server,
};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The configuration file.
    #[arg(long, short)]
    config: PathBuf,
}

/// Runs until a signal, and returns 0 if everything is drained, 2 if it could not start.
pub(crate) fn run(args: &Args) -> ExitCode {
    super::log::start();
    let loaded = config::read(&args.config).and_then(|(config, findings)| Ok((load(&config)?, config, findings)));
    let (policy, config, mut findings) = match loaded {
        Ok(loaded) => loaded,
        Err(refused) => return refuse(args, &refused),
    };
    findings.extend(policy.findings.iter().cloned());
    finding::print(&findings, &args.config, &mut stderr());
    let runtime = tokio::runtime::Runtime::new().expect("a machine that has threads");
    runtime.block_on(serve(config, policy))
}

fn load(config: &config::Config) -> Result<Loaded, config::Refused> {
    let pools: Vec<String> = config.pools().keys().cloned().collect();
    let cache = config.spool.path.join("compiled");
    let mut loader =
        Loader::new(Some(&cache)).map_err(|reason| config::Refused::general(format!("no engine: {reason}")))?;
    loader.load(&config.plugins, &pools).map_err(config::Refused::Findings)
}

fn refuse(args: &Args, refused: &config::Refused) -> ExitCode {
    match refused {
        config::Refused::Findings(findings) => finding::print(findings, &args.config, &mut stderr()),
        unreadable => drop(writeln!(stderr(), "tollgate: {unreadable}")),
    }
    ExitCode::from(BAD)
}

async fn serve(config: config::Config, policy: Loaded) -> ExitCode {
    let server = match Server::start(config, policy).await {
        Ok(server) => server,
        Err(reason) => {
            drop(writeln!(stderr(), "tollgate: {reason}"));
            return ExitCode::from(BAD);
        }
    };
    for line in server.listening() {
        drop(writeln!(stderr(), "tollgate: listening for {line}"));
    }
    tokio::spawn(say_that_nothing_is_reread());
    server.run(super::stop()).await;
    drop(writeln!(stderr(), "tollgate: drained"));
    ExitCode::SUCCESS
}

/// SIGHUP would end the program if no one waited for it, and an operator who sends it means anything but that.
async fn say_that_nothing_is_reread() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hang_up = signal(SignalKind::hangup()).expect("signals can be waited for");
    while hang_up.recv().await.is_some() {
        tracing::warn!("this version reads its configuration at the start only; restart it to apply changes");
    }
}
