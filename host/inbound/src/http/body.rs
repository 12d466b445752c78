//! The body of a request, into memory and within a limit.
//!
//! A body over the limit is read on for a while and dropped: most clients listen only when they have sent all, and a
//! connection closed before that takes the answer from them.
//!
//! Rules: RFC 9112 §9.6 (closing without losing the answer).

use std::future::poll_fn;
use std::pin::Pin;

use axum::body::Body;
use axum::http::StatusCode;
use bytes::{Bytes, BytesMut};
use hyper::body::Body as _;

use super::Failure;

/// Reads a body of at most `limit` octets.
///
/// # Errors
/// 413 for a longer one, after as much again was dropped; 400 for one that broke off.
pub(super) async fn read(mut body: Body, limit: usize) -> Result<Bytes, Failure> {
    let mut octets = BytesMut::new();
    let mut size = 0;
    while let Some(part) = next(&mut body).await? {
        size += part.len();
        if size <= limit {
            octets.extend_from_slice(&part);
        } else if size <= limit.saturating_mul(2) {
            octets = BytesMut::new();
        } else {
            break;
        }
    }
    if size <= limit { Ok(octets.freeze()) } else { Err(too_large(limit)) }
}

async fn next(body: &mut Body) -> Result<Option<Bytes>, Failure> {
    let frame = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await;
    let frame = frame.transpose().map_err(|_| Failure::new(StatusCode::BAD_REQUEST, "the body broke off"))?;
    // Trailers carry nothing for us.
    Ok(frame.map(|frame| frame.into_data().unwrap_or_default()))
}

fn too_large(limit: usize) -> Failure {
    Failure::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is longer than {limit} octets"))
}
