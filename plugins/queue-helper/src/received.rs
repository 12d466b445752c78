//! What happens to a message: schedule, campaign, tenant, authorisation, routing domain, in this order.

use tollgate_sdk::{Message, Reply, domains, reject};

use crate::{
    config::{Config, Located, Tenant},
    resolve,
};

/// Sets a message up, or refuses it.
///
/// # Errors
/// The reply for the sender: `550 5.6.0` or `5.4.7` for its schedule, `550 5.7.1` for its tenant.
pub fn apply(config: &Config, message: &Message) -> Result<(), Reply> {
    if !message.may_relay() {
        remove_unread(config, message);
    }
    if let Some(header) = &config.scheduling_header
        && let Some(value) = message.first_header(header)
    {
        // A blank one says nothing, like a blank campaign or tenant; it goes all the same.
        if !value.is_empty() {
            message.import_scheduling_header(header)?;
        }
        message.remove_header(header);
    }
    let campaign = take(message, config.campaign_header.as_deref(), config.remove_campaign_header);
    if let Some(campaign) = &campaign {
        set(message, "campaign", campaign)?;
    }
    let tenant = tenant(config, message)?;
    if let Some(tenant) = &tenant {
        set(message, "tenant", tenant)?;
    }
    // One that the header does not name may have been set before. Each question to the host costs, so what is known is not asked.
    let campaign = campaign.or_else(|| message.get_meta("campaign"));
    route(config, message, tenant.as_deref(), campaign.as_deref())
}

/// Someone who may send only to us may not say whose mail it is, nor when it is due.
fn remove_unread(config: &Config, message: &Message) {
    for header in [&config.scheduling_header, &config.campaign_header, &config.tenant_header].into_iter().flatten() {
        message.remove_header(header);
    }
}

/// Returns the tenant that the message gets, checked.
fn tenant(config: &Config, message: &Message) -> Result<Option<String>, Reply> {
    let header = take(message, config.tenant_header.as_deref(), config.remove_tenant_header);
    let preset = message.get_meta("tenant").filter(|tenant| !tenant.trim().is_empty());
    let (name, source) = if let Some(name) = header {
        (name, format!("'{}' header", config.tenant_header.as_deref().unwrap_or_default()))
    } else if let Some(name) = preset {
        if config.tenants.is_empty() {
            return Ok(Some(name));
        }
        (name, "policy".to_owned())
    } else if let Some(name) = &config.default_tenant {
        (name.clone(), "default_tenant option".to_owned())
    } else {
        return Ok(None);
    };
    let Some(tenant) = config.tenants.get(&name) else {
        let text = format!("tenant '{name}' specified by {source} is not defined in your queue config");
        return Err(refused(&text));
    };
    authorize(&name, tenant, message.authz_id().as_deref())?;
    Ok(Some(name))
}

fn authorize(name: &str, tenant: &Tenant, authz_id: Option<&str>) -> Result<(), Reply> {
    let Some(Located { value: allowed, .. }) = &tenant.require_authz else { return Ok(()) };
    match authz_id {
        None => Err(refused(&format!("tenant '{name}' requires SMTP AUTH"))),
        Some(id) if allowed.iter().any(|allowed| allowed == id) => Ok(()),
        Some(id) => Err(refused(&format!("authz_id '{id}' is not authorized to send as tenant '{name}'"))),
    }
}

/// Returns the refusal of a tenant. Names come from senders, and one of theirs may hold a line end: the reply is one line.
fn refused(text: &str) -> Reply {
    reject("5.7.1", &text.replace(char::is_control, " "))
}

/// Sets the routing domain that the levels give for the first recipient's domain.
fn route(config: &Config, message: &Message, tenant: Option<&str>, campaign: Option<&str>) -> Result<(), Reply> {
    let Some(recipient) = message.recipients().into_iter().next() else { return Ok(()) };
    let domain = domains::normalize(&recipient.domain);
    match resolve::routing_domain(config, &domain, tenant, campaign) {
        Some(routing) => set(message, "routing_domain", routing),
        None => Ok(()),
    }
}

/// Returns what a header says, trimmed, if it says anything; removes it where that is asked for.
fn take(message: &Message, header: Option<&str>, remove: Option<bool>) -> Option<String> {
    let header = header?;
    let value = message.first_header(header);
    if value.is_some() && remove == Some(true) {
        message.remove_header(header);
    }
    value.filter(|value| !value.is_empty())
}

fn set(message: &Message, key: &str, value: &str) -> Result<(), Reply> {
    let refused = |_| reject("5.6.0", &format!("the message's {key} is too long"));
    message.set_meta(key, Some(value)).map_err(refused)
}
