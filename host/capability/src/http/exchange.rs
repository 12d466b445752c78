//! One request and its response over a connection that was judged before.

use std::pin::pin;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{HeaderMap, body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    Response,
    request::{Checked, Target},
};
use crate::Refused;

/// Most octets of a response before its body.
const HEAD: usize = 64 << 10;

/// Sends a request and returns the response. `largest`: octets of its body.
pub(super) async fn run(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    request: Checked,
    largest: usize,
) -> Result<Response, Refused> {
    let Checked { to: Target { host, .. }, head, body } = request;
    let broken = |_: hyper::Error| Refused::Unavailable(format!("what came from {host} is no response"));
    let mut connection = http1::Builder::new();
    connection.max_buf_size(HEAD);
    let (mut sender, connection) = connection.handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let exchange = async {
        let response = sender.send_request(head.map(|()| Full::new(body))).await.map_err(broken)?;
        let (status, fields) = (response.status().as_u16(), fields(response.headers()));
        let body = read(response.into_body(), largest).await?;
        Ok(Response { status, fields, body: body.into() })
    };
    let (mut exchange, mut connection) = (pin!(exchange), pin!(connection));
    // Whatever the connection ends with, the exchange hears of it, and may have all that it needs.
    tokio::select! {
        response = &mut exchange => return response,
        _ = &mut connection => {}
    }
    exchange.await
}

async fn read(body: Incoming, largest: usize) -> Result<Bytes, Refused> {
    match Limited::new(body, largest).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(Refused::TooLarge(largest as u64)),
        Err(_) => Err(Refused::Unavailable("the response broke off".to_owned())),
    }
}

fn fields(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect()
}
