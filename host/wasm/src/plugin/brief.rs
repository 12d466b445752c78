//! A message that a plugin is told of in brief: the answers to what it always asks, and back what it changes. Nothing is called
//! in between, so there is no resource, and nothing crosses but these two.

use std::sync::Arc;

use tollgate_message::{Edits, Received};
use tollgate_policy::{self as policy, Failure};

use super::Inner;
use crate::{
    bindings::{
        host::tollgate::policy::{
            message::{Answer, Edit},
            types::{PolicyError, Reply},
        },
        message_brief::exports::tollgate::policy::message_brief::{Question, Verdict},
    },
    capability::edit::{Answers, Editor, MessageHandle},
    instance::Guest,
    state::HostState,
};

/// Most questions of a plugin: the host looks for their answers before the guest runs, and no clock ends that.
const QUESTIONS: usize = 64;

/// Returns what the plugin asks of every message; nothing where it is shown messages whole.
///
/// # Errors
/// A failure of the guest's, or that it asks too much.
pub(super) fn questions(guest: &mut Guest) -> Result<Option<Vec<Question>>, Failure> {
    let Some(questions) = guest.questions()? else { return Ok(None) };
    if questions.len() <= QUESTIONS {
        return Ok(Some(questions));
    }
    Err(guest.nonsense(format!("asks {} questions of every message, and {QUESTIONS} is the most", questions.len())))
}

/// What came of a message that was told of.
enum Told {
    /// Its schedule cannot be used: what its sender is told. The plugin was not asked.
    Unusable(Reply),
    /// What the plugin says, and whether its edits could be made.
    Judged(Verdict, Result<(), PolicyError>),
}

pub(super) fn judge(
    inner: &Arc<Inner>,
    questions: &[Question],
    received: &Arc<Received>,
    edits: Edits,
) -> Result<(Edits, policy::Answer), Failure> {
    let mut guest = inner.take()?;
    let received = Arc::clone(received);
    let (edits, told) = guest.event(|call| {
        let (judge, store) = call.judge()?;
        let mut message = MessageHandle::new(received, edits, store.data().scope());
        let answers = match answers(store.data_mut(), &mut message, questions)? {
            Ok(answers) => answers,
            Err(reply) => return Ok((message.edits, Told::Unusable(reply))),
        };
        let (judgement,) = judge.call(&mut *store, (answers,))?;
        let made = make(store.data_mut(), &mut message, judgement.edits)?;
        Ok((message.edits, Told::Judged(judgement.verdict, made)))
    })?;
    inner.give_back(guest);
    let answer = match told {
        Told::Judged(_, Err(reason)) => {
            return Err(inner.nonsense(format!("makes a change that is refused: {reason:?}")));
        }
        Told::Unusable(reply) | Told::Judged(Verdict::Refuse(reply), Ok(())) => Err(inner.refusal(reply)?),
        Told::Judged(Verdict::Accept, Ok(())) => Ok(policy::Verdict::Accept),
        Told::Judged(Verdict::Discard, Ok(())) => Ok(policy::Verdict::Discard),
        Told::Judged(Verdict::Hold(reason), Ok(())) => Ok(policy::Verdict::Hold(reason)),
    };
    Ok((edits, answer))
}

/// Answers the questions in their order; each counts as a call to the host. The reply is that to an unusable schedule.
fn answers(
    state: &mut HostState,
    message: &mut MessageHandle,
    questions: &[Question],
) -> wasmtime::Result<Result<Vec<Answer>, Reply>> {
    state.charge_many(questions.len())?;
    let mut answers = Answers::within(state.limits().host_call_bytes);
    let mut editor = state.allowance().0.editor(message);
    Ok(questions.iter().map(|question| answer(&mut editor, &mut answers, question)).collect())
}

fn answer(editor: &mut Editor<'_>, answers: &mut Answers, question: &Question) -> Result<Answer, Reply> {
    Ok(match question {
        Question::MayRelay => Answer::Flag(editor.message.received.session.may_relay),
        Question::AuthzId => answers.text(editor.message.received.session.authz_id.clone()),
        Question::Domain => answers.text(editor.message.domain()),
        Question::Header(name) => answers.text(editor.message.first_header(name)),
        Question::TakeHeader(name) => answers.text(editor.take_header(name)),
        Question::TakeSchedule(name) => Answer::Flag(take_schedule(editor, name)?),
        Question::Meta(key) => answers.text(editor.message.meta(key)),
    })
}

/// Returns whether the message got a schedule.
fn take_schedule(editor: &mut Editor<'_>, name: &str) -> Result<bool, Reply> {
    let value = editor.take_header(name).filter(|value| !value.is_empty());
    match value.filter(|_| editor.message.received.session.may_relay) {
        Some(value) => editor.message.import_schedule(name, &value).map(|()| true),
        None => Ok(false),
    }
}

/// Makes changes up to the first that is refused. Each counts as a call to the host.
fn make(
    state: &mut HostState,
    message: &mut MessageHandle,
    edits: Vec<Edit>,
) -> wasmtime::Result<Result<(), PolicyError>> {
    state.charge_many(edits.len())?;
    let mut editor = state.allowance().0.editor(message);
    Ok(edits.into_iter().try_for_each(|edit| editor.make(edit)))
}
