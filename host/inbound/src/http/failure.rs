//! An answer that says no: a status and one sentence, as JSON.
//!
//! Texts name what the client can change. They may quote the client, cut short; they never tell what happens inside.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use serde_json::json;
use tollgate_smtp::TempReply;

/// Longest text sent, in characters: a parser's message may quote a whole field.
const MAX_TEXT: usize = 300;

/// A refused or failed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    status: StatusCode,
    text: String,
}

impl Failure {
    /// Returns a failure. `status`: 4xx or 5xx.
    #[must_use]
    pub fn new(status: StatusCode, text: impl Into<String>) -> Self {
        let text: String = text.into();
        Self { status, text: text.chars().take(MAX_TEXT).collect() }
    }

    /// Returns the failure of a request whose shape or content is wrong: 422.
    pub(super) fn unprocessable(text: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, text)
    }

    /// Returns the failure of a request that came without the right credentials: 401.
    pub(super) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "credentials are missing or wrong")
    }
}

/// 503: nothing is taken now.
impl From<TempReply> for Failure {
    fn from(reply: TempReply) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, reply.as_ref().to_string())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = Json(json!({ "error": self.text }));
        if self.status == StatusCode::UNAUTHORIZED {
            let challenges = [r#"Basic realm="tollgate", charset="UTF-8""#, r#"Bearer realm="tollgate""#];
            let challenges = challenges.map(|challenge| (header::WWW_AUTHENTICATE, challenge));
            return (self.status, AppendHeaders(challenges), body).into_response();
        }
        (self.status, body).into_response()
    }
}
