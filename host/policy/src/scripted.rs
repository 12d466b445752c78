//! Plugins whose answers are written in the test.

use std::sync::Arc;

use tollgate_message::{Edits, QueueName, Received};

use crate::{
    Answer, Event, Events, Failure, Placement, Plugin, Settings, Throttle, Verdict,
    event::{
        requeue::{Changes, Queued},
        smtp_session::{self, OpenSession, Question},
    },
};

type OnMessage = dyn Fn(&Received, &mut Edits) -> Result<Answer, Failure> + Send + Sync;
type OnQueue = dyn Fn(&QueueName) -> Result<Option<Settings>, Failure> + Send + Sync;
type OnSession = dyn Fn(&Question) -> Result<smtp_session::Answer, Failure> + Send + Sync;
type OnRequeue = dyn Fn(&Queued, &mut Changes) -> Result<(), Failure> + Send + Sync;

/// A plugin made of closures. Handles the events that have one.
pub struct Scripted {
    name: String,
    placement: Placement,
    on_message: Option<Box<OnMessage>>,
    on_queue: Option<Box<OnQueue>>,
    on_session: Option<Box<OnSession>>,
    on_requeue: Option<Box<OnRequeue>>,
}

impl Scripted {
    /// Returns a plugin that handles nothing yet.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            placement: Placement::Inline,
            on_message: None,
            on_queue: None,
            on_session: None,
            on_requeue: None,
        }
    }

    /// Runs it on a worker.
    #[must_use]
    pub fn on_worker(mut self) -> Self {
        self.placement = Placement::Worker;
        self
    }

    /// Answers `message-received` with this.
    #[must_use]
    pub fn on_message(
        mut self,
        answer: impl Fn(&Received, &mut Edits) -> Result<Answer, Failure> + Send + Sync + 'static,
    ) -> Self {
        self.on_message = Some(Box::new(answer));
        self
    }

    /// Answers `get-queue-config` with this.
    #[must_use]
    pub fn on_queue(
        mut self,
        answer: impl Fn(&QueueName) -> Result<Option<Settings>, Failure> + Send + Sync + 'static,
    ) -> Self {
        self.on_queue = Some(Box::new(answer));
        self
    }

    /// Answers what clients want with this.
    #[must_use]
    pub fn on_session(
        mut self,
        answer: impl Fn(&Question) -> Result<smtp_session::Answer, Failure> + Send + Sync + 'static,
    ) -> Self {
        self.on_session = Some(Box::new(answer));
        self
    }

    /// Changes with this when and where mail waits.
    #[must_use]
    pub fn on_requeue(
        mut self,
        answer: impl Fn(&Queued, &mut Changes) -> Result<(), Failure> + Send + Sync + 'static,
    ) -> Self {
        self.on_requeue = Some(Box::new(answer));
        self
    }
}

impl Plugin for Scripted {
    fn name(&self) -> &str {
        &self.name
    }

    fn events(&self) -> Events {
        let message = self.on_message.is_some().then_some(Event::MessageReceived);
        let queue = self.on_queue.is_some().then_some(Event::QueueConfig);
        let session = self.on_session.is_some().then_some(Event::SmtpSession);
        let requeue = self.on_requeue.is_some().then_some(Event::Requeue);
        [message, queue, session, requeue].into_iter().flatten().fold(Events::default(), Events::with)
    }

    fn placement(&self) -> Placement {
        self.placement.clone()
    }

    fn message_received(&self, received: &Arc<Received>, mut edits: Edits) -> Result<(Edits, Answer), Failure> {
        let answer = self.on_message.as_ref().map_or(Ok(Ok(Verdict::Accept)), |ask| ask(received, &mut edits))?;
        Ok((edits, answer))
    }

    fn queue_config(&self, name: &QueueName, _so_far: &Settings) -> Result<Option<Settings>, Failure> {
        self.on_queue.as_ref().map_or(Ok(None), |ask| ask(name))
    }

    fn throttles(&self, _tenant: Option<&str>, _campaign: Option<&str>) -> Result<Vec<Throttle>, Failure> {
        Ok(Vec::new())
    }

    fn smtp_session(&self, _session: &Arc<OpenSession>, question: &Question) -> Result<smtp_session::Answer, Failure> {
        self.on_session.as_ref().map_or(Ok(Ok(())), |ask| ask(question))
    }

    fn requeue(&self, queued: &Arc<Queued>, mut changes: Changes) -> Result<Changes, Failure> {
        if let Some(ask) = &self.on_requeue {
            ask(queued, &mut changes)?;
        }
        Ok(changes)
    }
}
