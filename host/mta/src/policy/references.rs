//! What plugins' files name: pools, paths of mailboxes, tenants. Who names what nobody defines is told where.

use tollgate_config::{Finding, Severity, nearest};
use tollgate_outbound::mailbox;
use tollgate_policy::{Event, Failure, Link};
use tollgate_wasm::{Configuration, Reference, ReferenceKind};

use crate::config::PluginConfig;

/// Who defines a pool.
pub(super) enum Whose {
    /// A file or a plugin.
    Known,
    Nobodys,
    /// A plugin's, it may be: it failed, which it need not do when mail asks.
    Untold(Failure),
}

/// Asks the plugins for a pool that no file defines.
pub(super) fn of_plugins(links: &[Link], pool: &str) -> Whose {
    let mut whose = Whose::Nobodys;
    for link in links.iter().filter(|link| link.plugin.events().contains(Event::Egress)) {
        match link.plugin.egress_pool(pool) {
            Ok(Some(_)) => return Whose::Known,
            Ok(None) => {}
            Err(failure) => whose = Whose::Untold(failure),
        }
    }
    whose
}

/// Returns what there is to say about a plugin's files, undefined pools and paths that are none among the rest, by file and
/// place. `pools` are those that files define.
pub(super) fn by_place(
    config: &PluginConfig,
    configuration: Configuration,
    whose: &impl Fn(&str) -> Whose,
    pools: &[String],
) -> Vec<Finding> {
    let mut findings = configuration.findings;
    let named = configuration.references.iter().filter(|reference| reference.kind == ReferenceKind::EgressPool);
    findings.extend(named.filter_map(|reference| undefined(reference, whose(&reference.name), pools)));
    findings.extend(pathless(&configuration.references));
    let rank = |finding: &Finding| config.config.iter().position(|file| finding.file.as_ref() == Some(&file.name));
    findings.sort_by_key(|finding| (rank(finding), finding.at));
    findings
}

/// Returns the tenants that a plugin guards.
pub(super) fn guarded(references: &[Reference]) -> impl Iterator<Item = String> {
    let guarded = references.iter().filter(|reference| reference.kind == ReferenceKind::GuardedTenant);
    guarded.map(|reference| reference.name.clone())
}

/// Returns what there is to say of a pool that is named and that nobody is known to define.
fn undefined(reference: &Reference, whose: Whose, pools: &[String]) -> Option<Finding> {
    let name = &reference.name;
    let (severity, message) = match whose {
        Whose::Known => return None,
        Whose::Nobodys => {
            let hint = nearest(name, pools.iter().map(String::as_str));
            let hint = hint.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            let place = format!("tollgate.toml as [pool.'{name}'.SOURCE]");
            (Severity::Error, format!("egress_pool: pool '{name}' is not defined in {place}{hint}"))
        }
        Whose::Untold(failure) => {
            let message = format!(
                "egress_pool: no file defines pool '{name}', and whether a plugin does is not known: {failure}"
            );
            (Severity::Warning, message)
        }
    };
    Some(Finding { severity, file: Some(reference.file.clone()), at: Some(reference.at), message })
}

/// Returns an error for each path of mailboxes that is none.
fn pathless(references: &[Reference]) -> impl Iterator<Item = Finding> {
    let templates = references.iter().filter(|reference| reference.kind == ReferenceKind::MaildirPath);
    templates.filter_map(|Reference { name, file, at, .. }| {
        let message = format!("protocol: {}", mailbox::judge(name).err()?);
        Some(Finding { severity: Severity::Error, file: Some(file.clone()), at: Some(*at), message })
    })
}
