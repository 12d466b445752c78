//! `grants` of a plugin, and its `[http]`: what it may use beside the mail that it is asked about, and whom it may ask.

use std::sync::Arc;

use tollgate_capability::{
    Capability, Grants,
    http::{Allowed, Pattern},
};
use tollgate_config::{Findings, Section};

/// Whose section it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    Operators,
    /// A tenant is a stranger on the operator's network, so no address in it is opened for one.
    Tenants,
}

/// Reads `grants`; nothing is granted that is not written there.
pub(super) fn grants(section: &mut Section<'_>, findings: &mut Findings) -> Grants {
    section.list("grants", findings, capability).unwrap_or_default().into_iter().collect()
}

fn capability(name: &str) -> Result<Capability, String> {
    let all = || Capability::ALL.map(Capability::name).join(", ");
    Capability::named(name).ok_or_else(|| format!("'{name}' is nothing that can be granted; there are {}", all()))
}

/// Reads `allow` of the section `http`: the hosts that a plugin with `http-client` may reach.
pub(super) fn hosts(section: &mut Section<'_>, grants: Grants, whose: Whose, findings: &mut Findings) -> Arc<Allowed> {
    let (at, granted) = (section.at(), grants.contains(Capability::HttpClient));
    let Some(mut http) = section.section("http", findings) else {
        if granted && section.entry_is_missing("http") {
            findings.warning(at, "grants: \"http-client\" reaches no host; list some in its section `http` as `allow`");
        }
        return Arc::default();
    };
    if !granted {
        findings.warning(http.at(), "http: has no effect without \"http-client\" in `grants`");
    }
    let allowed = http.list("allow", findings, |text| pattern(text, whose)).unwrap_or_default();
    http.finish(findings);
    Arc::new(allowed.into_iter().collect())
}

fn pattern(text: &str, whose: Whose) -> Result<Pattern, String> {
    match (text.parse()?, whose) {
        (Pattern::Address(..), Whose::Tenants) => {
            Err(format!("'{text}' is an address, which a tenant's component does not reach; write a name"))
        }
        (pattern, _) => Ok(pattern),
    }
}
