//! What the paths do.
//!
//! A request that passed the gate comes in; an injection, a text or a refusal in JSON goes out. The order of checks is
//! the same everywhere: who, then whether now, then what, so that strangers cost no memory and learn nothing.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde_json::json;
use tollgate_message::{Origin, Session};

use super::inject::{self, Client, Injection, Injections, Outcome};
use super::{Failure, Gate, HttpConfig, body};
use crate::caller::Caller;
use crate::content::{BodyStore, HEAD_LIMIT};
use crate::socket::Ends;
use crate::submit::Submit;

/// What the server works with.
pub struct Services<S> {
    /// Where transactions go.
    pub submit: Arc<S>,
    /// Where large messages go.
    pub bodies: Arc<dyn BodyStore>,
    /// Makes the text of `/metrics`, in the OpenMetrics format. Must not block.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// Further routes, such as administration, without fallbacks of their own. They find the connection's [`Ends`] among
    /// the extensions of a request and have to ask a [`Gate`] of theirs.
    pub routes: Router,
}

impl<S> fmt::Debug for Services<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services").field("routes", &self.routes).finish_non_exhaustive()
    }
}

/// What the handlers share.
pub(super) struct Api<S> {
    config: HttpConfig,
    gate: Arc<ArcSwap<Gate>>,
    submit: Arc<S>,
    bodies: Arc<dyn BodyStore>,
    metrics: Arc<dyn Fn() -> String + Send + Sync>,
    injections: Injections,
}

impl<S> Api<S> {
    /// Returns the handlers' state, and the routes that came along.
    pub(super) fn new(
        config: HttpConfig,
        gate: Arc<ArcSwap<Gate>>,
        services: Services<S>,
        injections: Injections,
    ) -> (Self, Router) {
        let Services { submit, bodies, metrics, routes } = services;
        (Self { config, gate, submit, bodies, metrics, injections }, routes)
    }
}

/// Returns the routes.
pub(super) fn router<S: Submit>(api: Api<S>, further: Router) -> Router {
    Router::new()
        .route("/api/inject/v1", post(inject::<S>))
        .route("/api/check-liveness/v1", get(liveness::<S>))
        .route("/metrics", get(metrics::<S>))
        .with_state(Arc::new(api))
        .merge(further)
        .fallback(async || Failure::new(StatusCode::NOT_FOUND, "there is nothing at this path"))
        .method_not_allowed_fallback(async || {
            Failure::new(StatusCode::METHOD_NOT_ALLOWED, "this path does not take this method")
        })
}

async fn inject<S: Submit>(
    State(api): State<Arc<Api<S>>>,
    Extension(ends): Extension<Ends>,
    request: Request,
) -> Result<Json<Outcome>, Failure> {
    let (head, body) = request.into_parts();
    let vouch = |user, password| api.submit.identify(ends, user, password);
    let caller = api.gate.load_full().admit_vouched(ends, &head, vouch).await?;
    api.submit.ready()?;
    let body = api.read(body).await?;
    let injection = parse(body, api.config.max_recipients).await?;
    let client = Client { session: Arc::new(api.session(ends, &caller)), caller };
    let (submit, bodies) = (Arc::clone(&api.submit), Arc::clone(&api.bodies));
    let outcome = api.injections.run(inject::run(injection, client, submit, bodies)).await;
    outcome.map(Json).ok_or_else(|| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "local error"))
}

async fn liveness<S: Submit>(State(api): State<Arc<Api<S>>>) -> Result<Response, Failure> {
    api.submit.ready()?;
    Ok(Json(json!({ "status": "ok" })).into_response())
}

async fn metrics<S: Submit>(
    State(api): State<Arc<Api<S>>>,
    Extension(ends): Extension<Ends>,
    request: Request,
) -> Result<Response, Failure> {
    let (head, _) = request.into_parts();
    api.gate.load_full().admit(ends, &head).await?;
    let kind = [(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")];
    Ok((kind, (api.metrics)()).into_response())
}

impl<S> Api<S> {
    async fn read(&self, body: Body) -> Result<Bytes, Failure> {
        let late = |_| Failure::new(StatusCode::REQUEST_TIMEOUT, "the body took too long");
        tokio::time::timeout(self.config.body_timeout, body::read(body, self.config.max_body)).await.map_err(late)?
    }

    fn session(&self, ends: Ends, caller: &Caller) -> Session {
        Session {
            origin: Origin::Http,
            authz_id: caller.identity.as_ref().map(|identity| identity.name().to_owned()),
            may_relay: true,
            peer: Some(ends.peer),
            local: Some(ends.local),
            ehlo_domain: None,
            hostname: self.config.hostname.clone(),
        }
    }
}

/// Parses a body, away from the sockets if it is a long one.
async fn parse(body: Bytes, max_recipients: usize) -> Result<Injection, Failure> {
    if body.len() <= HEAD_LIMIT {
        return inject::parse(&body, max_recipients);
    }
    let parsed = tokio::task::spawn_blocking(move || inject::parse(&body, max_recipients)).await;
    parsed.unwrap_or_else(|_| Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "local error")))
}
