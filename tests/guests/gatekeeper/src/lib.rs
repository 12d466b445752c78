//! A plugin that handles what happens before and after a message: each rule below is about a name that a test uses.

use tollgate_sdk::{
    Egress, EgressPath, EgressPool, EgressSource, Mailbox, PolicyError, QueuedMessage, Record, Reply, Requeue, Session,
    SmtpSession, defer, log, register, reject,
};

#[derive(Default)]
struct Gatekeeper;

impl SmtpSession for Gatekeeper {
    fn connect(&self, session: &Session) -> Result<(), Reply> {
        match session.peer_address().as_str() {
            "127.0.0.66" => {
                let text = format!("no service for you at {}", session.listener());
                Err(Reply { code: 554, ..reject("5.7.1", &text) })
            }
            "127.0.0.67" => panic!("told to panic"),
            _ => Ok(()),
        }
    }

    fn ehlo(&self, session: &Session, domain: &str) -> Result<(), Reply> {
        match domain {
            "bad.example" => {
                let before = session.ehlo_domain().unwrap_or_else(|| "nobody".to_owned());
                Err(reject("5.7.1", &format!("{before} may not be bad.example")))
            }
            "leave.example" => Err(Reply { code: 421, ..defer("4.7.0", "leave") }),
            _ => Ok(()),
        }
    }

    fn auth(&self, _session: &Session, authz: &str, authc: &str, password: &str) -> Result<Option<String>, Reply> {
        match (authc, password) {
            ("greta", "lovage") => Ok(Some(authz.to_owned())),
            ("greta", _) => Err(Reply { code: 535, ..reject("5.7.8", "wrong password") }),
            ("odd", _) => Ok(Some("two\nlines".to_owned())),
            _ => Ok(None),
        }
    }

    fn mail(&self, session: &Session, sender: Option<&Mailbox>) -> Result<(), Reply> {
        match sender {
            Some(sender) if sender.domain == "spam.example" => {
                let name = session.ehlo_domain().unwrap_or_default();
                Err(reject("5.7.1", &format!("{name} sends no mail of {}", sender.domain)))
            }
            Some(sender) if sender.local_part == "panic" => panic!("told to panic"),
            _ => Ok(()),
        }
    }

    fn rcpt(&self, _session: &Session, sender: Option<&Mailbox>, recipient: &Mailbox) -> Result<(), Reply> {
        let sender = sender.map_or("nobody", |sender| &sender.local_part);
        match recipient.local_part.as_str() {
            "nobody" => Err(reject("5.1.1", &format!("{sender} writes to nobody"))),
            "slow" => Err(defer("4.2.1", "not now")),
            "odd" => Err(Reply { code: 250, enhanced: None, text: "fine".to_owned() }),
            "inject" => Err(reject("5.1.1", "one\r\n250 two")),
            _ => Ok(()),
        }
    }
}

impl Egress for Gatekeeper {
    fn pool(&self, name: &str) -> Result<Option<EgressPool>, PolicyError> {
        let pool = EgressPool::new();
        match name {
            "gate-pool" => {
                pool.add_source("gate-1", 2)?;
                pool.add_source("ip-1", 1)?;
            }
            "one-pool" => pool.add_source("gate-1", 1)?,
            "lost-pool" => pool.add_source("lost", 1)?,
            "odd-pool" => pool.set_ttl(1)?,
            _ => return Ok(None),
        }
        Ok(Some(pool))
    }

    fn source(&self, name: &str) -> Result<Option<EgressSource>, PolicyError> {
        if name != "gate-1" {
            return Ok(None);
        }
        let source = EgressSource::new();
        source.set_source_address("127.0.0.21")?;
        source.set_ehlo_domain("gate1.example")?;
        Ok(Some(source))
    }

    fn path(
        &self,
        domain: &str,
        source: &str,
        _site: &str,
        so_far: &EgressPath,
    ) -> Result<Option<EgressPath>, PolicyError> {
        if source != "gate-1" || so_far.get("connection_limit").is_some() {
            return Ok(None);
        }
        let path = EgressPath::new();
        path.set_connection_limit(1, Some("gatekeeper:1"))?;
        path.set_max_deliveries_per_connection(if domain == "long.example" { 5 } else { 1 }, Some("gatekeeper:2"))?;
        Ok(Some(path))
    }
}

impl Requeue for Gatekeeper {
    fn requeue(&self, message: &QueuedMessage) -> Result<(), PolicyError> {
        let recipients = message.recipients();
        match recipients[0].local_part.as_str() {
            "later" => message.delay_until(message.due_at_ms() + 1_000_000),
            "too-late" => message.delay_until(message.last_due_at_ms() + 1),
            "elsewhere" => {
                let campaign = format!("after-{}-{}", message.attempts(), message.replies()[0].code);
                message.set_meta("campaign", Some(&campaign))
            }
            "stolen" => message.set_meta("tenant", Some("other")),
            "panic" => {
                message.set_meta("campaign", Some("half done"))?;
                panic!("told to panic")
            }
            _ => Ok(()),
        }
    }
}

impl Record for Gatekeeper {
    fn record(&self, records: Vec<String>) {
        for record in &records {
            assert!(!record.contains("panic-record"), "told to panic");
            let is_kind = |kind: &&str| record.starts_with(&format!("{{\"type\":\"{kind}\""));
            let kind = ["Reception", "Rejection", "TransientFailure", "Delivery"].into_iter().find(is_kind);
            log::info(&format!("heard of a {}", kind.unwrap_or("surprise")));
        }
    }
}

register!(Gatekeeper: smtp_session, egress, requeue, record);
