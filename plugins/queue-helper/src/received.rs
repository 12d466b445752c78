//! What happens to a message: schedule, campaign, tenant, authorisation, routing domain, in this order.
//!
//! A question to the host costs more than its answer. So everything is asked in one, decided here in plain Rust, and changed in
//! one.

use tollgate_sdk::{Answer, Edit, Message, Question, Reply, reject};

use crate::{
    config::{Config, Located, Tenant},
    resolve,
};

/// What is asked of every message.
pub struct Questions {
    asked: Vec<Question>,
    /// The headers among them, as far as the files name them.
    scheduling: Option<String>,
    campaign: Option<String>,
    tenant: Option<String>,
}

/// What a message answers. Values of headers are trimmed, and absent where there is no such field.
struct Seen {
    may_relay: bool,
    authz_id: Option<String>,
    domain: Option<String>,
    preset_tenant: Option<String>,
    preset_campaign: Option<String>,
    scheduling: Option<String>,
    campaign: Option<String>,
    tenant: Option<String>,
}

impl Questions {
    /// Returns what these files make one ask.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let meta = |key: &str| Question::Meta(key.to_owned());
        let mut asked = vec![Question::MayRelay, Question::AuthzId, Question::Domain, meta("tenant"), meta("campaign")];
        let (scheduling, campaign, tenant) =
            (config.scheduling_header.clone(), config.campaign_header.clone(), config.tenant_header.clone());
        asked.extend([&scheduling, &campaign, &tenant].into_iter().flatten().cloned().map(Question::Header));
        Self { asked, scheduling, campaign, tenant }
    }

    fn put(&self, message: &Message) -> Seen {
        let mut answers = message.ask(&self.asked).into_iter();
        let may_relay = matches!(answers.next(), Some(Answer::Flag(true)));
        let mut text = || match answers.next() {
            Some(Answer::Text(text)) => text,
            _ => None,
        };
        let [authz_id, domain, preset_tenant, preset_campaign] = [text(), text(), text(), text()];
        let mut header = |name: &Option<String>| name.as_ref().and_then(|_| text());
        let (scheduling, campaign, tenant) = (header(&self.scheduling), header(&self.campaign), header(&self.tenant));
        Seen { may_relay, authz_id, domain, preset_tenant, preset_campaign, scheduling, campaign, tenant }
    }
}

/// Sets a message up, or refuses it.
///
/// # Errors
/// The reply for the sender: `550 5.6.0` or `5.4.7` for its schedule, `550 5.7.1` for its tenant.
pub fn apply(config: &Config, questions: &Questions, message: &Message) -> Result<(), Reply> {
    let mut seen = questions.put(message);
    let mut edits = Vec::with_capacity(6);
    if !seen.may_relay {
        remove_unread(questions, &mut seen, &mut edits);
    }
    if let (Some(header), Some(value)) = (&questions.scheduling, &seen.scheduling) {
        // A blank one says nothing, like a blank campaign or tenant; it goes all the same.
        if !value.is_empty() {
            message.import_scheduling_header(header)?;
        }
        edits.push(Edit::RemoveHeader(header.clone()));
    }
    let campaign = take(&questions.campaign, seen.campaign.take(), config.remove_campaign_header, &mut edits);
    let said = take(&questions.tenant, seen.tenant.take(), config.remove_tenant_header, &mut edits);
    edits.extend(campaign.clone().map(|campaign| set("campaign", campaign)));
    let tenant = tenant(config, said, &mut seen)?;
    edits.extend(tenant.clone().map(|tenant| set("tenant", tenant)));
    // One that the header does not name may have been set before.
    let campaign = campaign.or(seen.preset_campaign);
    if let Some(domain) = &seen.domain
        && let Some(routing) = resolve::routing_domain(config, domain, tenant.as_deref(), campaign.as_deref())
    {
        edits.push(set("routing_domain", routing.to_owned()));
    }
    message.apply(&edits).map_err(|_| reject("5.6.0", "the message's tenant, campaign or routing domain is too long"))
}

/// Someone who may send only to us may not say whose mail it is, nor when it is due.
fn remove_unread(questions: &Questions, seen: &mut Seen, edits: &mut Vec<Edit>) {
    (seen.scheduling, seen.campaign, seen.tenant) = (None, None, None);
    let headers = [&questions.scheduling, &questions.campaign, &questions.tenant];
    edits.extend(headers.into_iter().flatten().cloned().map(Edit::RemoveHeader));
}

/// Returns the tenant that the message gets, checked; `said` is the one that its header names.
fn tenant(config: &Config, said: Option<String>, seen: &mut Seen) -> Result<Option<String>, Reply> {
    let preset = seen.preset_tenant.take().filter(|tenant| !tenant.trim().is_empty());
    let (name, source) = if let Some(name) = said {
        (name, Source::Header)
    } else if let Some(name) = preset {
        if config.tenants.is_empty() {
            return Ok(Some(name));
        }
        (name, Source::Policy)
    } else if let Some(name) = &config.default_tenant {
        (name.clone(), Source::Default)
    } else {
        return Ok(None);
    };
    let Some(tenant) = config.tenants.get(&name) else {
        let source = source.words(config);
        let text = format!("tenant '{name}' specified by {source} is not defined in your queue config");
        return Err(refused(&text));
    };
    authorize(&name, tenant, seen.authz_id.as_deref())?;
    Ok(Some(name))
}

/// Who says whose mail it is.
enum Source {
    Header,
    Policy,
    Default,
}

impl Source {
    fn words(&self, config: &Config) -> String {
        match self {
            Self::Header => format!("'{}' header", config.tenant_header.as_deref().unwrap_or_default()),
            Self::Policy => "policy".to_owned(),
            Self::Default => "default_tenant option".to_owned(),
        }
    }
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

/// Returns what a header says, if it says anything; removes it where that is asked for. One field may have been named for two
/// things: what the first of them removes is not there for the second.
fn take(header: &Option<String>, value: Option<String>, remove: Option<bool>, edits: &mut Vec<Edit>) -> Option<String> {
    let (header, value) = (header.as_ref()?, value?);
    let is_gone = |edit: &Edit| matches!(edit, Edit::RemoveHeader(gone) if gone.eq_ignore_ascii_case(header));
    if edits.iter().any(is_gone) {
        return None;
    }
    if remove == Some(true) {
        edits.push(Edit::RemoveHeader(header.clone()));
    }
    Some(value).filter(|value| !value.is_empty())
}

fn set(key: &str, value: String) -> Edit {
    Edit::SetMeta((key.to_owned(), Some(value)))
}
