//! The shared words, to and from our own types.

use std::time::Duration;

use tollgate_capability::Refused as NotGiven;
use tollgate_config::Rate;
use tollgate_message::{Address, QueueName};
use tollgate_policy::scope::Refused;
use tollgate_smtp::{EnhancedCode, Reply};

use crate::{bindings::host::tollgate::policy::types as wit, state::HostState};

impl wit::Host for HostState {}

impl From<wit::Rate> for Rate {
    fn from(rate: wit::Rate) -> Self {
        let period = Duration::from_millis(rate.period_ms);
        Self { limit: rate.limit, period, max_burst: rate.max_burst, local: rate.local }
    }
}

impl From<&Reply> for wit::Reply {
    fn from(reply: &Reply) -> Self {
        let enhanced = reply.enhanced().map(|code| code.to_string());
        Self { code: reply.code(), enhanced, text: reply.text().to_owned() }
    }
}

/// Returns a mailbox for a guest.
pub(crate) fn mailbox(address: &Address) -> wit::Mailbox {
    wit::Mailbox { local_part: address.local_part().to_owned(), domain: address.domain().to_owned() }
}

/// Returns a queue's name for a guest.
pub(crate) fn queue_name(name: &QueueName) -> wit::QueueName {
    wit::QueueName {
        campaign: name.campaign.clone(),
        tenant: name.tenant.clone(),
        domain: name.domain.clone(),
        routing_domain: name.routing_domain.clone(),
    }
}

impl From<Refused> for wit::PolicyError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Denied(text) => Self::Denied(text),
            Refused::Invalid(text) => Self::Invalid(text),
            Refused::TooLarge(octets) => Self::TooLarge(octets as u64),
        }
    }
}

impl From<NotGiven> for wit::PolicyError {
    fn from(refused: NotGiven) -> Self {
        match refused {
            NotGiven::Denied(text) => Self::Denied(text),
            NotGiven::Invalid(text) => Self::Invalid(text),
            NotGiven::TooLarge(most) => Self::TooLarge(most),
            NotGiven::Unavailable(text) => Self::Unavailable(text),
            other => Self::Other(other.to_string()),
        }
    }
}

/// Returns a guest's reply as ours, or what is wrong with it.
pub(crate) fn reply_from_guest(reply: wit::Reply) -> Result<Reply, String> {
    let enhanced = match &reply.enhanced {
        None => None,
        Some(text) => Some(EnhancedCode::parse(text).ok_or_else(|| format!("'{text}' is no enhanced status code"))?),
    };
    let code = reply.code;
    Reply::new(code, enhanced, reply.text).ok_or_else(|| format!("{code} with {:?} is no reply", reply.enhanced))
}

/// Returns a guest's rate as ours, or what is wrong with it.
pub(crate) fn rate_from_guest(rate: wit::Rate) -> Result<Rate, String> {
    match (rate.limit, rate.period_ms, rate.max_burst) {
        (0, _, _) => Err("a rate's limit is at least 1".to_owned()),
        (_, 0..1000, _) => Err("a rate's period is at least 1000 ms".to_owned()),
        (_, _, Some(0)) => Err("a rate's max-burst is at least 1".to_owned()),
        _ => Ok(rate.into()),
    }
}
