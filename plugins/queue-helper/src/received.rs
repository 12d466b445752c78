//! What happens to a message: schedule, campaign, tenant, authorisation, routing domain, in this order.
//!
//! The host is told once what is asked of every message, and hands over the answers; what is to be changed goes back with the
//! verdict. In between this is plain Rust.

use tollgate_sdk::{Answer, Edit, LONGEST_META, Reply, brief::Question, reject};

use crate::{
    config::{Config, Located, Tenant},
    resolve,
};

/// What a message answers. Values of headers are trimmed, and absent where there is no such field.
struct Seen {
    may_relay: bool,
    authz_id: Option<String>,
    domain: Option<String>,
    preset_tenant: Option<String>,
    preset_campaign: Option<String>,
    campaign: Option<String>,
    tenant: Option<String>,
    /// A header says more than anything here may be long.
    is_too_long: bool,
}

/// Returns what these files make one ask of every message. The schedule comes first: one that cannot be used is refused before
/// anything else is. A field that goes is not there for a second purpose that it may have been named for.
#[must_use]
pub fn questions(config: &Config) -> Vec<Question> {
    let Config { scheduling_header, campaign_header, tenant_header, .. } = config;
    let meta = |key: &str| Question::Meta(key.to_owned());
    let header = |name: &String, remove| match remove {
        Some(true) => Question::TakeHeader(name.clone()),
        _ => Question::Header(name.clone()),
    };
    let schedule = scheduling_header.iter().cloned().map(Question::TakeSchedule);
    let identity = config.guarded.then_some(Question::AuthzId);
    let domain = config.routes.anywhere.then_some(Question::Domain);
    let session = [Question::MayRelay, meta("tenant"), meta("campaign")].into_iter().chain(identity).chain(domain);
    let campaign = campaign_header.iter().map(|name| header(name, config.remove_campaign_header));
    let tenant = tenant_header.iter().map(|name| header(name, config.remove_tenant_header));
    schedule.chain(session).chain(campaign).chain(tenant).collect()
}

impl Seen {
    /// Takes the answers to [`questions`], in that order.
    fn of(config: &Config, answers: Vec<Answer>) -> Self {
        let (mut answers, mut is_too_long) = (answers.into_iter(), false);
        if config.scheduling_header.is_some() {
            answers.next();
        }
        let may_relay = matches!(answers.next(), Some(Answer::Flag(true)));
        let mut text = || match answers.next() {
            Some(Answer::Text(text)) => text,
            Some(Answer::TooLong(_)) => {
                is_too_long = true;
                None
            }
            _ => None,
        };
        let [preset_tenant, preset_campaign] = [text(), text()];
        let authz_id = config.guarded.then(&mut text).flatten();
        let domain = config.routes.anywhere.then(&mut text).flatten();
        let mut header = |name: &Option<String>| name.as_ref().and_then(|_| text());
        let (campaign, tenant) = (header(&config.campaign_header), header(&config.tenant_header));
        Self { may_relay, authz_id, domain, preset_tenant, preset_campaign, campaign, tenant, is_too_long }
    }
}

/// Sets a message up with edits, or refuses it.
///
/// # Errors
/// The reply for the sender: `550 5.6.0` for what is too long, `550 5.7.1` for its tenant.
pub fn judge(config: &Config, answers: Vec<Answer>, edits: &mut Vec<Edit>) -> Result<(), Reply> {
    let mut seen = Seen::of(config, answers);
    if !seen.may_relay {
        remove_unread(config, &mut seen, edits);
    }
    let [campaign, said] =
        [seen.campaign.take(), seen.tenant.take()].map(|value| value.filter(|value| !value.is_empty()));
    let too_long = |text: &Option<String>| text.as_ref().is_some_and(|text| text.len() > LONGEST_META);
    if seen.is_too_long || too_long(&campaign) || too_long(&said) {
        return Err(reject("5.6.0", "the message's tenant or campaign is too long"));
    }
    let tenant = tenant(config, said, &mut seen)?;
    // One that the header does not name may have been set before.
    let of_campaign = campaign.as_ref().or(seen.preset_campaign.as_ref());
    if let Some(domain) = &seen.domain
        && let Some(routing) =
            resolve::routing_domain(config, domain, tenant.as_deref(), of_campaign.map(String::as_str))
    {
        edits.push(set("routing_domain", routing.to_owned()));
    }
    edits.extend(campaign.map(|campaign| set("campaign", campaign)));
    edits.extend(tenant.map(|tenant| set("tenant", tenant)));
    Ok(())
}

/// Someone who may send only to us may not say whose mail it is, nor when it is due.
fn remove_unread(config: &Config, seen: &mut Seen, edits: &mut Vec<Edit>) {
    (seen.campaign, seen.tenant, seen.is_too_long) = (None, None, false);
    let headers = [&config.campaign_header, &config.tenant_header];
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

/// In line, a key is a number in the code; else it is a text in a page of memory that no message needs otherwise.
#[inline(always)]
fn set(key: &str, value: String) -> Edit {
    Edit::SetMeta((key.to_owned(), Some(value)))
}
