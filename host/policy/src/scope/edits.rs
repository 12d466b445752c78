//! Header and metadata: which of a message's are a tenant's to write.

use tollgate_message::{Edits, Header, Meta, meta};

use super::{Bounds, Refused};

/// Metadata that names, routes or describes a message to the host.
const RESERVED: [&str; 9] = [
    meta::QUEUE,
    meta::TENANT,
    meta::ROUTING_DOMAIN,
    "authz_id",
    "authn_id",
    "reception_protocol",
    "hostname",
    "http_auth",
    "ehlo_domain",
];
/// Metadata of the session, whatever comes to be noted of it.
const RESERVED_BLOCKS: [&str; 2] = ["received_", "tls_"];

/// Longest campaign: it is part of a queue's name, which stands in every record and in every answer about queues.
const CAMPAIGN: usize = 255;
/// Most octets of metadata of a tenant's own: they are stored with the message and written with its records.
const OWN: usize = 16 << 10;

pub(super) fn may_set_meta(before: &Meta, now: &Meta, key: &str, value: Option<&str>) -> Result<(), Refused> {
    if key == meta::CAMPAIGN {
        return value.map_or(Ok(()), campaign);
    }
    if is_reserved(key) {
        let text = format!("the metadata `{key}` is the host's; only a plugin of the operator's may set it");
        return Err(Refused::Denied(text));
    }
    if before.contains_key(key) {
        let text = format!("the metadata `{key}` was set before this component was asked; it takes a key of its own");
        return Err(Refused::Denied(text));
    }
    let others = own(before, now).filter(|(other, _)| *other != key);
    let octets: usize = others.chain(value.map(|value| (key, value))).map(|(key, value)| key.len() + value.len()).sum();
    if octets > OWN { Err(Refused::TooLarge(OWN)) } else { Ok(()) }
}

/// Returns whether a key is the host's. Written otherwise, it is not what the host reads, but people would take it for that.
fn is_reserved(key: &str) -> bool {
    let key = key.trim().to_ascii_lowercase();
    let is_campaign = key == meta::CAMPAIGN;
    is_campaign || RESERVED.contains(&key.as_str()) || RESERVED_BLOCKS.iter().any(|block| key.starts_with(block))
}

fn campaign(campaign: &str) -> Result<(), Refused> {
    if campaign.len() > CAMPAIGN {
        return Err(Refused::TooLarge(CAMPAIGN));
    }
    if campaign.chars().any(char::is_control) {
        return Err(Refused::Invalid("a campaign holds no control characters".to_owned()));
    }
    Ok(())
}

fn own<'a>(before: &'a Meta, now: &'a Meta) -> impl Iterator<Item = (&'a str, &'a str)> {
    let added = now.iter().filter(|(key, _)| !before.contains_key(*key) && *key != meta::CAMPAIGN);
    added.map(|(key, value)| (key.as_str(), value.as_str()))
}

impl Bounds {
    /// Returns what a tenant's component made of a message as far as it is the tenant's to make, and what was taken back.
    ///
    /// The functions that a guest calls have asked before; whatever is taken back here is a fault of theirs.
    #[must_use]
    pub fn confine(&self, before: &Edits, after: Edits) -> (Edits, Vec<String>) {
        let mut taken_back = Vec::new();
        let Edits { header, meta, schedule } = after;
        let meta = confine_meta(&before.meta, &meta, &mut taken_back);
        let kept = self.reserved(&before.header).eq(self.reserved(&header));
        let header = if kept {
            header
        } else {
            taken_back.push("all edits of the header: a reserved field is not what it was".to_owned());
            before.header.clone()
        };
        (Edits { header, meta, schedule }, taken_back)
    }

    /// Returns the fields that are not the tenant's to write, in their order.
    fn reserved<'a>(&'a self, header: &'a Header) -> impl Iterator<Item = (String, &'a [u8])> {
        let reserved = header.iter().filter(|(name, _)| self.may_write_header(name).is_err());
        reserved.map(|(name, value)| (name.to_ascii_lowercase(), value))
    }
}

/// Returns the metadata of before with those changes that are in scope.
fn confine_meta(before: &Meta, after: &Meta, taken_back: &mut Vec<String>) -> Meta {
    let mut confined = before.clone();
    let keys = before.keys().chain(after.keys().filter(|key| !before.contains_key(*key)));
    for key in keys.filter(|key| before.get(*key) != after.get(*key)) {
        let value = after.get(key);
        match may_set_meta(before, &confined, key, value.map(String::as_str)) {
            Ok(()) => match value {
                Some(value) => drop(confined.insert(key.clone(), value.clone())),
                None => drop(confined.remove(key)),
            },
            Err(refused) => taken_back.push(format!("metadata `{key}`: {refused}")),
        }
    }
    confined
}
