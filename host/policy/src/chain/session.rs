//! What a client wants while its session is open: the first refusal ends the chain, and a failure is what the operator chose.

use std::{sync::Arc, time::Instant};

use super::{Chain, Step, step};
use crate::{
    Event, Plugin,
    event::smtp_session::{Answer, Credentials, Identified, OpenSession, Question},
    fingerprint::of_client,
};

impl Chain {
    /// Asks whether a client may do what it wants, and tells which plugins were asked.
    ///
    /// # Cancel safety
    /// When dropped, some plugins were asked, and nothing else has happened.
    pub async fn smtp_session(&self, session: &Arc<OpenSession>, question: &Question) -> (Answer, Vec<Step>) {
        let mut trail = Vec::new();
        for asked in self.asked(Event::SmtpSession, || of_client(session).to_vec()) {
            let started = Instant::now();
            let (here, question) = (Arc::clone(session), question.clone());
            let (ask, about) =
                (move |plugin: &dyn Plugin| plugin.smtp_session(&here, &question), || Some(of_client(session)));
            let Some((link, answer)) = asked.link.zip(self.put(asked, ask, about).await) else { continue };
            let (word, end) = match answer {
                Ok(Ok(())) => ("accept", None),
                Ok(Err(refusal)) => (refusal.word(), Some(refusal)),
                Err(failure) => (failure.kind.word(), link.on_failure.refusal()),
            };
            trail.push(step(link, word, started));
            if let Some(refusal) = end {
                return (Err(refusal), trail);
            }
        }
        (Ok(()), trail)
    }

    /// Asks whom credentials prove a client to be; the first who knows the user decides. A plugin that fails, and is not
    /// skipped, may have been the one.
    ///
    /// # Cancel safety
    /// As [`Chain::smtp_session`].
    pub async fn auth(&self, session: &Arc<OpenSession>, credentials: &Credentials) -> (Identified, Vec<Step>) {
        let mut trail = Vec::new();
        for asked in self.asked(Event::SmtpSession, || of_client(session).to_vec()) {
            let started = Instant::now();
            let (here, credentials) = (Arc::clone(session), credentials.clone());
            let (ask, about) =
                (move |plugin: &dyn Plugin| plugin.auth(&here, &credentials), || Some(of_client(session)));
            let Some((link, answer)) = asked.link.zip(self.put(asked, ask, about).await) else { continue };
            let (word, end) = match answer {
                Ok(Ok(None)) => ("pass", None),
                Ok(Ok(identity)) => ("accept", Some(Ok(identity))),
                Ok(Err(refusal)) => (refusal.word(), Some(Err(refusal))),
                Err(failure) => (failure.kind.word(), link.on_failure.refusal().map(Err)),
            };
            trail.push(step(link, word, started));
            if let Some(answer) = end {
                return (answer, trail);
            }
        }
        (Ok(None), trail)
    }
}
