//! The trace field that we put in front of a message.

use jiff::tz::TimeZone;

use crate::draft::Received;

/// Returns the value of our `Received` field, without folds (RFC 5321 §4.4).
///
/// The client's name is shown as it gave it; session parsing has refused control characters. Recipients are left out:
/// they would show blind copies to each other.
#[must_use]
pub fn received(message: &Received, protocol: &str) -> String {
    let session = &message.session;
    let peer = session.peer.map(|peer| format!(" ([{}])", peer.ip())).unwrap_or_default();
    let from = session.ehlo_domain.as_deref().map(|name| format!("from {name}{peer} ")).unwrap_or_default();
    let date = jiff::fmt::rfc2822::to_string(&message.at.to_jiff().to_zoned(TimeZone::UTC)).unwrap_or_default();
    format!("{from}by {} (Tollgate) with {protocol} id {}; {date}", session.hostname, message.id)
}
