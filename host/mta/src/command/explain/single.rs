//! `explain` for one question from the command line.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
    sync::Arc,
};

use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;
use tollgate_config::Finding;
use tollgate_desk::event::Parts;
use tollgate_message::{QueueName, Timestamp};
use tollgate_policy::{Chain, Failure};
use tollgate_wasm::ConfigFile;

use super::{
    super::{BAD, finding, log, terminal::plain},
    Args, answer, ask,
    background::Background,
    human, sender,
    stock::Stock,
    user_cache,
};
use crate::{
    config::{self, Config, Refused, files::Files, text},
    policy::{Loaded, Loader, examined},
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
    tenants: ask::Tenants,
    findings: Vec<Finding>,
    files: Files,
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
    // Why a plugin gave no answer is in its log.
    log::start_at("warn");
    let trouble = match explain(args) {
        Ok(Explained { json, findings, .. }) if args.json => {
            print(&answer::finish(json, &findings));
            return ExitCode::SUCCESS;
        }
        Ok(Explained { text, findings, .. }) => {
            tell(args, &findings);
            if !findings.is_empty() {
                drop(writeln!(io::stderr()));
            }
            drop(io::stdout().write_all(text.as_bytes()));
            return ExitCode::SUCCESS;
        }
        Err(trouble) => trouble,
    };
    match trouble {
        Trouble::Findings(findings) if args.json => print(&answer::finish(Map::new(), &findings)),
        Trouble::Other(reason) if args.json => print(&answer::finish(Map::new(), &[answer::error(reason)])),
        Trouble::Findings(findings) => tell(args, &findings),
        Trouble::Other(reason) => drop(writeln!(io::stderr(), "tollgate: {}", plain(&reason))),
    }
    ExitCode::from(BAD)
}

fn print(answer: &Map<String, Value>) {
    drop(writeln!(io::stdout(), "{:#}", json!(answer)));
}

fn tell(args: &Args, findings: &[Finding]) {
    let config = args.config.as_deref().unwrap_or(Path::new(""));
    finding::print(findings, config, args.color.ink(&io::stderr()), &mut io::stderr());
}

/// Returns a runtime for asking plugins: nothing runs but the question.
pub(super) fn runtime() -> Result<Runtime, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.map_err(|reason| format!("no runtime: {reason}"))
}

fn explain(args: &Args) -> Result<Explained, Trouble> {
    let runtime = runtime().map_err(Trouble::Other)?;
    let now = args.now.unwrap_or_else(|| Timestamp::from(jiff::Timestamp::now()));
    let question = question(args, now).map_err(Trouble::Other)?;
    let Setup { chain, tenants, findings, files, config } = match &args.config {
        Some(path) => configured(path)?,
        None => stock(args)?,
    };
    let background = Background { files, config, zone: zone(), now };
    let ink = args.color.ink(&io::stdout());
    let (json, text) = match question {
        Question::Queue(name) => {
            let queue = runtime.block_on(ask::queue(&chain, &tenants, name)).map_err(failed)?;
            (answer::queue(&queue), human::queue(&queue, &background, ink))
        }
        Question::Message(mut parts) => {
            let config = background.config.as_ref();
            let caller = sender::caller(args, config);
            parts.authz_id = caller.identity.as_ref().map(|identity| identity.name().to_owned());
            parts.may_relay = sender::may_relay(args, &caller, config);
            parts.hostname = config.map_or(parts.hostname, Config::hostname);
            let identities = config.map(|config| config.tenants.identities.clone()).unwrap_or_default();
            let draft = parts.into_draft().map_err(Trouble::Other)?;
            let judged = ask::message(&chain, &identities, &tenants, &caller, draft);
            let judged = runtime.block_on(judged).map_err(failed)?;
            (answer::message(&judged), human::message(&judged, &background, ink))
        }
    };
    Ok(Explained { json, text, findings })
}

/// What is asked.
enum Question {
    Queue(QueueName),
    Message(Parts),
}

/// Reads the question, before anything is loaded for it.
fn question(args: &Args, now: Timestamp) -> Result<Question, String> {
    if let Some(name) = &args.queue {
        let queue = QueueName::parse(name);
        if queue.domain.trim().is_empty() {
            return Err(format!(
                "--queue: '{name}' has no domain; a queue is named CAMPAIGN:TENANT@DOMAIN, or just DOMAIN"
            ));
        }
        return Ok(Question::Queue(queue));
    }
    let domainless =
        |to: &&String| to.rsplit_once('@').is_none_or(|(local, domain)| local.is_empty() || domain.is_empty());
    if let Some(to) = args.to.iter().find(domainless) {
        return Err(format!("--to: '{to}' is no address; write one such as ann@example.com"));
    }
    // Who sends is found out with the configuration.
    Ok(Question::Message(Parts {
        origin: args.origin.into(),
        sender: args.from.clone().unwrap_or_default(),
        headers: args.headers.clone(),
        meta: args.meta.iter().cloned().collect(),
        ..Parts::new(args.to.clone(), now)
    }))
}

/// Returns the zone of who asks, unless that is UTC, in which all times are told.
fn zone() -> Option<(TimeZone, String)> {
    let zone = TimeZone::try_system().ok()?;
    let name = zone.iana_name().map_or_else(|| "local time".to_owned(), str::to_owned);
    let is_utc =
        zone == TimeZone::UTC || matches!(name.as_str(), "UTC" | "Etc/UTC" | "Etc/UCT" | "Zulu" | "GMT" | "Etc/GMT");
    (!is_utc).then_some((zone, name))
}

fn configured(path: &Path) -> Result<Setup, Trouble> {
    let cache = user_cache();
    let read = config::read(path).map_err(|refused| examined(refused, cache.as_deref()));
    let (config, mut findings) = read.map_err(|refused| match refused {
        Refused::Findings(findings, _) => Trouble::Findings(findings),
        unreadable @ Refused::Unreadable { .. } => Trouble::Other(unreadable.to_string()),
    })?;
    let mut loader = Loader::new(cache.as_deref())
        .map_err(|reason| Trouble::Other(format!("plugins cannot be run here: {reason}")))?;
    match loader.load(&config) {
        Ok(Loaded { chain, findings: said, tenants, .. }) => {
            // What is to be said of a tenant's component is part of the answers about that tenant's mail.
            findings.extend(said);
            let tenants = tenants.iter().filter_map(|(name, tenant)| Some((Arc::clone(name), tenant.policy(name)?)));
            let (tenants, files) = (tenants.collect(), files(path, &config));
            Ok(Setup { chain, tenants, findings, files, config: Some(config) })
        }
        Err(more) => {
            findings.extend(more);
            Err(Trouble::Findings(findings))
        }
    }
}

/// Returns the files of a configuration; one that is gone by now costs what could be told of it.
fn files(path: &Path, config: &Config) -> Files {
    let mut files = Files::default();
    files.add(&path.display().to_string(), &fs::read(path).unwrap_or_default());
    for file in config.plugins.iter().flat_map(|plugin| &plugin.config) {
        files.add(&file.name, &fs::read(&file.path).unwrap_or_default());
    }
    files
}

fn stock(args: &Args) -> Result<Setup, Trouble> {
    let read = |path: &std::path::PathBuf| {
        let name = path.display().to_string();
        let unreadable = |error| Trouble::Other(format!("{name}: {}", text::unreadable(path, &error)));
        let content = fs::read(path).map_err(unreadable)?;
        text::utf8(&name, content).map(|text| (name, text)).map_err(|finding| Trouble::Findings(vec![finding]))
    };
    let texts: Vec<(String, String)> = args.queues.iter().map(read).collect::<Result<_, _>>()?;
    let mut files = Files::default();
    texts.iter().for_each(|(name, text)| files.add(name, text.as_bytes()));
    let given = texts.into_iter().map(|(name, text)| ConfigFile { name, content: text.into_bytes() });
    let configured = Stock::load().map_err(Trouble::Other)?.configure(given.collect());
    match configured.chain {
        Some(chain) => {
            let (tenants, findings) = (ask::Tenants::new(), configured.findings);
            Ok(Setup { chain, tenants, findings, files, config: None })
        }
        None => Err(Trouble::Findings(configured.findings)),
    }
}

fn failed(failures: Vec<Failure>) -> Trouble {
    Trouble::Findings(failures.into_iter().map(|failure| answer::error(failure.to_string())).collect())
}
