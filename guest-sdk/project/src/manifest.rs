//! `plugin.toml`: what a project is.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use tollgate_config::{Finding, Findings, Position, Section, Severity, Table, Value};

use crate::{MANIFEST, ProjectError, metadata::Metadata};

/// The languages that there is a template for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Language {
    /// Rust, by cargo.
    Rust,
    /// JavaScript or TypeScript, by componentize-js.
    Js,
    /// Python, by componentize-py.
    Python,
    /// C, by clang.
    C,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Rust, Self::Js, Self::Python, Self::C];

    /// Returns the language's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Js => "js",
            Self::Python => "python",
            Self::C => "c",
        }
    }

    /// Returns the language of this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.word() == word)
    }

    fn source(self) -> &'static str {
        match self {
            Self::Rust => "src/lib.rs",
            Self::Js => "src/plugin.js",
            Self::Python => "src/plugin.py",
            Self::C => "src/plugin.c",
        }
    }
}

/// A project.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Project {
    /// Its folder.
    pub folder: PathBuf,
    /// Its language.
    pub language: Language,
    /// The events that it handles, by their names in `wit/`; of Rust, none where its source says it.
    pub events: Vec<String>,
    /// The files that it is given on its author's desk, relative to the folder.
    pub config: Vec<PathBuf>,
    /// What is written into the component.
    pub metadata: Metadata,
    component: PathBuf,
    source: PathBuf,
}

/// The events that there are, in the order of a message's life.
pub(crate) const EVENTS: [&str; 10] = [
    "configure",
    "smtp-session",
    "message-received",
    "message-brief",
    "queue-config",
    "queue-brief",
    "throttles",
    "egress",
    "requeue",
    "record",
];
/// What can be granted.
pub(crate) const GRANTS: [&str; 4] = ["counters", "kv", "dns", "http-client"];

const START: Position = Position { line: 1, column: 1 };

impl Project {
    /// Reads the project in a folder.
    ///
    /// # Errors
    /// [`ProjectError::NoProject`], or everything that is wrong with its `plugin.toml`.
    pub fn open(folder: &Path) -> Result<Self, ProjectError> {
        let path = folder.join(MANIFEST);
        if !path.is_file() {
            return Err(ProjectError::NoProject(folder.to_owned()));
        }
        let text = fs::read_to_string(&path).map_err(ProjectError::at(&path))?;
        Self::parse(folder, &path.display().to_string(), &text).map_err(ProjectError::Manifest)
    }

    fn parse(folder: &Path, name: &str, text: &str) -> Result<Self, Vec<Finding>> {
        let mut findings = Findings::new(name);
        let table = Table::parse_toml(text, &mut findings);
        let read = read(folder, Section::new(&table, START, ""), &mut findings);
        let findings = findings.into_sorted();
        let broken = findings.iter().any(|finding| finding.severity == Severity::Error);
        read.filter(|_| !broken).ok_or(findings)
    }

    /// Returns where its source begins.
    #[must_use]
    pub fn source(&self) -> PathBuf {
        self.folder.join(&self.source)
    }

    /// Returns where its component is, once it is built.
    #[must_use]
    pub fn component(&self) -> PathBuf {
        self.folder.join(&self.component)
    }

    /// Returns the folder of what is made on the way.
    #[must_use]
    pub fn build_folder(&self) -> PathBuf {
        self.folder.join("build")
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.metadata.name
    }
}

fn read(folder: &Path, mut top: Section<'_>, findings: &mut Findings) -> Option<Project> {
    let name = top.parsed("name", findings, |text| {
        if is_name(text) { Ok(text.to_owned()) } else { Err(ProjectError::Name(text.to_owned()).to_string()) }
    });
    let language = top.parsed("language", findings, |text| {
        Language::named(text).ok_or_else(|| format!("'{text}' is none of rust, js, python and c"))
    });
    for key in ["name", "language"] {
        if top.entry_is_missing(key) {
            top.missing(key, findings);
        }
    }
    let [version, description, license] = ["version", "description", "license"].map(|key| top.text(key, findings));
    let events = top.list("events", findings, |text| one_of(text, &EVENTS)).unwrap_or_default();
    let config = top.list("config", findings, |text| Ok(PathBuf::from(text))).unwrap_or_default();
    let component = top.text("component", findings).map(PathBuf::from);
    let source = top.text("source", findings).map(PathBuf::from);
    let limits = texts(&mut top, "limits", findings);
    let grants = texts(&mut top, "grants", findings);
    for key in grants.keys() {
        if let Err(reason) = one_of(key, &GRANTS) {
            findings.error(top.position("grants").unwrap_or(START), format!("grants: {reason}"));
        }
    }
    if events.is_empty()
        && language.is_some_and(|language| language != Language::Rust)
        && top.entry_is_missing("events")
    {
        top.missing("events", findings);
    }
    top.finish(findings);
    let (name, language) = (name?, language?);
    Some(Project {
        folder: folder.to_owned(),
        language,
        events,
        config,
        component: component.unwrap_or_else(|| PathBuf::from(format!("{name}.wasm"))),
        source: source.unwrap_or_else(|| PathBuf::from(language.source())),
        metadata: Metadata { name, version, description, license, limits, grants, ..Metadata::default() },
    })
}

/// Returns whether a plugin, and its folder, can have this name.
pub(crate) fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn one_of(text: &str, known: &[&'static str]) -> Result<String, String> {
    if known.contains(&text) {
        return Ok(text.to_owned());
    }
    let near = tollgate_config::likeliest(text, known.iter().copied());
    Err(near.map_or_else(
        || format!("'{text}' is none of {}", known.join(", ")),
        |near| format!("'{text}' is none; did you mean `{near}`?"),
    ))
}

/// Reads a table of texts under names.
fn texts(top: &mut Section<'_>, key: &'static str, findings: &mut Findings) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        other => Err(format!("expected text, got {}", other.kind())),
    };
    let read = top.map(key, findings, text).unwrap_or_default();
    read.into_iter().map(|(name, text)| (name.to_owned(), text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_what_its_file_says_and_defaults() {
        let text = "name = 'mine'\nlanguage = 'js'\nevents = ['message-received']\n[grants]\nkv = 'why'\n[limits]\ncpu = '5ms'\n";

        let project = Project::parse(Path::new("/p"), "plugin.toml", text).unwrap();

        let paths = (project.source(), project.component());
        assert_eq!(paths, (PathBuf::from("/p/src/plugin.js"), PathBuf::from("/p/mine.wasm")));
        assert_eq!((project.metadata.limits["cpu"].as_str(), project.metadata.grants["kv"].as_str()), ("5ms", "why"));
    }

    #[test]
    fn everything_that_is_wrong_is_told_with_its_place() {
        let text =
            "name = 'My Policy'\nlanguage = 'jss'\nevents = ['mesage-received']\nauthor = 'x'\n[grants]\nkvs = 'x'\n";

        let told = Project::parse(Path::new("/p"), "plugin.toml", text).unwrap_err();

        let told: Vec<String> = told.iter().map(ToString::to_string).collect();
        let starts = [
            "plugin.toml:1:1 name: 'My Policy' is no name for a plugin",
            "plugin.toml:2:1 language: 'jss' is none of",
            "plugin.toml:3:11 events: 'mesage-received' is none; did you mean `message-received`?",
            "plugin.toml:4:1 `author` is not known in this file",
            "plugin.toml:5:2 grants: 'kvs' is none",
        ];
        assert_eq!(told.len(), starts.len(), "{told:#?}");
        for (told, start) in told.iter().zip(starts) {
            assert!(told.starts_with(start), "{told}");
        }
    }

    #[test]
    fn what_is_needed_is_asked_for() {
        let told = Project::parse(Path::new("/p"), "plugin.toml", "").unwrap_err();

        let told: Vec<String> = told.iter().map(|finding| finding.message.clone()).collect();
        assert_eq!(told, ["this file needs `name`", "this file needs `language`"]);
    }
}
