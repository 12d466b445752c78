//! The events, as a guest is asked them: our types in, the guest's functions called, our types out.

use std::sync::Arc;

use tollgate_capability::metrics::Reading;
use tollgate_message::{Edits, QueueName, Received};
use tollgate_policy::{
    Answer, Events, Failure, Metric, Placement, Plugin, Scope, Settings, Throttle, Vitals,
    event::{
        egress::{PathSettings, PoolAnswer, SourceAnswer, Way},
        record::Batch,
        requeue::{Changes, Queued},
        smtp_session::{self, Credentials, Identified, OpenSession, Question},
    },
};

use super::{Instances, WasmPlugin, brief, egress, message, queue, session};
use crate::{
    bindings::throttles::exports::tollgate::policy::throttles::{Scope as WitScope, Throttle as WitThrottle},
    capability::queued_message::QueuedHandle,
};

impl Plugin for WasmPlugin {
    fn name(&self) -> &str {
        &self.0.maker.plugin
    }

    fn events(&self) -> Events {
        self.0.component.events()
    }

    fn placement(&self) -> Placement {
        match (&self.0.room, self.0.instances) {
            (Some(room), _) => Placement::Room(Arc::clone(room)),
            (None, Instances::Warm) => Placement::Inline,
            (None, Instances::Fresh) => Placement::Worker,
        }
    }

    fn digest(&self) -> String {
        self.0.component.digest()
    }

    fn metrics(&self) -> Vec<Metric> {
        let readings = self.0.maker.given.metrics.read();
        readings.into_iter().map(|Reading { name, help, value }| Metric { name, help, value }).collect()
    }

    fn take_snapshot(&self) -> Result<(), String> {
        self.0.take_snapshot()
    }

    fn vitals(&self) -> Vitals {
        self.0.vitals()
    }

    fn message_received(&self, received: &Arc<Received>, edits: Edits) -> Result<(Edits, Answer), Failure> {
        let (edits, answer) = match &self.0.questions {
            Some(questions) => brief::judge(&self.0, questions, received, edits)?,
            None => message::received(&self.0, received, edits)?,
        };
        self.0.maker.scope.may_answer(&answer).map_err(|refused| self.0.nonsense(refused.to_string()))?;
        Ok((edits, answer))
    }

    fn queue_config(&self, name: &QueueName, so_far: &Settings) -> Result<Option<Settings>, Failure> {
        match self.0.is_briefed_of_queues() {
            true => queue::briefed(&self.0, name),
            false => queue::asked(&self.0, name, so_far),
        }
    }

    fn throttles(&self, tenant: Option<&str>, campaign: Option<&str>) -> Result<Vec<Throttle>, Failure> {
        let mut guest = self.0.take()?;
        let throttles = guest.event(|call| {
            let (functions, store) = call.throttles()?;
            functions.tollgate_policy_throttles().call_throttles(store, tenant, campaign)
        })?;
        self.0.give_back(guest);
        throttles.into_iter().map(throttle).collect::<Result<_, _>>().map_err(|reason| self.0.nonsense(reason))
    }

    fn smtp_session(&self, session: &Arc<OpenSession>, question: &Question) -> Result<smtp_session::Answer, Failure> {
        let answer = session::ask(&self.0, session, question)?;
        answer.map_or_else(|reply| self.0.refusal(reply).map(Err), |()| Ok(Ok(())))
    }

    fn auth(&self, session: &Arc<OpenSession>, credentials: &Credentials) -> Result<Identified, Failure> {
        match session::auth(&self.0, session, credentials)? {
            Ok(Some(identity)) if !smtp_session::is_identity(&identity) => {
                Err(self.0.nonsense("an identity is 1 to 255 octets of printable text".to_owned()))
            }
            Ok(identity) => Ok(Ok(identity)),
            Err(reply) => Ok(Err(self.0.refusal(reply)?)),
        }
    }

    fn egress_pool(&self, name: &str) -> Result<Option<PoolAnswer>, Failure> {
        egress::pool(&self.0, name)
    }

    fn egress_source(&self, name: &str) -> Result<Option<SourceAnswer>, Failure> {
        egress::source(&self.0, name)
    }

    fn egress_path(&self, way: &Way, so_far: &PathSettings) -> Result<Option<PathSettings>, Failure> {
        egress::path(&self.0, way, so_far)
    }

    fn requeue(&self, queued: &Arc<Queued>, changes: Changes) -> Result<Changes, Failure> {
        let mut guest = self.0.take()?;
        let queued = Arc::clone(queued);
        let (changes, answer) = guest.event(|call| {
            let (functions, store) = call.requeue()?;
            let handle = store.data_mut().table.push(QueuedHandle { queued, changes })?;
            let borrowed = wasmtime::component::Resource::new_borrow(handle.rep());
            let answer = functions.tollgate_policy_requeue().call_requeue(&mut *store, borrowed)?;
            Ok((store.data_mut().table.delete(handle)?.changes, answer))
        })?;
        self.0.give_back(guest);
        answer.map_err(|error| self.0.no_answer("about a message that was put off", &error))?;
        Ok(changes)
    }

    fn record(&self, records: &Batch) -> Result<(), Failure> {
        let mut guest = self.0.take()?;
        guest.event(|call| {
            let (functions, store) = call.record()?;
            functions.tollgate_policy_record().call_record(store, records)
        })?;
        self.0.give_back(guest);
        Ok(())
    }
}

fn throttle(throttle: WitThrottle) -> Result<Throttle, String> {
    let scope = match throttle.scope {
        WitScope::Tenant => Scope::Tenant,
        WitScope::TenantCampaign => Scope::TenantCampaign,
    };
    Ok(Throttle { scope, key: throttle.key, rate: crate::capability::rate_from_guest(throttle.rate)? })
}
