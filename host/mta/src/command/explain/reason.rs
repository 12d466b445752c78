//! Which line of which file decided that a message is refused.
//!
//! A reply says why, but not where that is written. Of a refusal by the stock plugin the words and the files together tell:
//! each of its texts belongs to one kind of line. Of other plugins only the plugin itself is known.

use tollgate_config::nearest;
use tollgate_message::Edits;
use tollgate_policy::{Outcome, QueueOption, Step};

use super::{ask::Judged, background::Background};
use crate::{
    config::files::{Spot, quoted},
    settings::queue_config,
};

/// Why a message is refused.
pub(super) struct Reason<'a> {
    /// The line that decided, where it can be told.
    pub(super) spot: Option<Spot<'a>>,
    /// What there is to know besides.
    pub(super) hints: Vec<String>,
}

/// Returns why a message is refused, if it is.
pub(super) fn of<'a>(judged: &Judged, background: &'a Background) -> Option<Reason<'a>> {
    let Outcome::Refuse(refusal) = &judged.decision.outcome else { return None };
    if judged.disowned {
        return Some(disowned(refusal.reply().text(), background));
    }
    let step = judged.decision.trail.last()?;
    if step.outcome != refusal.word() {
        return Some(failure(step, background));
    }
    if background.is_stock(&step.plugin) {
        let text = refusal.reply().text();
        return Some(
            tenant(text, background).or_else(|| schedule(&judged.before, background)).unwrap_or_else(|| told(step)),
        );
    }
    Some(Reason { spot: background.plugin_key(&step.plugin, "component"), ..told(step) })
}

/// Returns why mail for a queue is deferred although no plugin objects, with the settings at fault.
pub(super) fn unusable<'a>(queue: &super::ask::Queue, background: &'a Background) -> Option<Reason<'a>> {
    let (option, hint) = match queue_config(&queue.settings) {
        Err(reason) => (QueueOption::Protocol, reason),
        Ok(config) => {
            let pool = config.egress_pool.filter(|pool| !background.has_pool(pool))?;
            match &queue.pool {
                None => (QueueOption::EgressPool, format!("the pool '{pool}' is not defined")),
                Some(known) if background.has_sources(known) => return None,
                Some(_) => (QueueOption::EgressPool, format!("the pool '{pool}' has a source that is not defined")),
            }
        }
    };
    let history = queue.settings.iter().find(|(known, _)| **known == option).map(|(_, written)| written);
    let origin = history.and_then(|written| written.last()?.origin.as_deref());
    Some(Reason { spot: origin.and_then(|origin| background.origin(option.name(), origin)), hints: vec![hint] })
}

fn told(step: &Step) -> Reason<'static> {
    Reason {
        spot: None,
        hints: vec![format!("plugin '{}' says so; which line made it do so it does not tell", step.plugin)],
    }
}

/// An identity that does not send as this tenant: the refusal names the tenant whose list decides first.
fn disowned<'a>(text: &str, background: &'a Background) -> Reason<'a> {
    let spot = text.split('\'').nth(1).and_then(|tenant| background.key(&["tenant", tenant], "identities"));
    Reason { spot, hints: vec!["--client, --user and --token say who sends".to_owned()] }
}

/// A plugin that gave no answer: what that means is the operator's choice.
fn failure<'a>(step: &Step, background: &'a Background) -> Reason<'a> {
    let hint = format!("plugin '{}' gave no answer ({}); its on_failure decides", step.plugin, step.outcome);
    Reason { spot: background.plugin_key(&step.plugin, "on_failure"), hints: vec![hint] }
}

/// A tenant that is not there, or not for this identity.
fn tenant<'a>(text: &str, background: &'a Background) -> Option<Reason<'a>> {
    if let Some((name, source)) = undefined(text) {
        let mut hints = vec![missing(name, background)];
        let spot = match (source, between(source, "'", "' header")) {
            ("default_tenant option", _) => background.text("default_tenant", name),
            (_, Some(header)) => background.text("tenant_header", header),
            _ => {
                hints.push(
                    "the metadata `tenant` names it, as it came or as a plugin asked before has set it".to_owned(),
                );
                None
            }
        };
        return Some(Reason { spot, hints });
    }
    let name = text.strip_suffix("' requires SMTP AUTH").and_then(|rest| rest.strip_prefix("tenant '"));
    let hint = match name {
        Some(_) => "the message comes without an identity; --user, --token or --authz-id NAME gives it one",
        None => "the list does not have this identity",
    };
    let name = name.or_else(|| text.rsplit_once("send as tenant '")?.1.strip_suffix('\''))?;
    let spot = ["tenant", "tenants"].iter().find_map(|key| background.key(&[key, name], "require_authz"));
    Some(Reason { spot, hints: vec![hint.to_owned()] })
}

/// Returns name and source of `tenant 'NAME' specified by SOURCE is not defined in your queue config`.
fn undefined(text: &str) -> Option<(&str, &str)> {
    let (tenant, source) = text.strip_suffix(" is not defined in your queue config")?.rsplit_once(" specified by ")?;
    Some((tenant.strip_prefix("tenant '")?.strip_suffix('\'')?, source))
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    text.strip_prefix(before)?.strip_suffix(after)
}

fn missing(name: &str, background: &Background) -> String {
    let spots = background.files.spots();
    let is_tenant = |spot: &&Spot<'_>| matches!(spot.path.as_slice(), ["tenant" | "tenants"]);
    let mut names: Vec<&str> = spots.iter().filter(is_tenant).map(|spot| spot.entry.key.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let rest = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => "no tenant is defined".to_owned(),
        None => format!("defined are: {}", names.join(", ")),
    };
    format!("there is no [tenant.{}]; {rest}", quoted(name))
}

/// A schedule that is none, or is over already.
fn schedule<'a>(before: &Edits, background: &'a Background) -> Option<Reason<'a>> {
    let spots = background.files.spots();
    let spot = spots.into_iter().rfind(|spot| spot.entry.key == "scheduling_header")?;
    let value = before.header.values(spot.text()?).next().map(tollgate_message::header::decode)?;
    let hints = vec![format!("the header says {value}")];
    Some(Reason { spot: Some(spot), hints })
}
