//! Reading the file: the top level, and the checks between sections.

use std::{
    fmt, fs,
    ops::Range,
    path::{Path, PathBuf},
};

use tollgate_config::{Finding, Findings, Position, Section, Severity, Table, Value, nearest};
use tollgate_spool::Durability;

use super::{
    Config, PluginConfig, SpoolConfig, UNSPECIFIED, auth, capture, clash, egress, listen, plugin, resolver, secret,
    tenant, text,
};

/// A configuration that cannot be used.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The file cannot be read at all.
    Unreadable { path: PathBuf, reason: String },
    /// Everything that is wrong with the file, and what in it can be looked at all the same.
    Findings(Vec<Finding>, Remains),
}

/// What could be read of a file that is refused.
#[derive(Debug, Default)]
pub(crate) struct Remains {
    /// The plugins that were read whole.
    pub(crate) plugins: Vec<PluginConfig>,
    /// The names of the pools, the built-in one included. Absent where not all of them may be known: what is said of a
    /// pool that is not there would then only follow from another error.
    pub(crate) pools: Option<Vec<String>>,
}

impl Refused {
    /// Returns a refusal that is about no file.
    pub(crate) fn general(message: String) -> Self {
        let finding = Finding { severity: Severity::Error, file: None, at: None, message };
        Self::Findings(vec![finding], Remains::default())
    }

    /// Returns whether there are plugins in it that can be looked at all the same.
    pub(crate) fn remains(&self) -> bool {
        !self.plugins().is_empty()
    }

    /// Returns the plugins in it that could be read whole.
    pub(crate) fn plugins(&self) -> &[PluginConfig] {
        match self {
            Self::Findings(_, remains) => &remains.plugins,
            Self::Unreadable { .. } => &[],
        }
    }

    /// Returns the refusal with what was said before it in front.
    #[must_use]
    pub(crate) fn after(self, said: &[Finding]) -> Self {
        match self {
            Self::Findings(findings, remains) => Self::Findings([said, &findings].concat(), remains),
            unreadable => unreadable,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, reason } => write!(f, "{}: {reason}", path.display()),
            Self::Findings(findings, _) => findings.iter().try_for_each(|finding| writeln!(f, "{finding}")),
        }
    }
}

/// Reads a configuration file. Warnings and notes come with it.
pub(crate) fn read(path: &Path) -> Result<(Config, Vec<Finding>), Refused> {
    let octets = fs::read(path).map_err(|error| Refused::Unreadable {
        path: path.to_owned(),
        reason: text::unreadable_configuration(path, &error),
    })?;
    let name = path.display().to_string();
    let text = text::utf8(&name, octets).map_err(|finding| Refused::Findings(vec![finding], Remains::default()))?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    parse(&name, &text, &folder)
}

/// Parses the text of a configuration file, whose relative paths start at `folder`.
pub(crate) fn parse(name: &str, text: &str, folder: &Path) -> Result<(Config, Vec<Finding>), Refused> {
    let mut findings = Findings::new(name);
    let table = Table::parse_toml(text, &mut findings);
    let read = sections(&table, folder, &mut findings);
    let damaged = findings.damaged_lines().to_vec();
    let findings = findings.into_sorted();
    let broken = findings.iter().any(|finding| finding.severity == Severity::Error);
    match read {
        Ok(config) if !broken => Ok((config, findings)),
        Ok(Config { plugins, .. }) | Err(plugins) => {
            let remains = remains(plugins, &table, text, &damaged);
            Err(Refused::Findings(findings, remains))
        }
    }
}

/// Returns what can be looked at although the file is refused.
fn remains(mut plugins: Vec<PluginConfig>, table: &Table, text: &str, damaged: &[Range<u32>]) -> Remains {
    plugins.retain(|plugin| is_whole(plugin.origin.1, text, damaged));
    Remains { plugins, pools: if damaged.is_empty() { pools(table) } else { None } }
}

/// Returns whether no line from a section's header to the next is one that could not be parsed.
fn is_whole(header: Position, text: &str, damaged: &[Range<u32>]) -> bool {
    let lines = (1..).zip(text.lines()).skip_while(|(line, _)| *line <= header.line);
    let next = lines.filter(|(_, text)| text.trim_start().starts_with('[')).map(|(line, _)| line).next();
    let next = next.unwrap_or(u32::MAX);
    !damaged.iter().any(|lines| lines.start < next && header.line < lines.end)
}

/// Returns the names of all pools, as long as there is no doubt which there are.
fn pools(table: &Table) -> Option<Vec<String>> {
    let misspelt = |key: &str| key != "pool" && nearest(key, SECTIONS) == Some("pool");
    if table.entries.iter().any(|entry| misspelt(&entry.key)) {
        return None;
    }
    let named = match table.get("pool").map(|entry| &entry.node.value) {
        None => Vec::new(),
        Some(Value::Table(pools)) => pools.entries.iter().map(|entry| entry.key.clone()).collect(),
        Some(_) => return None,
    };
    Some(named.into_iter().chain([UNSPECIFIED.to_owned()]).collect())
}

/// What a misspelt section may have been meant for, as far as pools are concerned.
const SECTIONS: [&str; 12] =
    ["spool", "smtp", "http", "auth", "plugin", "tenant", "source", "pool", "egress", "resolver", "capture", "log"];

/// Reads the file's sections. Where there is no configuration without one that is missing, the plugins come back alone.
fn sections(table: &Table, folder: &Path, findings: &mut Findings) -> Result<Config, Vec<PluginConfig>> {
    let mut top = Section::new(table, START, "");
    let spool = spool(&mut top, folder, findings);
    let listeners = listen::smtp(&mut top, findings);
    let auth = auth::auth(&mut top, findings);
    secret::check(table, findings);
    let plugins = plugin::plugins(&mut top, folder, findings);
    let egress = egress::egress(&mut top, findings);
    let uploads = spool.as_ref().map_or_else(|| folder.to_owned(), SpoolConfig::uploads);
    let around = tenant::Around { auth: &auth, egress: &egress, folder, uploads: &uploads };
    let tenants = tenant::tenants(&mut top, &around, findings);
    let (http, admin_hosts) = listen::http(&mut top, auth, &listeners, findings).unzip();
    clash::check(table, &listeners, http.as_ref(), findings);
    let resolver = resolver::resolver(&mut top, findings);
    let capture = capture::capture(&mut top, folder, findings);
    let records = records(&mut top, folder, findings);
    top.finish(findings);
    if opens_nothing(table) {
        findings.error(START, "nothing to listen on; write [smtp.listener.NAME] or [http] with `listen`");
    }
    match spool {
        Some(spool) => {
            let admin_hosts = admin_hosts.unwrap_or_default();
            Ok(Config { spool, listeners, http, admin_hosts, plugins, tenants, egress, resolver, capture, records })
        }
        None => Err(plugins),
    }
}

/// Returns whether there is no door at all; of one that could not be read something was said already.
fn opens_nothing(table: &Table) -> bool {
    let smtp = table.get("smtp").map(|entry| &entry.node.value);
    let listener = smtp.is_some_and(|value| !matches!(value, Value::Table(smtp) if smtp.entries.is_empty()));
    !listener && table.get("http").is_none()
}

const START: Position = Position { line: 1, column: 1 };

fn spool(top: &mut Section<'_>, folder: &Path, findings: &mut Findings) -> Option<SpoolConfig> {
    let Some(mut section) = top.section("spool", findings) else {
        if top.entry_is_missing("spool") {
            findings.error(START, "no spool; write [spool] with `path`, the folder in which accepted mail is kept");
        }
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
