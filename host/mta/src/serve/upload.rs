//! `/api/v1/tenants/T/policy`: a tenant sends its component, asks which one is in force, or takes it away.
//!
//! With the tenant's own token, or from a host that may administrate. What is sent is looked over, compiled in a process of
//! its own, configured and instantiated before it counts; until then, and if any of that fails, the one before stays. It is
//! kept in the spool's folder and is there after a restart. A tenant learns of its own component and of nothing else.

use std::{path::PathBuf, sync::Arc, time::Duration};

use axum::{
    Extension, Json, Router,
    body::Body,
    extract::{Path, Request, State},
    http::{StatusCode, request::Parts},
    response::{IntoResponse as _, Response},
    routing::get,
};
use serde_json::{Value, json};
use tokio::sync::{Mutex, Semaphore};
use tollgate_config::{Finding, Severity};
use tollgate_inbound::{
    Identity,
    http::{Ends, Failure, Gate, Tokens},
};

use super::{
    node::Node,
    pace::{Pace, TooSoon},
    plugins::administrators,
    tenants::Tenant,
};
use crate::{
    command::finding,
    config::{ComponentSource, PluginConfig},
    kept,
    policy::{Loader, Own},
};

/// How long a client may take for the octets of a component.
const BODY: Duration = Duration::from_secs(120);
/// How many components are looked at and compiled at a time, whoever sends them.
const AT_A_TIME: usize = 2;
/// How many may be on their way in: each is in memory as a whole, and one tenant sends one at a time.
const ARRIVING: usize = 16;

/// What the handlers share.
struct Api {
    node: Arc<Node>,
    loader: Loader,
    pace: Pace,
    arriving: Semaphore,
    room: Semaphore,
    /// Held while a component is put in force or taken away.
    changing: Mutex<()>,
}

/// Returns the routes.
pub(super) fn routes(node: &Arc<Node>, loader: Loader) -> Router {
    let (node, arriving, room) = (Arc::clone(node), Semaphore::new(ARRIVING), Semaphore::new(AT_A_TIME));
    let api = Api { node, loader, pace: Pace::default(), arriving, room, changing: Mutex::default() };
    let methods = get(show).put(send).delete(remove);
    Router::new().route("/api/v1/tenants/{tenant}/policy", methods).with_state(Arc::new(api))
}

async fn show(
    State(api): State<Arc<Api>>,
    Path(tenant): Path<String>,
    Extension(ends): Extension<Ends>,
    request: Request,
) -> Result<Json<Value>, Failure> {
    let (head, _) = request.into_parts();
    let (name, tenant, _) = api.admit(ends, &head, &tenant).await?;
    match &tenant.loaded.own {
        Own::None => Err(nothing(&name)),
        Own::Ready(_) => Ok(Json(report(&name, &tenant, &[]))),
        Own::Broken(reason) => {
            let message = format!("the component that is kept cannot be run: {reason}");
            let error = Finding { severity: Severity::Error, file: None, at: None, message };
            Ok(Json(report(&name, &tenant, &[error])))
        }
    }
}

async fn send(
    State(api): State<Arc<Api>>,
    Path(tenant): Path<String>,
    Extension(ends): Extension<Ends>,
    request: Request,
) -> Result<Response, Failure> {
    let (head, body) = request.into_parts();
    let (name, tenant, plugin) = api.admit(ends, &head, &tenant).await?;
    let now = api.node.clock.now();
    let _turn = api.pace.start(&name, tenant.loaded.config.quota.uploads, now).map_err(|why| too_soon(&name, why))?;
    let busy = |_| Failure::new(StatusCode::SERVICE_UNAVAILABLE, "too many components are being sent, try again later");
    let _arriving = api.arriving.try_acquire().map_err(busy)?;
    let octets = read(body, plugin.limits.artifact).await?;
    let (own, said) = api.load(&tenant, &plugin, octets.clone()).await?;
    if !matches!(own, Own::Ready(_)) || finding::any_error(&said) {
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, Json(findings(&said))).into_response());
    }
    let tenant = api.put(&name, &tenant, &plugin, octets, own).await?;
    tracing::info!(tenant = &*name, "a component that was sent is in force");
    Ok(Json(report(&name, &tenant, &said)).into_response())
}

async fn remove(
    State(api): State<Arc<Api>>,
    Path(tenant): Path<String>,
    Extension(ends): Extension<Ends>,
    request: Request,
) -> Result<Json<Value>, Failure> {
    let (head, _) = request.into_parts();
    let (name, _, plugin) = api.admit(ends, &head, &tenant).await?;
    let _changing = api.changing.lock().await;
    if api.node.tenants.get(&name).is_none_or(|tenant| matches!(tenant.loaded.own, Own::None)) {
        return Err(nothing(&name));
    }
    let path = path(&plugin);
    blocking(move || kept::remove(&path)).await?.map_err(|reason| not_kept(&name, &reason))?;
    api.activate(&name, Own::None);
    tracing::info!(tenant = &*name, "its component was taken away");
    Ok(Json(json!({ "ok": true, "tenant": &*name })))
}

impl Api {
    /// Lets in who may change a tenant's component; returns the tenant, and what its component is run as.
    async fn admit(
        &self,
        ends: Ends,
        head: &Parts,
        tenant: &str,
    ) -> Result<(Arc<str>, Arc<Tenant>, PluginConfig), Failure> {
        let caller = self.gate().admit(ends, head).await?;
        let is_own = |identity| matches!(identity, Identity::Token(name) if name == tenant);
        if !caller.identity.is_none_or(is_own) {
            return Err(Failure::new(StatusCode::FORBIDDEN, "the token is another tenant's"));
        }
        let found =
            self.node.tenants.all().get_key_value(tenant).map(|(name, tenant)| (Arc::clone(name), Arc::clone(tenant)));
        let found = found.and_then(|(name, tenant)| {
            let plugin = tenant.loaded.config.policy.as_ref().filter(|policy| policy.uploaded)?.plugin.clone();
            Some((name, tenant, plugin))
        });
        let text =
            || format!("tenant '{tenant}' sends no component here; that takes component = \"upload\" in its section");
        found.ok_or_else(|| Failure::new(StatusCode::NOT_FOUND, text()))
    }

    /// Returns the gate of now: hosts that may administrate, and tenants with their own tokens. No other name opens it.
    fn gate(&self) -> Gate {
        let tenants = self.node.tenants.all();
        let tokens = tenants.iter().filter_map(|(name, tenant)| Some((name.to_string(), tenant.loaded.config.token?)));
        let gate = administrators(&self.node);
        gate.with_tokens(Arc::new(Tokens::new(tokens)))
    }

    async fn load(
        &self,
        tenant: &Arc<Tenant>,
        plugin: &PluginConfig,
        octets: Vec<u8>,
    ) -> Result<(Own, Vec<Finding>), Failure> {
        let _room = self.room.acquire().await.map_err(|_| local_error())?;
        let (mut loader, tenant, config) = (self.loader.share(), Arc::clone(tenant), plugin.clone());
        let (own, mut said) = blocking(move || loader.sent(&tenant.loaded.config, &config, octets)).await?;
        // Where the operator's file is, and what is written in it, is not the tenant's to know.
        for finding in said.iter_mut().filter(|finding| finding.file.as_ref() == Some(&plugin.origin.0)) {
            (finding.file, finding.at) = (None, None);
        }
        Ok((own, said))
    }

    /// Keeps a component and puts it in force.
    async fn put(
        &self,
        name: &Arc<str>,
        tenant: &Tenant,
        plugin: &PluginConfig,
        octets: Vec<u8>,
        own: Own,
    ) -> Result<Arc<Tenant>, Failure> {
        let _changing = self.changing.lock().await;
        let changed =
            || Failure::new(StatusCode::CONFLICT, "the tenant's configuration changed meanwhile; send it again");
        if self.node.tenants.get(name).is_none_or(|now| now.revision != tenant.revision) {
            return Err(changed());
        }
        let path = path(plugin);
        blocking(move || kept::put(&path, &octets)).await?.map_err(|reason| not_kept(name, &reason))?;
        self.activate(name, own);
        self.node.tenants.get(name).ok_or_else(changed)
    }

    /// Puts what became of a component in force, and has the tenant's queues asked about behind it.
    fn activate(&self, name: &Arc<str>, own: Own) {
        self.node.tenants.put(name, own, self.node.clock.now());
        let node = Arc::clone(&self.node);
        tokio::spawn(async move { node.refresh_queues().await });
    }
}

fn path(plugin: &PluginConfig) -> PathBuf {
    match &plugin.component {
        ComponentSource::File(path) => path.clone(),
        ComponentSource::QueueHelper | ComponentSource::Registry(_) => unreachable!("a tenant's component is a file"),
    }
}

pub(super) async fn read(body: Body, most: usize) -> Result<Vec<u8>, Failure> {
    let late = |_| Failure::new(StatusCode::REQUEST_TIMEOUT, "the component took too long to arrive");
    let octets = tokio::time::timeout(BODY, axum::body::to_bytes(body, most)).await.map_err(late)?;
    let large = |_| {
        let text = format!("the component broke off, or is larger than {most} octets (limits.artifact)");
        Failure::new(StatusCode::PAYLOAD_TOO_LARGE, text)
    };
    octets.map(Vec::from).map_err(large)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|_| local_error())
}

/// Returns what there is to say, in the form of `check --json`.
pub(super) fn findings(said: &[Finding]) -> Value {
    json!({
        "ok": !finding::any_error(said),
        "errors": finding::json(said, Severity::Error),
        "warnings": finding::json(said, Severity::Warning),
        "notes": finding::json(said, Severity::Note),
    })
}

/// Returns the same with the component that is in force.
fn report(name: &str, tenant: &Tenant, said: &[Finding]) -> Value {
    let mut report = findings(said);
    report["tenant"] = json!(name);
    if let Some(ready) = tenant.loaded.ready() {
        report["digest"] = json!(format!("blake3:{}", ready.digest));
        report["size"] = json!(ready.size);
        report["generation"] = json!(tenant.revision);
        report["since"] = json!(tenant.since.map(|since| since.to_string()));
    }
    report
}

fn too_soon(name: &str, why: TooSoon) -> Failure {
    match why {
        TooSoon::Busy => {
            Failure::new(StatusCode::CONFLICT, format!("another component of tenant '{name}' is being looked at"))
        }
        TooSoon::Spent => Failure::new(
            StatusCode::TOO_MANY_REQUESTS,
            format!("tenant '{name}' has sent as many components in the last hour as it may (quota.uploads)"),
        ),
    }
}

fn nothing(name: &str) -> Failure {
    Failure::new(StatusCode::NOT_FOUND, format!("tenant '{name}' has sent no component"))
}

fn not_kept(name: &str, reason: &std::io::Error) -> Failure {
    tracing::error!(tenant = name, %reason, "a tenant's component cannot be kept, or not be removed");
    local_error()
}

fn local_error() -> Failure {
    Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "local error")
}
