//! `explain` for one question from the command line.

use std::{
    fs,
    io::{self, IsTerminal as _, Write as _},
    path::Path,
    process::ExitCode,
};

use serde_json::{Map, Value};
use tokio::runtime::Runtime;
use tollgate_config::Finding;
use tollgate_message::{QueueName, Timestamp};
use tollgate_policy::{Chain, Failure};
use tollgate_wasm::ConfigFile;

use super::{
    super::{BAD, finding, terminal::Colour},
    Args, answer, ask, human,
    message::Parts,
    stock::Stock,
    user_cache,
};
use crate::{
    config::{self, Config, Refused},
    policy::{Loader, examined},
};

/// Why there is no explanation.
enum Trouble {
    /// The files do not load.
    Findings(Vec<Finding>),
    /// Anything else; one line.
    Other(String),
}

/// Plugins ready to be asked, and what is known besides.
struct Setup {
    chain: Chain,
    findings: Vec<Finding>,
    /// Absent where the stock plugin is asked alone.
    config: Option<Config>,
}

/// An answer in both forms.
struct Explained {
    json: Map<String, Value>,
    text: String,
    findings: Vec<Finding>,
}

/// Answers the question and returns 0, or 2 where it cannot be asked.
pub(super) fn run(args: &Args) -> ExitCode {
    let config = args.config.as_deref().unwrap_or(Path::new(""));
    let (answer, findings, code) = match explain(args) {
        Ok(explained) if args.json => (explained.json, explained.findings, ExitCode::SUCCESS),
        Ok(explained) => {
            finding::print(&explained.findings, config, Colour::Auto.ink(&io::stderr()), &mut io::stderr());
            drop(io::stdout().write_all(explained.text.as_bytes()));
            return ExitCode::SUCCESS;
        }
        Err(trouble) => {
            let findings = match trouble {
                Trouble::Findings(findings) => findings,
                Trouble::Other(reason) => vec![answer::error(reason)],
            };
            if !args.json {
                finding::print(&findings, config, Colour::Auto.ink(&io::stderr()), &mut io::stderr());
                return ExitCode::from(BAD);
            }
            (Map::new(), findings, ExitCode::from(BAD))
        }
    };
    drop(writeln!(io::stdout(), "{:#}", Value::Object(answer::finish(answer, &findings))));
    code
}

/// Returns a runtime for asking plugins: nothing runs but the question.
pub(super) fn runtime() -> Result<Runtime, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.map_err(|reason| format!("no runtime: {reason}"))
}

fn explain(args: &Args) -> Result<Explained, Trouble> {
    let runtime = runtime().map_err(Trouble::Other)?;
    let Setup { chain, findings, config } = match &args.config {
        Some(path) => configured(path)?,
        None => stock(args)?,
    };
    let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let pools = config.as_ref().map(|config| &config.egress);
    let (json, text) = if let Some(name) = &args.queue {
        let queue = runtime.block_on(ask::queue(&chain, QueueName::parse(name))).map_err(failed)?;
        (answer::queue(&queue), human::queue(&queue, pools, colour))
    } else {
        let draft = parts(args, config.as_ref()).into_draft().map_err(Trouble::Other)?;
        let judged = runtime.block_on(ask::message(&chain, draft)).map_err(failed)?;
        (answer::message(&judged), human::message(&judged, pools, colour))
    };
    Ok(Explained { json, text, findings })
}

fn configured(path: &Path) -> Result<Setup, Trouble> {
    let cache = user_cache();
    let read = config::read(path).map_err(|refused| examined(refused, cache.as_deref()));
    let (config, mut findings) = read.map_err(|refused| match refused {
        Refused::Findings(findings, _) => Trouble::Findings(findings),
        unreadable @ Refused::Unreadable { .. } => Trouble::Other(unreadable.to_string()),
    })?;
    let pools: Vec<String> = config.pools().keys().cloned().collect();
    let mut loader = Loader::new(cache.as_deref())
        .map_err(|reason| Trouble::Other(format!("plugins cannot be run here: {reason}")))?;
    match loader.load(&config.plugins, &pools) {
        Ok(loaded) => {
            findings.extend(loaded.findings);
            Ok(Setup { chain: loaded.chain, findings, config: Some(config) })
        }
        Err(more) => {
            findings.extend(more);
            Err(Trouble::Findings(findings))
        }
    }
}

fn stock(args: &Args) -> Result<Setup, Trouble> {
    let read = |path: &std::path::PathBuf| {
        let name = path.display().to_string();
        let content = fs::read(path).map_err(|reason| Trouble::Other(format!("{name}: {reason}")))?;
        Ok(ConfigFile { name, content })
    };
    let files = args.queues.iter().map(read).collect::<Result<_, _>>()?;
    let configured = Stock::load().map_err(Trouble::Other)?.configure(files);
    match configured.chain {
        Some(chain) => Ok(Setup { chain, findings: configured.findings, config: None }),
        None => Err(Trouble::Findings(configured.findings)),
    }
}

fn parts(args: &Args, config: Option<&Config>) -> Parts {
    Parts {
        origin: args.origin.into(),
        authz_id: args.authz_id.clone(),
        may_relay: !args.no_relay,
        hostname: config.map_or_else(|| "localhost".to_owned(), Config::hostname),
        sender: args.from.clone().unwrap_or_default(),
        recipients: args.to.clone(),
        headers: args.headers.clone(),
        meta: args.meta.iter().cloned().collect(),
        now: args.now.unwrap_or_else(|| Timestamp::from(jiff::Timestamp::now())),
    }
}

fn failed(failures: Vec<Failure>) -> Trouble {
    Trouble::Findings(failures.into_iter().map(|failure| answer::error(failure.to_string())).collect())
}
