//! Values of the helper's own keys.

use tollgate_config::{Entry, Node, Rate, Value};

use super::{Place, Reader};
use crate::{
    config::Located,
    options::{self, rate_text, short_text, text},
};

impl Reader<'_> {
    /// Reads the name of a header field (RFC 5322 §2.2).
    pub(super) fn header(&mut self, entry: &Entry) -> Option<String> {
        let name = self.name(entry)?;
        let Some(odd) = name.chars().find(|c| !c.is_ascii_graphic() || *c == ':') else { return Some(name) };
        let message = format!("{}: '{name}' is no name of a header field: it holds {odd:?}", entry.key);
        self.findings.error(entry.at, message);
        None
    }

    pub(super) fn default_tenant(&mut self, entry: &Entry) -> Option<String> {
        let name = self.name(entry)?;
        self.mentions.default_tenant = Some(self.located(name.clone(), entry));
        Some(name)
    }

    /// Reads whether a header is removed once it was read.
    pub(super) fn removal(&mut self, entry: &Entry, header: &'static str) -> Option<bool> {
        let remove = self.checked(entry, |node| match node.value {
            Value::Boolean(value) => Ok(value),
            ref other => Err(format!("expected true or false, got {}", other.kind())),
        })?;
        let origin = self.origin(entry);
        self.mentions.removal(header, remove, origin);
        Some(remove)
    }

    /// Reads who may use a tenant; every bad entry is told at its own place.
    pub(super) fn identities(&mut self, entry: &Entry) -> Option<Located<Vec<String>>> {
        let Value::Array(items) = &entry.node.value else {
            let kind = entry.node.value.kind();
            self.findings.error(entry.at, format!("require_authz: expected a list of names, got {kind}"));
            return None;
        };
        if items.is_empty() {
            self.findings.note(entry.at, "require_authz is an empty list: no one may use this tenant");
        }
        let mut names = Vec::with_capacity(items.len());
        for item in items {
            match text(&item.value, "the name of a user or token") {
                Ok(name) if name.trim().is_empty() => {
                    self.findings.error(item.at, "require_authz: a name is empty; no user or token has that name");
                }
                Ok(name) => {
                    if name.trim() != name {
                        let message = format!("require_authz: no user or token is called '{name}', blanks and all");
                        self.findings.warning(item.at, message);
                    }
                    names.push(name.to_owned());
                }
                Err(reason) => self.findings.error(item.at, format!("require_authz: {reason}")),
            }
        }
        Some(self.located(names, entry))
    }

    pub(super) fn routing_domain(&mut self, entry: &Entry) -> Option<Located<String>> {
        let domain = self.name(entry)?;
        match options::routing_domain(&domain) {
            Ok(()) => Some(self.located(domain, entry)),
            Err(reason) => {
                self.findings.error(entry.at, format!("routing_domain: {reason}"));
                None
            }
        }
    }

    pub(super) fn overall_rate(&mut self, entry: &Entry, place: Place) -> Option<Located<Rate>> {
        let rate = self.checked(entry, |node| rate_text(&node.value))?;
        if !place.has_overall_rate() {
            let message =
                "overall_max_message_rate has no effect here; it belongs into [tenant.T] or [tenant.T.campaigns.C]";
            self.findings.warning(entry.at, message);
        }
        Some(self.located(rate, entry))
    }

    /// Reads a name, trimmed. An empty one is as good as none.
    fn name(&mut self, entry: &Entry) -> Option<String> {
        let name = self.checked(entry, |node| short_text(&node.value, "text").map(str::to_owned))?;
        if name.is_empty() {
            self.findings.warning(entry.at, format!("{} is empty, which is as if it were not there", entry.key));
        }
        Some(name).filter(|name| !name.is_empty())
    }

    fn checked<T>(&mut self, entry: &Entry, read: impl FnOnce(&Node) -> Result<T, String>) -> Option<T> {
        read(&entry.node).map_err(|reason| self.findings.error(entry.at, format!("{}: {reason}", entry.key))).ok()
    }
}
