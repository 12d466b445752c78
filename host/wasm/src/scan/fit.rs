//! Whether a component fits this host: each interface that it wants or handles, beside what is offered.
//!
//! Wasmtime would say so too, one interface at a time and in the words of a linker. Told before anything is compiled, and as
//! a table, it is a page that a plugin's author can act on.

use std::fmt;

use tollgate_capability::{Capability, Grants};

use super::Census;

/// The package that all interfaces are of.
pub(crate) const PACKAGE: &str = "tollgate:policy";
/// The version of it that this host speaks.
const VERSION: &str = "0.1.0";

/// What this host offers to every component. What it offers to those that were granted it has the name of a [`Capability`].
const OFFERED: [&str; 11] = [
    "types",
    "log",
    "panic",
    "clock",
    "domains",
    "metrics",
    "message",
    "queue-settings",
    "session",
    "egress-settings",
    "queued-message",
];
/// The events that this host knows.
pub(crate) const EVENTS: [&str; 10] = [
    "configure",
    "message-received",
    "message-brief",
    "queue-config",
    "queue-brief",
    "throttles",
    "smtp-session",
    "egress",
    "requeue",
    "record",
];

/// Most lines of the table, and longest name in it: a stranger writes them.
const LINES: usize = 40;
const NAME: usize = 100;

/// An interface by its full name: `package/name@version`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Interface<'a> {
    pub(crate) package: &'a str,
    pub(crate) name: &'a str,
    pub(crate) version: Option<&'a str>,
}

impl<'a> Interface<'a> {
    /// Takes a full name apart; a name of another shape is all name.
    pub(crate) fn parse(full: &'a str) -> Self {
        let (path, version) = full.split_once('@').map_or((full, None), |(path, version)| (path, Some(version)));
        let (package, name) = path.split_once('/').unwrap_or(("", path));
        Self { package, name, version }
    }

    fn path(&self) -> String {
        if self.package.is_empty() { self.name.to_owned() } else { format!("{}/{}", self.package, self.name) }
    }

    /// Returns whether the version is one that ours can stand in for: before 1.0 the minor version is what must agree.
    fn is_of_our_version(&self) -> bool {
        let track = |version: &str| version.split('.').take(2).map(str::to_owned).collect::<Vec<_>>();
        self.version.is_some_and(|version| track(version) == track(VERSION))
    }
}

/// Returns whether this host offers an import to a component with these grants.
pub(crate) fn is_offered(import: &str, grants: Grants) -> bool {
    let interface = Interface::parse(import);
    let ours = interface.package == PACKAGE && interface.is_of_our_version();
    let granted = || Capability::named(interface.name).is_some_and(|capability| grants.contains(capability));
    ours && (OFFERED.contains(&interface.name) || granted())
}

/// How this host has what a component imports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Offer {
    /// Every component may use it.
    Everybody,
    /// Those that were granted this may.
    Granted(Capability),
    /// It does not have it, or has it in another version.
    Nobody,
}

/// Returns how this host has an import.
pub(crate) fn offer(import: &str) -> Offer {
    match to_be_granted(import) {
        Some(capability) => Offer::Granted(capability),
        None if is_offered(import, Grants::default()) => Offer::Everybody,
        None => Offer::Nobody,
    }
}

/// Returns the event that an export handles, if it is one of ours.
pub(crate) fn event(export: &str) -> Option<&str> {
    let interface = Interface::parse(export);
    (interface.package == PACKAGE && !is_other_event(export)).then_some(interface.name)
}

/// What does not fit: a line for each interface, and who built the component.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Misfit {
    lines: Vec<(String, String, String)>,
    /// Whether all that it lacks are grants.
    is_for_this_host: bool,
    makers: Vec<String>,
}

impl Misfit {
    /// Compares a component with what this host offers to one with these grants; nothing where it fits.
    pub(crate) fn of(census: &Census, grants: Grants) -> Option<Self> {
        let imports = census.imports.iter().filter(|name| !is_offered(name, grants));
        let exports = census.exports.iter().filter(|name| is_other_event(name));
        let lacking: Vec<_> = imports.chain(exports).collect();
        let is_for_this_host = lacking.iter().all(|name| to_be_granted(name).is_some());
        let lines: Vec<_> = lacking.into_iter().take(LINES).map(|name| line(name, grants)).collect();
        (!lines.is_empty()).then(|| Self { lines, is_for_this_host, makers: census.makers.clone() })
    }
}

/// Returns whether an export is of our package and none of our events: it was built for another version.
fn is_other_event(export: &str) -> bool {
    let interface = Interface::parse(export);
    interface.package == PACKAGE && !(EVENTS.contains(&interface.name) && interface.is_of_our_version())
}

/// Returns the capability that an import would need, which this host has.
fn to_be_granted(import: &str) -> Option<Capability> {
    let interface = Interface::parse(import);
    let ours = interface.package == PACKAGE && interface.is_of_our_version();
    Capability::named(interface.name).filter(|_| ours)
}

fn line(name: &str, grants: Grants) -> (String, String, String) {
    let interface = Interface::parse(name);
    let events_and_offers = OFFERED.iter().chain(&EVENTS).any(|known| *known == interface.name);
    let known = events_and_offers || Capability::named(interface.name).is_some();
    let have = match to_be_granted(name) {
        Some(capability) => format!("not granted; write grants = {:?} in its section", grants.with(capability)),
        None if interface.package == PACKAGE && known => VERSION.to_owned(),
        None => "not offered".to_owned(),
    };
    (clean(&interface.path()), clean(interface.version.unwrap_or("no version")), have)
}

fn clean(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { ' ' } else { c }).take(NAME).collect()
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heading = ("interface".to_owned(), "needs".to_owned(), "this host has".to_owned());
        let width = |cell: fn(&(String, String, String)) -> &String| {
            std::iter::once(&heading).chain(&self.lines).map(|line| cell(line).chars().count()).max().unwrap_or(0)
        };
        let (first, second) = (width(|line| &line.0), width(|line| &line.1));
        f.write_str(match self.is_for_this_host {
            true => "the component wants what was not granted:",
            false => "the component was built for another host:",
        })?;
        for (interface, needs, have) in std::iter::once(&heading).chain(&self.lines) {
            write!(f, "\n    {interface:first$}  {needs:second$}  {have}")?;
        }
        let makers = if self.makers.is_empty() { "tools unknown".to_owned() } else { self.makers.join(", ") };
        write!(f, "\n    built with {makers}")
    }
}
