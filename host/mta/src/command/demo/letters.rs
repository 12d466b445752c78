//! What the demo sends.

use std::time::Duration;

use tollgate_message::Timestamp;

/// How a letter goes in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    Smtp,
    Http,
}

/// A message of the demo.
pub(super) struct Letter {
    pub(super) door: Door,
    pub(super) to: &'static str,
    pub(super) fields: Vec<(String, String)>,
    /// What it is to show.
    pub(super) shows: &'static str,
}

/// Returns the letters, in the order in which they are sent.
pub(super) fn letters(now: Timestamp) -> Vec<Letter> {
    let tenant = |name: &str| ("X-Tenant".to_owned(), name.to_owned());
    let campaign = |name: &str| ("X-Campaign".to_owned(), name.to_owned());
    let later = (now + Duration::from_secs(4)).to_string();
    let schedule = ("X-Schedule".to_owned(), format!("{{\"first_attempt\":\"{later}\"}}"));
    let smtp = |to, fields, shows| Letter { door: Door::Smtp, to, fields, shows };
    vec![
        smtp("ann@gmail.com", vec![tenant("mytenant"), campaign("welcome-campaign")], "a tenant's campaign"),
        Letter {
            door: Door::Http,
            to: "bob@gmail.com",
            fields: vec![tenant("mytenant")],
            shows: "the same tenant over HTTP",
        },
        smtp("cleo@example.org", vec![], "no tenant named: default_tenant"),
        smtp("dan@example.org", vec![tenant("nobody")], "a tenant that is not defined is refused"),
        smtp("eve@example.org", vec![schedule], "sent later, as its header asks"),
        smtp("gone@example.org", vec![], "the next hop refuses for good"),
        smtp("fay@slow.example", vec![], "the next hop puts it off once"),
        smtp("gil@dead.example", vec![], "the next hop puts it off until it expires"),
    ]
}

/// What the sink does with some of them.
pub(super) const RULES: [&str; 3] = [
    "rcpt=gone@ reply=550 5.1.1 no such user here",
    "rcpt=@slow.example reply=451 4.3.0 come back in a moment times=1",
    "rcpt=@dead.example reply=451 4.2.1 never mind",
];
