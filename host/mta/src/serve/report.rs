//! Records and metrics: what happened to a message, written down.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;
use tollgate_control::{
    Kind, PluginCounter, PluginVitals, Record,
    record::{EventTime, Peer, PolicyStep, Response},
};
use tollgate_inbound::{BodyStore, Protocol, http::Services};
use tollgate_message::{Draft, MessageId, QueueName, Timestamp};
use tollgate_policy::{Event, Health, Metric, Plugin, Standing, Vitals};
use tollgate_smtp::Reply;

use super::{
    node::Node,
    plugins::{self, Order},
    reception::Reception,
    stored::StoredMeta,
    upload,
};
use crate::policy::Loader;

/// The message that a record is about.
#[derive(Clone, Copy)]
pub(crate) struct About<'a> {
    pub(crate) id: MessageId,
    pub(crate) meta: &'a StoredMeta,
    pub(crate) queue: &'a QueueName,
}

/// The attempt that a record is about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attempt {
    /// Which attempt of the message this is, from 1.
    pub(crate) number: u32,
    /// Name of the ready queue.
    pub(crate) site: String,
    pub(crate) pool: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) peer: Option<Peer>,
    pub(crate) local: Option<std::net::SocketAddr>,
    /// How the message goes out.
    pub(crate) protocol: Option<&'static str>,
    /// Under what the destination is summed up.
    pub(crate) provider: Option<String>,
}

impl Node {
    /// Records that a message was accepted.
    pub(crate) fn record_reception(&self, about: &About<'_>) {
        let reply = Reply::new(250, None, "OK").expect("250 is a reply");
        for recipient in &about.meta.envelope.recipients {
            let mut record = self.record(Kind::Reception, about, recipient.as_str(), reply.clone(), 0);
            record.policy = about.meta.policy.clone();
            self.write(&record);
        }
    }

    /// Records that a message waits for later without an attempt, for each recipient that is not done. `context`: what led to
    /// that, in KumoMTA's words.
    pub(crate) fn record_delay(
        &self,
        about: &About<'_>,
        pending: &[u32],
        attempts: u32,
        due: Timestamp,
        context: &str,
    ) {
        let wait = Duration::from_secs(due.since(self.clock.now()).as_secs());
        let text = format!("Context: {context}. Next due in {} at {due}", tollgate_config::duration::format(wait));
        let reply = Reply::new(400, None, text).expect("400 is a reply");
        let recipients = pending.iter().filter_map(|place| about.meta.envelope.recipients.get(*place as usize));
        for recipient in recipients {
            let mut record = self.record(Kind::Delayed, about, recipient.as_str(), reply.clone(), attempts);
            record.next_due = Some(EventTime(due));
            self.write(&record);
        }
    }

    /// Records that policy had a message thrown away.
    pub(crate) fn record_discard(&self, about: &About<'_>, reason: &str) {
        let reply = Reply::new(250, None, reason).expect("250 is a reply");
        for recipient in &about.meta.envelope.recipients {
            self.write(&self.record(Kind::Discard, about, recipient.as_str(), reply.clone(), 0));
        }
    }

    /// Records what became of a recipient.
    pub(crate) fn record_attempt(
        &self,
        kind: Kind,
        about: &About<'_>,
        recipient: &str,
        reply: Reply,
        attempt: &Attempt,
        next_due: Option<Timestamp>,
    ) {
        let mut record = self.record(kind, about, recipient, reply, attempt.number);
        record.site = attempt.site.clone();
        record.egress_pool = attempt.pool.clone();
        record.egress_source = attempt.source.clone();
        record.provider_name.clone_from(&attempt.provider);
        record.peer_address = attempt.peer.clone();
        record.source_address = attempt.local;
        record.delivery_protocol = attempt.protocol;
        record.next_due = next_due.map(EventTime);
        self.write(&record);
    }

    /// Records that a message was refused while it was received.
    pub(crate) fn record_rejection(
        &self,
        draft: &Draft,
        protocol: Protocol,
        reply: &Reply,
        policy: &[PolicyStep],
        generation: u64,
    ) {
        let received = &draft.received;
        for recipient in &received.envelope.recipients {
            self.write(&Record {
                kind: Kind::Rejection,
                id: received.id,
                sender: received.envelope.sender.as_ref().map_or_else(String::new, ToString::to_string),
                recipient: recipient.to_string(),
                queue: String::new(),
                site: String::new(),
                size: received.size,
                response: Response(reply.clone()),
                peer_address: received
                    .session
                    .peer
                    .map(|addr| Peer { name: received.session.ehlo_domain.clone().unwrap_or_default(), addr }),
                at: received.at,
                event_time: EventTime(received.at),
                created: received.at,
                num_attempts: 0,
                egress_pool: None,
                egress_source: None,
                provider_name: None,
                source_address: None,
                reception_protocol: protocol.as_str().to_owned(),
                delivery_protocol: None,
                next_due: None,
                meta: draft.edits.meta.clone(),
                generation,
                policy: policy.to_vec(),
            });
        }
    }

    fn record(&self, kind: Kind, about: &About<'_>, recipient: &str, reply: Reply, attempts: u32) -> Record {
        let now = self.clock.now();
        Record {
            kind,
            id: about.id,
            sender: about.meta.envelope.sender.as_ref().map_or_else(String::new, ToString::to_string),
            recipient: recipient.to_owned(),
            queue: about.queue.to_string(),
            site: String::new(),
            size: about.meta.size,
            response: Response(reply),
            peer_address: None,
            at: now,
            event_time: EventTime(now),
            created: about.id.created(),
            num_attempts: attempts,
            egress_pool: None,
            egress_source: None,
            provider_name: None,
            source_address: None,
            reception_protocol: about.meta.protocol.clone(),
            delivery_protocol: None,
            next_due: None,
            meta: about.meta.meta.clone(),
            generation: about.meta.generation,
            policy: Vec::new(),
        }
    }

    fn write(&self, record: &Record) {
        self.metrics.count(record.kind);
        self.records.write(record);
        if self.generation().chain.handles(Event::Record) && !self.feed.offer(record.to_json()) {
            self.metrics.records_dropped("full", 1);
        }
    }

    fn scrape(&self) -> String {
        let totals = self.totals();
        self.metrics.queues(totals.messages, totals.due + totals.ready, totals.in_flight);
        self.metrics.encode(self.plugin_counters(), self.plugin_vitals())
    }

    /// Returns how plugins are; tenants' components all together.
    fn plugin_vitals(&self) -> Vec<PluginVitals> {
        let (generation, tenants, now) = (self.generation(), self.tenants.all(), Instant::now());
        let of = |plugin: &dyn Plugin, health: &Health, name: &str, version: u64| {
            let Vitals { instances, memory, host_calls, .. } = plugin.vitals();
            let quarantined = u64::from(health.standing(now) != Standing::Well);
            PluginVitals {
                plugin: name.to_owned(),
                version,
                instances: instances.into(),
                memory,
                host_calls,
                quarantined,
            }
        };
        let operators = generation.chain.links().map(|link| {
            let version = generation.plugins.get(link.plugin.name()).map_or(0, |installed| installed.current.number);
            of(&*link.plugin, &link.health, link.plugin.name(), version)
        });
        let own = tenants.values().filter_map(|tenant| tenant.loaded.ready());
        let own = own.map(|ready| of(&*ready.plugin, &ready.health, TENANTS, 0)).reduce(|all, one| PluginVitals {
            instances: all.instances + one.instances,
            memory: all.memory.max(one.memory),
            host_calls: all.host_calls + one.host_calls,
            quarantined: all.quarantined + one.quarantined,
            ..all
        });
        operators.chain(own).collect()
    }

    /// Returns what plugins count, the operator's and tenants'.
    fn plugin_counters(&self) -> Vec<PluginCounter> {
        let (generation, tenants) = (self.generation(), self.tenants.all());
        let tenants = tenants.values().filter_map(|tenant| tenant.loaded.ready());
        let plugins = generation.chain.links().map(|link| &*link.plugin).chain(tenants.map(|ready| &*ready.plugin));
        let counter = |plugin: &str, Metric { name, help, value }| {
            let plugin = plugin.to_owned();
            PluginCounter { plugin, name, help, value }
        };
        plugins.flat_map(|plugin| plugin.metrics().into_iter().map(|metric| counter(plugin.name(), metric))).collect()
    }
}

/// The name under which tenants' components are summed up.
const TENANTS: &str = "tenants";

/// Returns what the HTTP door offers besides injection.
pub(crate) fn services(
    node: &Arc<Node>,
    submit: Arc<Reception>,
    bodies: Arc<dyn BodyStore>,
    loader: Loader,
    orders: mpsc::Sender<Order>,
) -> Services<Reception> {
    let scraped = Arc::clone(node);
    let routes = upload::routes(node, loader).merge(plugins::routes(node, orders));
    Services { submit, bodies, metrics: Arc::new(move || scraped.scrape()), routes }
}
