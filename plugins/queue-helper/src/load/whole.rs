//! What can be judged only when every file is read: names that no file defines, options that others make idle.

use tollgate_config::{Finding, Severity, nearest};

use super::unknown::lacks_quotes;
use crate::{
    config::{Config, Located, Origin},
    options::OptionValue,
};

/// Most pairs of names that are compared to find the nearest: a hint is not worth seconds.
const COMPARISONS: usize = 100_000;

/// What the files mention, with where.
#[derive(Default)]
pub(super) struct Mentions {
    /// The default tenant that holds.
    pub(super) default_tenant: Option<Located<String>>,
    /// Options that remove a header, with the option that names it.
    removals: Vec<(&'static str, Origin)>,
    /// Tenants with settings at a destination, with its domain.
    tenants: Vec<(String, Located<String>)>,
    refresh_intervals: Vec<Origin>,
    refreshes_by_time: bool,
}

impl Mentions {
    pub(super) fn removal(&mut self, header: &'static str, remove: bool, origin: Origin) {
        if remove {
            self.removals.push((header, origin));
        }
    }

    pub(super) fn tenant(&mut self, domain: &str, tenant: Located<String>) {
        self.tenants.push((domain.to_owned(), tenant));
    }

    pub(super) fn setting(&mut self, option: &str, setting: &Located<OptionValue>) {
        if option == "refresh_interval" {
            self.refresh_intervals.push(setting.origin.clone());
        }
        self.refreshes_by_time |= setting.value == OptionValue::RefreshAtEpoch(false);
    }

    /// Returns what there is to say, in no order.
    pub(super) fn findings(&self, config: &Config) -> Vec<Finding> {
        let idle = if self.refreshes_by_time { &[][..] } else { &self.refresh_intervals[..] };
        let idle = idle.iter().map(|origin| {
            finding(
                Severity::Note,
                origin,
                "refresh_interval has no effect without refresh_strategy = 'Ttl'".to_owned(),
            )
        });
        let tenants = self.tenants.iter().filter_map(|(domain, tenant)| self.undefined_tenant(config, domain, tenant));
        let removals =
            self.removals.iter().filter_map(|(header, origin)| header_that_is_not_read(config, header, origin));
        self.undefined_default(config).into_iter().chain(tenants).chain(removals).chain(idle).collect()
    }

    fn undefined_default(&self, config: &Config) -> Option<Finding> {
        let Located { value: name, origin } = self.default_tenant.as_ref()?;
        (!config.tenants.contains_key(name)).then(|| {
            let hint = self.hint(config, name);
            let message =
                format!("default_tenant: no [tenant.'{name}'] defines it; mail that names no tenant is refused{hint}");
            finding(Severity::Warning, origin, message)
        })
    }

    fn undefined_tenant(&self, config: &Config, domain: &str, tenant: &Located<String>) -> Option<Finding> {
        let Located { value: name, origin } = tenant;
        let message = if config.tenants.contains_key(name) {
            return None;
        } else if lacks_quotes(domain) {
            format!(
                "`{name}` is taken for a tenant and `{domain}` for a domain; a domain with dots is written in quotes, \
                 [queue.'{domain}.{name}']"
            )
        } else if config.tenants.is_empty() {
            return None;
        } else {
            format!(
                "no [tenant.'{name}'] defines this tenant; mail that names it is refused{}",
                self.hint(config, name)
            )
        };
        Some(finding(Severity::Warning, origin, message))
    }

    fn hint(&self, config: &Config, name: &str) -> String {
        if config.tenants.len() * (self.tenants.len() + 1) > COMPARISONS {
            return String::new();
        }
        let near = nearest(name, config.tenants.keys().map(String::as_str));
        near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
    }
}

fn header_that_is_not_read(config: &Config, header: &str, origin: &Origin) -> Option<Finding> {
    let name = if header == "tenant_header" { &config.tenant_header } else { &config.campaign_header };
    name.is_none()
        .then(|| finding(Severity::Warning, origin, format!("remove_{header} has no effect: no {header} is given")))
}

fn finding(severity: Severity, origin: &Origin, message: String) -> Finding {
    Finding { severity, file: Some(origin.file.to_string()), at: Some(origin.at), message }
}
