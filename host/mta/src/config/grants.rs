//! `grants` of a plugin: what it may use beside the mail that it is asked about.

use tollgate_capability::{Capability, Grants};
use tollgate_config::{Findings, Section};

/// Reads `grants`; nothing is granted that is not written there.
pub(super) fn grants(section: &mut Section<'_>, findings: &mut Findings) -> Grants {
    section.list("grants", findings, capability).unwrap_or_default().into_iter().collect()
}

fn capability(name: &str) -> Result<Capability, String> {
    let all = || Capability::ALL.map(Capability::name).join(", ");
    Capability::named(name).ok_or_else(|| format!("'{name}' is nothing that can be granted; there is {}", all()))
}
