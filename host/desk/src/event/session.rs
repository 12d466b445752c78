//! `smtp-session` in a file: `step` (`connect`, `ehlo`, `auth`, `mail`, `rcpt`), the session as far as it has come, and what the
//! step brings.

use std::{net::SocketAddr, sync::Arc};

use tollgate_message::{Address, Origin, Session};
use tollgate_policy::event::smtp_session::{Credentials, OpenSession, Question};

use super::message::address;
use crate::fields::Fields;

/// What a client wants.
#[derive(Clone, Debug)]
pub enum Asked {
    /// A step of a transaction.
    Step(Question),
    /// To be somebody.
    Auth(Credentials),
}

/// The fields of it in a file.
pub(super) const FIELDS: [&str; 15] = [
    "step",
    "listener",
    "hostname",
    "peer",
    "local",
    "origin",
    "ehlo_domain",
    "authz_id",
    "may_relay",
    "domain",
    "sender",
    "recipient",
    "authz",
    "authc",
    "password",
];

pub(super) fn read(fields: &Fields<'_>) -> Result<(Arc<OpenSession>, Asked), String> {
    let owned = |name| Ok::<_, String>(fields.text(name)?.map(str::to_owned));
    let socket = |name, default: &str| {
        let found = fields.parsed::<SocketAddr>(name, "an address with a port")?;
        Ok::<_, String>(Some(found.unwrap_or_else(|| default.parse().expect("an address with a port"))))
    };
    let session = Session {
        origin: if fields.text("origin")? == Some("http") { Origin::Http } else { Origin::Smtp },
        authz_id: owned("authz_id")?,
        may_relay: fields.flag("may_relay", false)?,
        peer: socket("peer", "192.0.2.1:40000")?,
        local: socket("local", "198.51.100.1:25")?,
        ehlo_domain: owned("ehlo_domain")?,
        hostname: owned("hostname")?.unwrap_or_else(|| "mta.example".to_owned()),
    };
    let listener = Arc::from(fields.text("listener")?.unwrap_or("main"));
    Ok((Arc::new(OpenSession { listener, session }), asked(fields)?))
}

fn asked(fields: &Fields<'_>) -> Result<Asked, String> {
    let needed = |name: &str| fields.text(name)?.ok_or_else(|| format!("{name}: this step has one"));
    let sender = || {
        let sender = fields.text("sender")?.filter(|sender| !matches!(*sender, "" | "<>"));
        sender.map(|sender| address("sender", sender)).transpose()
    };
    Ok(match fields.text("step")?.unwrap_or("connect") {
        "connect" => Asked::Step(Question::Connect),
        "ehlo" => Asked::Step(Question::Ehlo(needed("domain")?.to_owned())),
        "mail" => Asked::Step(Question::Mail(sender()?)),
        "rcpt" => Asked::Step(Question::Rcpt { sender: sender()?, recipient: recipient(needed("recipient")?)? }),
        "auth" => {
            let authc = needed("authc")?.to_owned();
            let authz = fields.text("authz")?.map_or_else(|| authc.clone(), str::to_owned);
            Asked::Auth(Credentials { authz, authc, password: needed("password")?.to_owned() })
        }
        other => return Err(format!("step: '{other}' is none; there are connect, ehlo, auth, mail, rcpt")),
    })
}

fn recipient(text: &str) -> Result<Address, String> {
    address("recipient", text)
}
