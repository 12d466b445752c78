//! A message on its way in.

use std::{cell::RefCell, collections::BTreeMap};

use crate::{Answer, Edit, Mailbox, Origin, PolicyError, Question, Reply, domains, reject};

use super::invalid;

/// Most octets of header fields that an event may add, and of metadata's keys and values: the host's defaults.
const HEADER: usize = 64 << 10;
const META: (usize, usize) = (255, 16 << 10);
/// Most octets of the body that one call returns.
const BODY: usize = 64 << 10;

/// A message, as a test has made it; see [`crate::testing::Message`].
#[derive(Debug)]
pub struct Message(pub(crate) RefCell<State>);

/// What is in it, and what was changed.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) id: String,
    pub(crate) sender: Option<Mailbox>,
    pub(crate) recipients: Vec<Mailbox>,
    pub(crate) origin: Origin,
    pub(crate) authz_id: Option<String>,
    pub(crate) may_relay: bool,
    pub(crate) size: Option<u64>,
    pub(crate) received_at_ms: u64,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) meta: BTreeMap<String, String>,
    pub(crate) schedule: Option<String>,
    pub(crate) added: usize,
}

impl State {
    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let fields = self.headers.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name));
        fields.map(|(_, value)| value.as_str())
    }

    /// Checks a field that is to be added, and takes it from what may be added in an event.
    fn charge(&mut self, name: &str, value: &str) -> Result<(), PolicyError> {
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic() && b != b':') {
            return Err(invalid("a header name is one or more printable ASCII characters without a colon"));
        }
        if value.bytes().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
            return Err(invalid("a header value holds no CR, LF or NUL"));
        }
        self.added += name.len() + value.len();
        if self.added > HEADER { Err(PolicyError::TooLarge(HEADER as u64)) } else { Ok(()) }
    }
}

/// Returns a value unfolded and trimmed. Encoded words stay as they are: decoding them is the host's.
fn text(value: &str) -> String {
    value.replace(['\r', '\n'], "").trim().to_owned()
}

#[allow(missing_docs, reason = "wit/v0.1/host.wit documents every one of these")]
impl Message {
    pub fn ask(&self, questions: &[Question]) -> Vec<Answer> {
        let answer = |question: &Question| match question {
            Question::MayRelay => Answer::Flag(self.may_relay()),
            Question::AuthzId => Answer::Text(self.authz_id()),
            Question::Domain => Answer::Text(self.recipients().first().map(|first| domains::normalize(&first.domain))),
            Question::Header(name) => Answer::Text(self.first_header(name)),
            Question::Meta(key) => Answer::Text(self.get_meta(key)),
        };
        questions.iter().map(answer).collect()
    }

    pub fn apply(&self, edits: &[Edit]) -> Result<(), PolicyError> {
        edits.iter().try_for_each(|edit| match edit {
            Edit::AddHeader((name, value)) => self.add_header(name, value),
            Edit::ReplaceHeader((name, value)) => self.replace_header(name, value),
            Edit::RemoveHeader(name) => {
                self.remove_header(name);
                Ok(())
            }
            Edit::SetMeta((key, value)) => self.set_meta(key, value.as_deref()),
        })
    }

    pub fn id(&self) -> String {
        self.0.borrow().id.clone()
    }

    pub fn sender(&self) -> Option<Mailbox> {
        self.0.borrow().sender.clone()
    }

    pub fn recipients(&self) -> Vec<Mailbox> {
        self.0.borrow().recipients.clone()
    }

    pub fn origin(&self) -> Origin {
        self.0.borrow().origin
    }

    pub fn authz_id(&self) -> Option<String> {
        self.0.borrow().authz_id.clone()
    }

    pub fn may_relay(&self) -> bool {
        self.0.borrow().may_relay
    }

    pub fn size(&self) -> u64 {
        let state = self.0.borrow();
        let header: usize = state.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
        state.size.unwrap_or((header + 2 + state.body.len()) as u64)
    }

    pub fn received_at_ms(&self) -> u64 {
        self.0.borrow().received_at_ms
    }

    pub fn first_header(&self, name: &str) -> Option<String> {
        self.0.borrow().values(name).next().map(text)
    }

    pub fn all_headers(&self, name: &str) -> Vec<String> {
        self.0.borrow().values(name).map(text).collect()
    }

    pub fn header_bytes(&self, name: &str) -> Option<Vec<u8>> {
        self.0.borrow().values(name).next().map(|value| format!(" {value}").into_bytes())
    }

    pub fn header_names(&self) -> Vec<String> {
        self.0.borrow().headers.iter().map(|(name, _)| name.clone()).collect()
    }

    pub fn add_header(&self, name: &str, value: &str) -> Result<(), PolicyError> {
        let mut state = self.0.borrow_mut();
        state.charge(name, value)?;
        state.headers.push((name.to_owned(), value.to_owned()));
        Ok(())
    }

    pub fn replace_header(&self, name: &str, value: &str) -> Result<(), PolicyError> {
        let mut state = self.0.borrow_mut();
        state.charge(name, value)?;
        let is_named = |(known, _): &(String, String)| known.eq_ignore_ascii_case(name);
        let at = state.headers.iter().position(is_named).unwrap_or(state.headers.len());
        state.headers.retain(|field| !is_named(field));
        let at = at.min(state.headers.len());
        state.headers.insert(at, (name.to_owned(), value.to_owned()));
        Ok(())
    }

    pub fn remove_header(&self, name: &str) -> u32 {
        let mut state = self.0.borrow_mut();
        let before = state.headers.len();
        state.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        u32::try_from(before - state.headers.len()).unwrap_or(u32::MAX)
    }

    pub fn get_meta(&self, key: &str) -> Option<String> {
        self.0.borrow().meta.get(key).cloned()
    }

    pub fn set_meta(&self, key: &str, value: Option<&str>) -> Result<(), PolicyError> {
        if key.is_empty() || key.len() > META.0 || key.chars().any(char::is_control) {
            return Err(invalid("a metadata key is 1 to 255 octets of printable text"));
        }
        if value.is_some_and(|value| value.len() > META.1) {
            return Err(PolicyError::TooLarge(META.1 as u64));
        }
        let mut state = self.0.borrow_mut();
        match value {
            Some(value) => drop(state.meta.insert(key.to_owned(), value.to_owned())),
            None => drop(state.meta.remove(key)),
        }
        Ok(())
    }

    /// Takes any JSON object: whether a schedule makes sense is the host's to say.
    pub fn import_scheduling_header(&self, name: &str) -> Result<(), Reply> {
        let Some(value) = self.first_header(name) else { return Ok(()) };
        self.set_schedule(Some(&value))
            .map_err(|_| reject("5.6.0", &format!("{value} from header {name} is not a valid Scheduling header")))
    }

    /// Takes any JSON object: whether a schedule makes sense is the host's to say.
    pub fn set_schedule(&self, schedule: Option<&str>) -> Result<(), PolicyError> {
        let is_object = |text: &str| text.trim().starts_with('{') && text.trim().ends_with('}');
        if schedule.is_some_and(|schedule| !is_object(schedule)) {
            return Err(invalid("a schedule is a JSON object"));
        }
        self.0.borrow_mut().schedule = schedule.map(str::to_owned);
        Ok(())
    }

    pub fn body(&self, offset: u64, length: u32) -> Vec<u8> {
        let state = self.0.borrow();
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(state.body.len());
        let end = start + (length as usize).min(BODY).min(state.body.len() - start);
        state.body[start..end].to_vec()
    }
}
