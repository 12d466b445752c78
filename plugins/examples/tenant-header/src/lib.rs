//! The tenant out of a header field, with what the user guide says its example lacks: an empty or incorrect one.
//!
//! [`TenantHeader::decide`] says whose mail a message is. [`config`] reads the file. What is left here asks the message for
//! what the decision needs, and sets what came out.

mod config;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use tollgate_sdk::{
    Configure, File, Message, MessageReceived, Reply, Verdict,
    config::{Outcome, one_file},
    register, reject,
};

/// The file, read.
struct TenantHeader {
    header: String,
    remove: bool,
    unknown: Unknown,
    default_tenant: Option<String>,
    /// Who may send as each tenant; `None` is every session that may relay.
    tenants: BTreeMap<String, Option<Vec<String>>>,
}

/// What becomes of a header that names no tenant of ours.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unknown {
    Reject,
    Default,
}

impl TenantHeader {
    /// Returns the tenant that a message gets, or `None` where it stays as it is.
    ///
    /// `said` are the values of the header, `earlier` is the tenant that a policy before this one set.
    fn decide(&self, said: &[String], earlier: Option<&str>, authz_id: Option<&str>) -> Result<Option<&str>, Reply> {
        let named = match self.named(said) {
            Err(_) if self.unknown == Unknown::Default => None,
            named => named.map_err(|reason| reject("5.7.1", &reason))?,
        };
        let tenant = match (named, earlier) {
            (Some(name), Some(earlier)) if name != earlier => {
                return Err(reject("5.7.1", &format!("{}: this mail is not of tenant '{name}'", self.header)));
            }
            (_, Some(_)) => return Ok(None),
            (named, None) => named.or(self.default_tenant.as_deref()),
        };
        tenant.map(|name| self.authorize(name, authz_id)).transpose()
    }

    /// Returns the tenant that the header names; a blank header names none.
    fn named(&self, said: &[String]) -> Result<Option<&str>, String> {
        let header = &self.header;
        let mut names = said.iter().map(|value| value.trim()).filter(|name| !name.is_empty());
        let Some(name) = names.next() else { return Ok(None) };
        if names.any(|other| other != name) {
            return Err(format!("{header}: several fields name different tenants"));
        }
        config::tenant_name(name).map_err(|reason| format!("{header}: {reason}"))?;
        let known = self.tenants.get_key_value(name);
        known.map(|(name, _)| Some(name.as_str())).ok_or_else(|| format!("{header}: there is no tenant '{name}' here"))
    }

    fn authorize<'a>(&self, name: &'a str, authz_id: Option<&str>) -> Result<&'a str, Reply> {
        let allowed = self.tenants.get(name).and_then(Option::as_ref);
        match (allowed, authz_id) {
            (None, _) => Ok(name),
            (Some(allowed), Some(id)) if allowed.iter().any(|allowed| allowed == id) => Ok(name),
            (Some(_), _) => Err(reject("5.7.1", &format!("you are not authorized to send as tenant '{name}'"))),
        }
    }
}

impl Configure for TenantHeader {
    fn configure(files: Vec<File>) -> Outcome<Self> {
        one_file(&files, config::read)
    }
}

impl MessageReceived for TenantHeader {
    fn message_received(&self, message: &Message) -> Result<Verdict, Reply> {
        let believed = message.may_relay();
        let said = if believed { message.all_headers(&self.header) } else { Vec::new() };
        if self.remove || !believed {
            message.remove_header(&self.header);
        }
        let earlier = message.get_meta("tenant").filter(|tenant| !tenant.trim().is_empty());
        if let Some(tenant) = self.decide(&said, earlier.as_deref(), message.authz_id().as_deref())? {
            message.set_meta("tenant", Some(tenant)).expect("a tenant's name is short");
        }
        Ok(Verdict::Accept)
    }
}

register!(TenantHeader: configure, message_received);
