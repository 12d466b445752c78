//! `component`, `config` and `limits` of a tenant: the plugin that judges its mail.

use std::path::Path;

use tollgate_capability::file_name;
use tollgate_config::{Findings, Section};
use tollgate_policy::{OnFailure, Phase, scope::Scope};
use tollgate_wasm::Instances;

use super::super::{
    PluginConfig,
    grants::{self, Whose},
    limits,
    plugin::{self, ComponentSource},
    rival::Rivalry,
};

/// A tenant's component.
#[derive(Clone, Debug)]
pub(crate) struct TenantPolicy {
    /// How it is run; its scope is the tenant's.
    pub(crate) plugin: PluginConfig,
    /// Whether it comes over HTTP, so that there may be none yet.
    pub(crate) uploaded: bool,
    /// Share of one core that its events may take over a while, in thousandths.
    pub(crate) cpu_share: u32,
}

/// The word for a component that comes over HTTP.
const UPLOAD: &str = "upload";
/// Share of one core, in thousandths, where nothing else is said.
const CPU_SHARE: u32 = 100;

/// Reads what there is of a component. `uploads`: where those are kept that come over HTTP.
pub(super) fn policy(
    tenant: &str,
    section: &mut Section<'_>,
    (folder, uploads): (&Path, &Path),
    scope: Scope,
    findings: &mut Findings,
) -> Option<TenantPolicy> {
    let origin = (findings.file().to_owned(), section.at());
    let component_at = section.position("component").unwrap_or(section.at());
    let named = section.parsed("component", findings, |text| Ok(text.to_owned()));
    let config = plugin::files(section, folder, findings);
    let on_failure = section.parsed("on_failure", findings, on_failure).unwrap_or_default();
    let grants = grants::grants(section, findings);
    let hosts = grants::hosts(section, grants, Whose::Tenants, findings);
    let (limits, cpu_share) = limits::limits_of_tenant(section, grants, findings);
    let Some(named) = named else {
        warn_of_nothing_to_run(section, findings);
        return None;
    };
    let uploaded = named == UPLOAD;
    let source = if uploaded {
        ComponentSource::File(uploads.join(file_name(tenant) + ".wasm"))
    } else {
        source(&named, folder).map_err(|reason| findings.error(component_at, format!("component: {reason}"))).ok()?
    };
    let plugin = PluginConfig {
        name: format!("tenant:{tenant}"),
        component: source,
        config: config?,
        phase: Phase::Tenant,
        on_failure,
        instances: Instances::Fresh,
        limits,
        grants,
        hosts,
        rivalry: Rivalry::default(),
        scope,
        core_dumps: None,
        origin,
        component_at,
    };
    Some(TenantPolicy { plugin, uploaded, cpu_share: cpu_share.unwrap_or(CPU_SHARE) })
}

/// Returns where a tenant's component comes from, if it does not come over HTTP.
fn source(text: &str, folder: &Path) -> Result<ComponentSource, String> {
    match text.starts_with("builtin:") {
        true => Err("a built-in component is for [[plugin]], not for a tenant".to_owned()),
        false => plugin::component(text, folder),
    }
}

/// Says of options that are about a component that there is none.
fn warn_of_nothing_to_run(section: &Section<'_>, findings: &mut Findings) {
    if !section.entry_is_missing("component") {
        return;
    }
    for key in ["config", "limits", "grants", "http", "on_failure", "bounds", "token_hash"] {
        if let Some(at) = section.position(key) {
            findings.warning(at, format!("{key}: has no effect on a tenant without a `component`"));
        }
    }
}

fn on_failure(text: &str) -> Result<OnFailure, String> {
    match text {
        "defer" => Ok(OnFailure::Defer),
        "reject" => Ok(OnFailure::Reject),
        "skip" => {
            Err("\"skip\" is not for tenants: mail would pass unjudged; write \"defer\" or \"reject\"".to_owned())
        }
        other => Err(format!("'{other}' is neither defer nor reject")),
    }
}
