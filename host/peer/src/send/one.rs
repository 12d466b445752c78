//! One message over one connection.

use std::net::SocketAddr;
use std::time::Duration;

use tollgate_smtp::client::OutEnvelope;
use tollgate_smtp::data::stuff_into;
use tollgate_smtp::reply::Reply;

use super::SendError;
use super::wire::Wire;

/// Time for each answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends one message and returns the reply that decided on each recipient, in their order.
///
/// `from`: without brackets, empty for the null sender. `message`: header and body, line ends CRLF.
///
/// # Errors
/// If the message cannot be sent as it is, or the server went away without an answer for the recipients.
///
/// # Cancel safety
/// The message may have arrived or not.
pub async fn one(
    to: SocketAddr,
    helo: &str,
    from: &str,
    recipients: &[String],
    message: &[u8],
) -> Result<Vec<(String, Reply)>, SendError> {
    let mut data = Vec::new();
    stuff_into(message, &mut data)?;
    let envelope = OutEnvelope {
        sender: (!from.is_empty()).then(|| from.to_owned()),
        recipients: recipients.to_vec(),
        size: message.len() as u64,
        eight_bit: !message.is_ascii(),
        smtputf8: false,
    };
    let mut wire = Wire::open(to, helo, PATIENCE).await?;
    let sent = wire.send(&envelope, &data).await?;
    if sent.reusable {
        wire.quit().await;
    }
    Ok(sent.recipients.into_iter().map(|outcome| (outcome.recipient, outcome.reply)).collect())
}
