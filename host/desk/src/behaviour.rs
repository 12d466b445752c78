//! An author's own cases, one file each, in a folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use serde_json::{Value, json};
use tollgate_config::Finding;
use tollgate_message::Timestamp;
use tollgate_policy::Plugin;
use tollgate_wasm::{ConfigFile, Setup, StartError, WasmPlugin};

use crate::{
    ask::ask,
    case::{Case, Question},
    contract::Subject,
    report::{Entry, Suite, Verdict},
};

/// A case as it lies in its folder: its name, and what is wrong with it if it is none.
pub type Found = (String, Result<Case, String>);

/// Reads the cases of a folder, by name.
///
/// # Errors
/// Where the folder or one of its files cannot be read.
pub fn read(folder: &Path, now: Timestamp) -> io::Result<Vec<Found>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|end| end == "toml" || end == "json"));
    paths.sort();
    let case = |path: PathBuf| {
        let text = fs::read_to_string(&path)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok((name, Case::parse(&path, &text, now)))
    };
    paths.into_iter().map(case).collect()
}

/// Holds a component to cases. `told` hears of each when it has been run.
pub fn run(subject: &Subject, cases: &[Found], mut told: impl FnMut(&Entry)) -> Suite {
    let entry = |(name, case): &Found| {
        let started = Instant::now();
        let (demand, problems) = match case {
            Ok(case) => (case.description.clone(), case.differences(&answer(subject, case))),
            Err(reason) => ("It is a case.".to_owned(), vec![reason.clone()]),
        };
        let verdict = if problems.is_empty() { Verdict::Holds } else { Verdict::Broken(problems) };
        let entry = Entry { name: name.clone(), demand, verdict, took: started.elapsed() };
        told(&entry);
        entry
    };
    Suite { name: "behaviour", entries: cases.iter().map(entry).collect() }
}

/// Returns what the component answers to a case: its answer, its `diagnostics`, or its `failure`.
fn answer(subject: &Subject, case: &Case) -> Value {
    let files = match case.config.as_deref().map(config).transpose() {
        Ok(files) => files.unwrap_or_else(|| subject.setup.files.clone()),
        Err(error) => return json!({ "failure": error.to_string() }),
    };
    let setup = Setup { files, ..subject.setup.clone() };
    let lines = |findings: &[Finding]| findings.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (plugin, said) = match WasmPlugin::start(Arc::clone(&subject.component), setup) {
        Ok((plugin, configuration)) => (plugin, lines(&configuration.findings)),
        Err(StartError::Configuration(refused)) => return json!({ "diagnostics": lines(&refused.findings) }),
        Err(StartError::Failed(failure)) => return json!({ "failure": failure.kind.word(), "detail": failure.detail }),
    };
    match &case.question {
        Question::Configure => json!({ "diagnostics": said }),
        Question::Event(event) if !plugin.events().contains(event.kind()) => {
            json!({ "failure": format!("it does not handle {}", event.kind().name()) })
        }
        Question::Event(event) => ask(&plugin, event)
            .answer
            .unwrap_or_else(|failure| json!({ "failure": format!("{}: {}", failure.kind.word(), failure.detail) })),
    }
}

/// Reads files that a case names; the plugin knows each by its last name.
fn config(paths: &[PathBuf]) -> io::Result<Vec<ConfigFile>> {
    let read = |path: &PathBuf| {
        let content =
            fs::read(path).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
        Ok(ConfigFile { name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(), content })
    };
    paths.iter().map(read).collect()
}
