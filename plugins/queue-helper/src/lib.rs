//! The stock plugin: queue management out of `queues.toml`, in KumoMTA's format.
//!
//! Files come in through [`load`], one [`config::Config`] for each, merged in order. A message meets [`received`], which
//! reads schedule, campaign and tenant from its header, checks that it may use the tenant, and sets its routing domain. A
//! queue meets [`resolve`], which lays the levels over each other. All of it is ordinary Rust; only this file knows that it
//! runs as a component.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap fails the test"))]

pub mod config;
pub mod load;
mod options;
pub mod received;
pub mod resolve;
#[cfg(test)]
mod tests;

use tollgate_config::{Finding, Severity};
use tollgate_sdk::{
    Answer, Configure, Configured, Diagnostic, Edit, File, MessageBrief, PolicyError, QueueBrief, QueueName, Refused,
    Reply, Scope, Throttle, Throttles, Verdict, Written, brief::Question, register,
};

use crate::{config::Config, options::setting};

/// The plugin, configured.
pub struct QueueHelper {
    config: Config,
}

impl Configure for QueueHelper {
    fn configure(files: Vec<File>) -> Result<Configured<Self>, Refused> {
        let files: Vec<(String, Vec<u8>)> = files.into_iter().map(|file| (file.name, file.content)).collect();
        let loaded = load::load(&files);
        let broken = loaded.findings.iter().any(|finding| finding.severity == Severity::Error);
        let references = loaded.config.references();
        let diagnostics = loaded.findings.into_iter().map(diagnostic).collect();
        if broken {
            Err(Refused { diagnostics, references })
        } else {
            Ok(Configured { plugin: Self { config: loaded.config }, diagnostics, references })
        }
    }
}

impl MessageBrief for QueueHelper {
    fn questions(&self) -> Vec<Question> {
        received::questions(&self.config)
    }

    fn judge(&self, answers: Vec<Answer>, edits: &mut Vec<Edit>) -> Result<Verdict, Reply> {
        received::judge(&self.config, answers, edits)?;
        Ok(Verdict::Accept)
    }
}

impl QueueBrief for QueueHelper {
    fn queue_settings(&self, name: &QueueName) -> Result<Option<Vec<Written>>, PolicyError> {
        let levels = resolve::levels(&self.config, &name.domain, name.tenant.as_deref(), name.campaign.as_deref());
        let written = levels.flat_map(|level| level.options.iter());
        written.map(|(option, written)| setting(option, written)).collect::<Result<_, _>>().map(Some)
    }
}

impl Throttles for QueueHelper {
    fn throttles(&self, tenant: Option<&str>, campaign: Option<&str>) -> Vec<Throttle> {
        let scoped = |scope, (key, rate)| Throttle { scope, key, rate: options::rate(rate) };
        let tenant_rate = resolve::tenant_rate(&self.config, tenant).map(|found| scoped(Scope::Tenant, found));
        let campaign_rate =
            resolve::campaign_rate(&self.config, tenant, campaign).map(|found| scoped(Scope::TenantCampaign, found));
        tenant_rate.into_iter().chain(campaign_rate).collect()
    }
}

register!(QueueHelper: configure, message_brief, queue_brief, throttles);

fn diagnostic(finding: Finding) -> Diagnostic {
    let severity = match finding.severity {
        Severity::Error => tollgate_sdk::Severity::Error,
        Severity::Warning => tollgate_sdk::Severity::Warning,
        Severity::Note => tollgate_sdk::Severity::Note,
    };
    let (line, column) = (finding.at.map(|at| at.line), finding.at.map(|at| at.column));
    Diagnostic { severity, file: finding.file, line, column, message: finding.message }
}
