//! `/api/v1/plugins`: which plugins run, how they are, and another version of one.
//!
//! For hosts that may administrate. A change is an *order*: whoever reads the configuration carries it out between two readings,
//! looks the whole configuration over with the change in it, and puts it in force or leaves everything as it was.

use std::{io, sync::Arc, time::Instant};

use axum::{
    Extension, Json, Router,
    body::Body,
    extract::{Path, Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, oneshot};
use tollgate_config::Finding;
use tollgate_inbound::http::{Ends, Failure, Gate, Passwords};
use tollgate_policy::{Event, FailureKind, Health, Link, Mode, Phase, Plugin, Standing};

use super::{node::Node, upload};
use crate::{
    outcomes::{ANSWERS, OVER_SHARE, UNDEFINED_POOL},
    policy::{Change, NoChange, Version},
};

/// Largest component that is taken here, in octets; what the plugin's own limits allow is looked at afterwards.
const LARGEST: usize = 256 << 20;

/// A change of a plugin that an operator wants at once.
pub(crate) struct Order {
    pub(crate) plugin: String,
    pub(crate) change: Change,
    /// Hears whether it is in force.
    pub(crate) answer: oneshot::Sender<Result<(), NotDone>>,
}

/// Why a change is not in force, or will not stay.
#[derive(Debug)]
pub(crate) enum NotDone {
    Impossible(NoChange),
    /// The configuration with the change is refused.
    Refused(Vec<Finding>),
    /// The configuration cannot be read.
    Unreadable(String),
    /// It is in force, and could not be kept for the next reading.
    NotKept(io::Error),
}

struct Api {
    node: Arc<Node>,
    orders: mpsc::Sender<Order>,
}

/// Returns the routes.
pub(super) fn routes(node: &Arc<Node>, orders: mpsc::Sender<Order>) -> Router {
    let api = Api { node: Arc::clone(node), orders };
    Router::new()
        .route("/api/v1/plugins", get(list))
        .route("/api/v1/plugins/{name}/swap", post(swap))
        .route("/api/v1/plugins/{name}/rollback", post(rollback))
        .with_state(Arc::new(api))
}

/// Returns the gate for hosts that may administrate; no name opens it.
pub(super) fn administrators(node: &Node) -> Gate {
    let generation = node.generation();
    let nobody = Passwords::new([]).expect("no hash is no bad hash");
    Gate::new(generation.http_name.clone(), generation.admin_hosts.clone(), Arc::new(nobody))
}

async fn list(
    State(api): State<Arc<Api>>,
    Extension(ends): Extension<Ends>,
    request: Request,
) -> Result<Json<Value>, Failure> {
    administrators(&api.node).admit(ends, &request.into_parts().0).await?;
    Ok(Json(Value::Array(listed(&api.node))))
}

async fn swap(
    State(api): State<Arc<Api>>,
    Path(plugin): Path<String>,
    Extension(ends): Extension<Ends>,
    request: Request,
) -> Result<Response, Failure> {
    let (head, body) = request.into_parts();
    administrators(&api.node).admit(ends, &head).await?;
    let octets = upload::read(body, LARGEST).await?;
    api.carry_out(plugin, Change::Swap(octets)).await
}

async fn rollback(
    State(api): State<Arc<Api>>,
    Path(plugin): Path<String>,
    Extension(ends): Extension<Ends>,
    request: Request<Body>,
) -> Result<Response, Failure> {
    administrators(&api.node).admit(ends, &request.into_parts().0).await?;
    api.carry_out(plugin, Change::Rollback).await
}

impl Api {
    async fn carry_out(&self, plugin: String, change: Change) -> Result<Response, Failure> {
        let (answer, answered) = oneshot::channel();
        let order = Order { plugin: plugin.clone(), change, answer };
        let closed = || Failure::new(StatusCode::SERVICE_UNAVAILABLE, "nobody here changes the configuration");
        self.orders.send(order).await.map_err(|_| closed())?;
        match answered.await.map_err(|_| closed())? {
            Ok(()) => Ok(Json(json!({ "ok": true, "plugin": self.now(&plugin) })).into_response()),
            Err(NotDone::Impossible(reason @ NoChange::Unknown(_))) => {
                Err(Failure::new(StatusCode::NOT_FOUND, reason.to_string()))
            }
            Err(NotDone::Impossible(reason)) => Err(Failure::new(StatusCode::CONFLICT, reason.to_string())),
            Err(NotDone::Unreadable(reason)) => Err(Failure::new(StatusCode::CONFLICT, reason)),
            Err(NotDone::Refused(findings)) => {
                Ok((StatusCode::UNPROCESSABLE_ENTITY, Json(upload::findings(&findings))).into_response())
            }
            Err(NotDone::NotKept(reason)) => {
                tracing::error!(plugin, %reason, "a change of a plugin is in force and could not be kept");
                let text =
                    format!("it is in force until the configuration is read again, and could not be kept: {reason}");
                Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, text))
            }
        }
    }

    fn now(&self, plugin: &str) -> Option<Value> {
        listed(&self.node).into_iter().find(|listed| listed["name"] == plugin)
    }
}

/// Returns all plugins, in the order in which they are asked, and tenants' components behind them.
fn listed(node: &Node) -> Vec<Value> {
    let (generation, tenants) = (node.generation(), node.tenants.all());
    let links = generation.chain.links().map(|link| {
        let version = generation.plugins.get(link.plugin.name());
        let mut told = about(node, &*link.plugin, &link.health, link.phase);
        told.extend(place(link));
        if let Some(installed) = version {
            told.extend(of_version(&installed.current));
            told.insert("kept".to_owned(), installed.previous.iter().map(brief).collect());
        }
        Value::Object(told)
    });
    let own = tenants.values().filter_map(|tenant| Some((tenant, tenant.loaded.ready()?)));
    let own = own.map(|(tenant, ready)| {
        let mut told = about(node, &*ready.plugin, &ready.health, Phase::Tenant);
        let since = tenant.since.map(|since| since.to_string());
        told.extend(object(json!({ "version": tenant.revision, "since": since, "digest": prefixed(&ready.digest) })));
        Value::Object(told)
    });
    links.chain(own).collect()
}

fn about(node: &Node, plugin: &dyn Plugin, health: &Health, phase: Phase) -> Map<String, Value> {
    let (vitals, standing) = (plugin.vitals(), health.standing(Instant::now()));
    let quarantined_for_ms = match standing {
        Standing::Quarantined(left) => Some(u64::try_from(left.as_millis()).unwrap_or(u64::MAX)),
        Standing::Well | Standing::Probed => None,
    };
    let events: Vec<&str> =
        Event::ALL.into_iter().filter(|event| plugin.events().contains(*event)).map(Event::name).collect();
    object(json!({
        "name": plugin.name(),
        "phase": phase.word(),
        "events": events,
        "state": standing.word(),
        "quarantined_for_ms": quarantined_for_ms,
        "instances": vitals.instances,
        "memory_bytes": vitals.memory,
        "host_calls": vitals.host_calls,
        "has_snapshot": vitals.has_snapshot,
        "calls": calls(node, plugin),
    }))
}

/// Returns how often each of a plugin's events had which outcome.
fn calls(node: &Node, plugin: &dyn Plugin) -> Map<String, Value> {
    let handled = Event::ALL.into_iter().filter(|event| plugin.events().contains(*event));
    let outcomes = |event: Event| {
        let words =
            ANSWERS.into_iter().chain(FailureKind::ALL.map(FailureKind::word)).chain([OVER_SHARE, UNDEFINED_POOL]);
        let counts = words.map(|word| (word.to_owned(), node.metrics.calls(event.name(), plugin.name(), word)));
        Value::Object(counts.filter(|(_, count)| *count > 0).map(|(word, count)| (word, count.into())).collect())
    };
    handled.map(|event| (event.name().to_owned(), outcomes(event))).collect()
}

fn place(link: &Link) -> Map<String, Value> {
    let (mode, share) = match link.mode {
        Mode::Decides => ("decide", None),
        Mode::Shadow => ("shadow", None),
        Mode::Canary(share) => ("canary", Some(share.to_string())),
    };
    object(json!({ "mode": mode, "share": share, "instead_of": link.instead_of }))
}

fn of_version(version: &Version) -> Map<String, Value> {
    let mut told = object(brief(version));
    told.insert("stands_in_for_files".to_owned(), version.is_pinned().into());
    told
}

fn brief(version: &Version) -> Value {
    json!({
        "version": version.number,
        "since": version.since.to_string(),
        "digest": prefixed(&version.material.digest),
        "config_digest": prefixed(&version.material.files_digest),
    })
}

fn prefixed(digest: &str) -> String {
    format!("blake3:{digest}")
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
