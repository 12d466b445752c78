//! Whose mail a message is: what the session proves against what header and policy say.
//!
//! Before policy is asked, a message of a bound identity gets its tenant; afterwards what came out is compared. The
//! tenant counts twice: in the metadata, and in the name of the queue, which policy may have given whole.
//!
//! | session | policy left | becomes |
//! |---|---|---|
//! | bound to `t` | `t` | `t` |
//! | bound to `t` | another tenant, or none | `550 5.7.1` |
//! | not bound | a tenant that has identities | `550 5.7.1`, though it be `default_tenant` |
//! | not bound | any other, or none | what policy left |
//!
//! Only who may relay speaks for anybody: other mail is for us, and is not bound. What policy demands besides
//! (`require_authz`, a tenant that is defined) holds for bound identities too.

use tollgate_inbound::Caller;
use tollgate_message::{Draft, QueueName, meta::TENANT};
use tollgate_policy::{Outcome, Refusal};
use tollgate_smtp::{EnhancedCode, PermReply};

use crate::config::Identities;

/// What is known of a message's tenant before policy is asked.
#[derive(Debug)]
pub(crate) struct Claim<'a> {
    identities: &'a Identities,
    caller: &'a Caller,
    bound: Option<&'a str>,
}

impl<'a> Claim<'a> {
    /// Finds out for whom a caller speaks, and says so in the message's metadata.
    pub(crate) fn make(identities: &'a Identities, caller: &'a Caller, draft: &mut Draft) -> Self {
        let bound = identities.tenant_of(caller).filter(|_| draft.received.session.may_relay);
        if let Some(tenant) = bound {
            draft.edits.meta.insert(TENANT.to_owned(), tenant.to_owned());
        }
        Self { identities, caller, bound }
    }

    /// Returns the tenant as which the caller has to send, if there is one.
    pub(crate) fn bound(&self) -> Option<&'a str> {
        self.bound
    }

    /// Holds a message to the claim when policy has had its say: `outcome` stands, or becomes `550 5.7.1` with a text that
    /// names the tenants. `queue`: where the message would go.
    pub(crate) fn hold(&self, outcome: Outcome, draft: &Draft, queue: &QueueName) -> Outcome {
        if matches!(outcome, Outcome::Refuse(_)) {
            return outcome;
        }
        self.compare(draft, queue).map_or_else(|refusal| Outcome::Refuse(Refusal::Reject(refusal)), |()| outcome)
    }

    fn compare(&self, draft: &Draft, queue: &QueueName) -> Result<(), PermReply> {
        let tenant = draft.edits.meta.get(TENANT).map(String::as_str).filter(|tenant| !tenant.trim().is_empty());
        match self.bound {
            None => [tenant, queue.tenant.as_deref()].into_iter().flatten().try_for_each(|tenant| self.open(tenant)),
            Some(bound) if tenant != Some(bound) => Err(self.mismatch(bound, tenant)),
            Some(bound) => match queue.tenant.as_deref().filter(|tenant| *tenant != bound) {
                Some(other) => Err(self.mismatch(bound, Some(other))),
                None => Ok(()),
            },
        }
    }

    fn open(&self, tenant: &str) -> Result<(), PermReply> {
        if !self.identities.is_closed(tenant) {
            return Ok(());
        }
        Err(refusal(&format!("tenant '{tenant}' takes mail from its own identities only, and {} is none", self.who())))
    }

    fn mismatch(&self, bound: &str, other: Option<&str>) -> PermReply {
        let other = other.map_or("without a tenant".to_owned(), |other| format!("as tenant '{other}'"));
        refusal(&format!("{} sends as tenant '{bound}' and may not send {other}", self.who()))
    }

    /// Names the caller in words that tell it nothing it does not know.
    fn who(&self) -> String {
        match (&self.caller.identity, self.caller.address) {
            (Some(identity), _) => identity.to_string(),
            (None, Some(address)) => address.to_string(),
            (None, None) => "this session".to_owned(),
        }
    }
}

fn refusal(text: &str) -> PermReply {
    PermReply::new(550, EnhancedCode::new(5, 7, 1), text).expect("550 and 5.7.1 are of one class")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use tollgate_inbound::Identity;
    use tollgate_message::{Address, Envelope, MessageId, Origin, Received, Session, Timestamp};

    use super::*;
    use crate::config::bindings;

    const MINE: &str = "[tenant.mine]\nidentities = ['user:scott', 'net:10.1.0.0/16']\n\
                        [tenant.theirs]\nidentities = ['user:ada']\n[tenant.nobodys]\n";

    fn draft(may_relay: bool) -> Draft {
        let envelope = Envelope {
            sender: None,
            recipients: vec![Address::new("u@example.com")],
            smtputf8: false,
            eight_bit: false,
        };
        let session = Session {
            origin: Origin::Smtp,
            authz_id: None,
            may_relay,
            peer: None,
            local: None,
            ehlo_domain: None,
            hostname: "mta.example".to_owned(),
        };
        let at = Timestamp::from_millis(0);
        let (id, session, content) = (MessageId::from_bytes([1; 16]), Arc::new(session), Bytes::new());
        Draft::new(Received { id, at, envelope, session, content, size: 0 })
    }

    /// Returns the queue, or the refusal, of a message whose metadata policy sets so; `from`: a user or an address.
    fn judge(from: &str, may_relay: bool, policy: &[(&str, &str)]) -> String {
        let address = from.parse().ok();
        let identity = address.is_none().then(|| Identity::User(from.to_owned()));
        let (identities, caller) = (bindings(MINE), Caller { identity, address });
        let mut draft = draft(may_relay);

        let claim = Claim::make(&identities, &caller, &mut draft);
        for (key, value) in policy {
            draft.edits.meta.insert((*key).to_owned(), (*value).to_owned());
        }
        let queue = draft.queue_name();
        match claim.hold(Outcome::Accept, &draft, &queue) {
            Outcome::Refuse(refusal) => refusal.reply().to_string(),
            outcome => format!("{outcome:?} {queue}"),
        }
    }

    #[test]
    fn a_bound_identity_sends_as_its_tenant_and_no_other() {
        let (scott, other) = ("550 5.7.1 user:scott sends as tenant 'mine' and may not send", "as tenant 'theirs'");
        for (from, policy, expected) in [
            ("scott", vec![], "Accept mine@example.com".to_owned()),
            ("scott", vec![("tenant", "mine")], "Accept mine@example.com".to_owned()),
            ("scott", vec![("tenant", "theirs")], format!("{scott} {other}")),
            ("scott", vec![("tenant", "unknown")], format!("{scott} as tenant 'unknown'")),
            ("scott", vec![("tenant", "mine ")], format!("{scott} as tenant 'mine '")),
            ("scott", vec![("tenant", " ")], format!("{scott} without a tenant")),
            ("scott", vec![("queue", "c:mine@other.example")], "Accept c:mine@other.example".to_owned()),
            ("scott", vec![("queue", "parked")], "Accept parked".to_owned()),
            ("scott", vec![("queue", "theirs@example.com")], format!("{scott} {other}")),
            ("scott", vec![("queue", "c:%74heirs@example.com")], format!("{scott} {other}")),
            ("10.1.2.3", vec![], "Accept mine@example.com".to_owned()),
            (
                "10.1.2.3",
                vec![("tenant", "theirs")],
                "550 5.7.1 10.1.2.3 sends as tenant 'mine' and may not send as tenant 'theirs'".to_owned(),
            ),
        ] {
            assert_eq!(judge(from, true, &policy), expected, "{from} {policy:?}");
        }
    }

    #[test]
    fn whoever_is_not_bound_sends_as_any_tenant_that_is_open() {
        let refused =
            |who: &str| format!("550 5.7.1 tenant 'mine' takes mail from its own identities only, and {who} is none");
        for (from, policy, expected) in [
            ("bob", vec![], "Accept example.com".to_owned()),
            ("bob", vec![("tenant", "nobodys")], "Accept nobodys@example.com".to_owned()),
            ("bob", vec![("tenant", "unknown")], "Accept unknown@example.com".to_owned()),
            ("bob", vec![("tenant", "mine")], refused("user:bob")),
            ("bob", vec![("tenant", "nobodys"), ("queue", "mine@example.com")], refused("user:bob")),
            ("10.2.0.1", vec![("tenant", "mine")], refused("10.2.0.1")),
        ] {
            assert_eq!(judge(from, true, &policy), expected, "{from} {policy:?}");
        }
    }

    #[test]
    fn who_may_not_relay_speaks_for_nobody() {
        let judged = [vec![], vec![("tenant", "mine")]].map(|policy| judge("10.1.2.3", false, &policy));

        let refused = "550 5.7.1 tenant 'mine' takes mail from its own identities only, and 10.1.2.3 is none";
        assert_eq!(judged, ["Accept example.com", refused]);
    }
}
