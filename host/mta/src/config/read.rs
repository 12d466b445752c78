//! Reading the file: the top level, and the checks between sections.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use tollgate_config::{Finding, Findings, Position, Section, Severity, Table};
use tollgate_spool::Durability;

use super::{Config, SpoolConfig, auth, clash, egress, listen, plugin, resolver, tenant};

/// A configuration that cannot be used.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The file cannot be read at all.
    Unreadable { path: PathBuf, source: io::Error },
    /// Everything that is wrong with it, with the texts of the files that findings speak of.
    Findings(Vec<Finding>),
}

impl Refused {
    /// Returns a refusal that is about no file.
    pub(crate) fn general(message: String) -> Self {
        Self::Findings(vec![Finding { severity: Severity::Error, file: None, at: None, message }])
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Findings(findings) => findings.iter().try_for_each(|finding| writeln!(f, "{finding}")),
        }
    }
}

/// Reads a configuration file. Warnings and notes come with it.
pub(crate) fn read(path: &Path) -> Result<(Config, Vec<Finding>), Refused> {
    let text = fs::read_to_string(path).map_err(|source| Refused::Unreadable { path: path.to_owned(), source })?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    parse(&path.display().to_string(), &text, &folder)
}

/// Parses the text of a configuration file, whose relative paths start at `folder`.
pub(crate) fn parse(name: &str, text: &str, folder: &Path) -> Result<(Config, Vec<Finding>), Refused> {
    let mut findings = Findings::new(name);
    let table = Table::parse_toml(text, &mut findings);
    let config = sections(&table, folder, &mut findings);
    let findings = findings.into_sorted();
    let broken = findings.iter().any(|finding| finding.severity == Severity::Error);
    match config {
        Some(config) if !broken => Ok((config, findings)),
        _ => Err(Refused::Findings(findings)),
    }
}

fn sections(table: &Table, folder: &Path, findings: &mut Findings) -> Option<Config> {
    let mut top = Section::new(table, Position { line: 1, column: 1 }, "");
    let spool = spool(&mut top, folder, findings);
    let listeners = listen::smtp(&mut top, findings);
    let auth = auth::auth(&mut top, findings);
    let identities = tenant::identities(&mut top, &auth, findings);
    let http = listen::http(&mut top, auth, &listeners, findings);
    clash::check(table, &listeners, http.as_ref(), findings);
    let plugins = plugin::plugins(&mut top, folder, findings);
    let egress = egress::egress(&mut top, findings);
    let resolver = resolver::resolver(&mut top, findings);
    let records = records(&mut top, folder, findings);
    top.finish(findings);
    if listeners.is_empty() && http.is_none() {
        let at = Position { line: 1, column: 1 };
        findings.error(at, "nothing to listen on; write [smtp.listener.NAME] or [http] with `listen`");
    }
    Some(Config { spool: spool?, listeners, http, plugins, identities, egress, resolver, records })
}

fn spool(top: &mut Section<'_>, folder: &Path, findings: &mut Findings) -> Option<SpoolConfig> {
    let Some(mut section) = top.section("spool", findings) else {
        top.missing("[spool]", findings);
        return None;
    };
    let path = section.text("path", findings);
    let durability = section.parsed("durability", findings, |text| match text {
        "sync" => Ok(Durability::Sync),
        "none" => Ok(Durability::None),
        other => Err(format!("'{other}' is neither \"sync\" nor \"none\"")),
    });
    if path.is_none() && section.entry_is_missing("path") {
        section.missing("path", findings);
    }
    if matches!(durability, Some(Durability::None)) {
        findings.warning(
            section.at(),
            "durability = \"none\" loses accepted mail when the machine stops; for experiments only",
        );
    }
    section.finish(findings);
    Some(SpoolConfig { path: folder.join(path?), durability: durability.unwrap_or(Durability::Sync) })
}

fn records(top: &mut Section<'_>, folder: &Path, findings: &mut Findings) -> Option<PathBuf> {
    let mut section = top.section("log", findings)?;
    let records = section.text("records", findings);
    section.finish(findings);
    records.map(|path| folder.join(path))
}
