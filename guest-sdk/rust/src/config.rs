//! A configuration file, read with positions (feature `config`).
//!
//! Every mistake is told at once, each with file, line, column and the nearest known name:
//!
//! ```
//! use tollgate_sdk::{Configure, File, config::{Outcome, one_file}};
//!
//! struct Greeter { greeting: Option<String> }
//!
//! impl Configure for Greeter {
//!     fn configure(files: Vec<File>) -> Outcome<Self> {
//!         one_file(&files, |top, findings| (Self { greeting: top.text("greeting", findings) }, Vec::new()))
//!     }
//! }
//!
//! let file = File { name: "g.toml".to_owned(), content: b"greetin = 'hi'".to_vec() };
//! let refused = Greeter::configure(vec![file]).err().unwrap();
//! let expected = "g.toml:1:1 `greetin` is not known in this file; did you mean `greeting`?";
//! assert_eq!(refused.diagnostics[0].to_string(), expected);
//! ```

use std::time::Duration;

use tollgate_config::{Finding, Table};
pub use tollgate_config::{Findings, Position, Rate, Section, duration, likeliest, nearest};

use crate::{Configured, Diagnostic, File, Reference, ReferenceKind, Refused, Severity};

/// What [`crate::Configure::configure`] returns.
pub type Outcome<P> = Result<Configured<P>, Refused>;

/// Reads the one file of a plugin: JSON where its name or its first character says so, TOML otherwise.
///
/// `read` gets its outermost table and returns the plugin, with the names in it that the host has to check. A key that it
/// does not ask for is an error.
///
/// # Errors
/// Everything that is wrong with the file, with the names in it that could be read all the same; or that there is not
/// one file.
///
/// ```
/// use tollgate_sdk::{File, config::one_file};
///
/// let file = |content: &[u8]| vec![File { name: "policy.toml".to_owned(), content: content.to_vec() }];
/// let read = |content| one_file(&file(content), |top, findings| (top.text("tag", findings), Vec::new()));
/// assert_eq!(read(b"tag = 'spring'").unwrap().plugin.as_deref(), Some("spring"));
/// let refused = read(b"tag = 1\nmore = 2").err().unwrap();
/// assert_eq!(refused.diagnostics.len(), 2);
/// ```
pub fn one_file<P>(
    files: &[File],
    read: impl FnOnce(&mut Section<'_>, &mut Findings) -> (P, Vec<Reference>),
) -> Outcome<P> {
    let file = the_one(files)?;
    let mut findings = Findings::new(&file.name);
    let table = Table::parse(&String::from_utf8_lossy(&file.content), file.name.ends_with(".json"), &mut findings);
    let mut top = Section::new(&table, Position { line: 1, column: 1 }, "");
    let (plugin, references) = read(&mut top, &mut findings);
    top.finish(&mut findings);
    let diagnostics: Vec<Diagnostic> = findings.into_sorted().into_iter().map(Diagnostic::from).collect();
    if diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return Err(Refused { diagnostics, references });
    }
    Ok(Configured { plugin, diagnostics, references })
}

/// Reads the one file of a plugin into a type of serde's (feature `serde`). The first thing that is wrong with it is told, with line
/// and column.
///
/// ```
/// use tollgate_sdk::{Configure, Configured, File, config::{Outcome, typed}};
///
/// #[derive(serde::Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct Greeter { greeting: String }
///
/// impl Configure for Greeter {
///     fn configure(files: Vec<File>) -> Outcome<Self> {
///         Ok(Configured { plugin: typed(&files)?, diagnostics: Vec::new(), references: Vec::new() })
///     }
/// }
///
/// let file = File { name: "g.toml".to_owned(), content: b"greeting = 1".to_vec() };
/// let refused = Greeter::configure(vec![file]).err().unwrap();
/// assert!(refused.diagnostics[0].to_string().starts_with("g.toml:1:12 invalid type"));
/// ```
///
/// # Errors
/// What is wrong with the file; or that there is not one file.
#[cfg(feature = "serde")]
pub fn typed<T: serde::de::DeserializeOwned>(files: &[File]) -> Result<T, Refused> {
    let file = the_one(files)?;
    let read = tollgate_config::typed(&file.name, &String::from_utf8_lossy(&file.content));
    read.map_err(|finding| vec![Diagnostic::from(finding)].into())
}

/// Returns the one file that a plugin takes, or says that there is not one.
fn the_one(files: &[File]) -> Result<&File, Refused> {
    let [file] = files else {
        let message = format!("this plugin takes one file, config = [\"FILE\"], and got {}", files.len());
        let diagnostic = Diagnostic { severity: Severity::Error, file: None, line: None, column: None, message };
        return Err(vec![diagnostic].into());
    };
    Ok(file)
}

/// Returns a duration as the host takes it, in whole milliseconds.
///
/// ```
/// use std::time::Duration;
///
/// assert_eq!(tollgate_sdk::config::millis(Duration::from_secs(2)), 2000);
/// ```
#[must_use]
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Reference {
    /// Returns a reference to an egress pool that a file names.
    ///
    /// ```
    /// use tollgate_sdk::{Reference, ReferenceKind, config::Position};
    ///
    /// let reference = Reference::egress_pool("pool-1", "policy.toml", Position { line: 3, column: 1 });
    /// assert_eq!((reference.kind, reference.line), (ReferenceKind::EgressPool, 3));
    /// ```
    #[must_use]
    pub fn egress_pool(name: &str, file: &str, at: Position) -> Self {
        Self::of(ReferenceKind::EgressPool, name, file, at)
    }

    /// Returns that nobody may send as a tenant but who has proved to be somebody, and where a file says so.
    ///
    /// ```
    /// use tollgate_sdk::{Reference, ReferenceKind, config::Position};
    ///
    /// let reference = Reference::guarded_tenant("acme", "policy.toml", Position { line: 3, column: 1 });
    /// assert_eq!(reference.kind, ReferenceKind::GuardedTenant);
    /// ```
    #[must_use]
    pub fn guarded_tenant(name: &str, file: &str, at: Position) -> Self {
        Self::of(ReferenceKind::GuardedTenant, name, file, at)
    }

    /// Returns a reference to a template for the paths of mailboxes.
    ///
    /// ```
    /// use tollgate_sdk::{Reference, ReferenceKind, config::Position};
    ///
    /// let reference = Reference::maildir_path("/mail/{{ domain_part }}", "policy.toml", Position { line: 3, column: 1 });
    /// assert_eq!(reference.kind, ReferenceKind::MaildirPath);
    /// ```
    #[must_use]
    pub fn maildir_path(template: &str, file: &str, at: Position) -> Self {
        Self::of(ReferenceKind::MaildirPath, template, file, at)
    }

    fn of(kind: ReferenceKind, name: &str, file: &str, at: Position) -> Self {
        Self { kind, name: name.to_owned(), file: file.to_owned(), line: at.line, column: at.column }
    }
}

impl From<Finding> for Diagnostic {
    fn from(finding: Finding) -> Self {
        let severity = match finding.severity {
            tollgate_config::Severity::Error => Severity::Error,
            tollgate_config::Severity::Warning => Severity::Warning,
            tollgate_config::Severity::Note => Severity::Note,
        };
        let (line, column) = (finding.at.map(|at| at.line), finding.at.map(|at| at.column));
        Self { severity, file: finding.file, line, column, message: finding.message }
    }
}

impl From<Rate> for crate::Rate {
    fn from(rate: Rate) -> Self {
        Self { limit: rate.limit, period_ms: millis(rate.period), max_burst: rate.max_burst, local: rate.local }
    }
}
