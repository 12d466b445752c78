//! A message on its way in.

use std::{cell::RefCell, collections::BTreeMap};

use crate::{Answer, Edit, LONGEST_META, Mailbox, Origin, PolicyError, Question, Reply, brief, domains, reject};

use super::invalid;

/// Most octets of header fields that an event may add, and of metadata's keys and values: the host's defaults.
const HEADER: usize = 64 << 10;
const META: (usize, usize) = (255, LONGEST_META);
/// Most octets of one answer to a question, and of all answers in one call.
const ANSWER: usize = 64 << 10;
const ANSWERS: usize = 1 << 20;
/// Most octets of the body that one call returns.
const BODY: usize = 64 << 10;

/// A message, as a test has made it; see [`crate::testing::Message`].
///
/// ```
/// use tollgate_sdk::testing;
///
/// let message: tollgate_sdk::Message = testing::Message::to("bob@receiver.example").header("Subject", "Hi").build();
/// assert_eq!(message.header_names(), ["Subject"]);
/// ```
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
fn unfolded(value: &str) -> String {
    value.replace(['\r', '\n'], "").trim().to_owned()
}

/// Returns a text as an answer, if there is room for it.
fn text(text: Option<String>, left: &mut usize) -> Answer {
    let octets = text.as_ref().map_or(0, String::len);
    if octets > ANSWER.min(*left) {
        return Answer::TooLong(u32::try_from(octets).unwrap_or(u32::MAX));
    }
    *left -= octets;
    Answer::Text(text)
}

impl Message {
    /// Answers several questions at once, in their order: a call to the host costs more than most of its answers. Each
    /// question counts as a call.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Message::to("bob@receiver.example").header("Subject", "Hi").build();
    /// use tollgate_sdk::{Answer, Question};
    ///
    /// let answers = message.ask(&[Question::MayRelay, Question::Header("Subject".to_owned())]);
    /// assert_eq!(answers, [Answer::Flag(true), Answer::Text(Some("Hi".to_owned()))]);
    /// ```
    pub fn ask(&self, questions: &[Question]) -> Vec<Answer> {
        let mut left = ANSWERS;
        let answer = |question: &Question| match question {
            Question::MayRelay => Answer::Flag(self.may_relay()),
            Question::AuthzId => text(self.authz_id(), &mut left),
            Question::Domain => text(self.domain(), &mut left),
            Question::Header(name) => text(self.first_header(name), &mut left),
            Question::Meta(key) => text(self.get_meta(key), &mut left),
        };
        questions.iter().map(answer).collect()
    }

    /// Makes several changes at once, in their order; each counts as a call. At the first that is refused, with its error,
    /// it ends: those before it are made.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Message::to("bob@receiver.example").header("Subject", "Hi").build();
    /// use tollgate_sdk::Edit;
    ///
    /// let (name, value) = ("X-Seen".to_owned(), "yes".to_owned());
    /// message.apply(&[Edit::RemoveHeader("Subject".to_owned()), Edit::AddHeader((name, value))])?;
    /// assert_eq!(message.header_names(), ["X-Seen"]);
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
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

    /// Answers what is asked of a message that is told of in brief; changes it where the question does.
    pub(crate) fn brief(&self, questions: &[brief::Question]) -> Result<Vec<Answer>, Reply> {
        let mut left = ANSWERS;
        let answer = |question: &brief::Question| {
            Ok(match question {
                brief::Question::MayRelay => Answer::Flag(self.may_relay()),
                brief::Question::AuthzId => text(self.authz_id(), &mut left),
                brief::Question::Domain => text(self.domain(), &mut left),
                brief::Question::Header(name) => text(self.first_header(name), &mut left),
                brief::Question::TakeHeader(name) => text(self.take_header(name), &mut left),
                brief::Question::TakeSchedule(name) => Answer::Flag(self.take_schedule(name)?),
                brief::Question::Meta(key) => text(self.get_meta(key), &mut left),
            })
        };
        questions.iter().map(answer).collect()
    }

    fn domain(&self) -> Option<String> {
        self.recipients().first().map(|first| domains::normalize(&first.domain))
    }

    fn take_header(&self, name: &str) -> Option<String> {
        let value = self.first_header(name);
        self.remove_header(name);
        value
    }

    fn take_schedule(&self, name: &str) -> Result<bool, Reply> {
        let is_blank = self.first_header(name).is_none_or(|value| value.is_empty());
        let takes = self.may_relay() && !is_blank;
        if takes {
            self.import_scheduling_header(name)?;
        }
        self.remove_header(name);
        Ok(takes)
    }

    /// Returns the message's id: 32 lower-case hexadecimal digits.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Message::to("bob@receiver.example").header("Subject", "Hi").build();
    /// assert_eq!(message.id().len(), 32);
    /// ```
    pub fn id(&self) -> String {
        self.0.borrow().id.clone()
    }

    /// Returns the reverse-path, absent for the null sender of notifications (RFC 5321 §4.5.5).
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Message::to("bob@receiver.example").header("Subject", "Hi").build();
    /// assert!(message.sender().is_some_and(|sender| sender.domain == "client.example"));
    /// ```
    pub fn sender(&self) -> Option<Mailbox> {
        self.0.borrow().sender.clone()
    }

    /// Returns the recipients in their order; never empty.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Message::to("bob@receiver.example").header("Subject", "Hi").build();
    /// assert_eq!(message.recipients()[0].local_part, "bob");
    /// ```
    pub fn recipients(&self) -> Vec<Mailbox> {
        self.0.borrow().recipients.clone()
    }

    /// Returns through which door the message came.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Message::to("bob@receiver.example").header("Subject", "Hi").build();
    /// assert_eq!(message.origin(), tollgate_sdk::Origin::Smtp);
    /// ```
    pub fn origin(&self) -> Origin {
        self.0.borrow().origin
    }

    /// Returns the authenticated identity of the session.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Message::to("bob@receiver.example").header("Subject", "Hi").build();
    /// assert_eq!(message.authz_id(), None);
    /// ```
    pub fn authz_id(&self) -> Option<String> {
        self.0.borrow().authz_id.clone()
    }

    /// Returns whether the session may send to any domain. Only such a session may name a tenant, a campaign or a schedule.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Message::to("bob@receiver.example").header("Subject", "Hi").build();
    /// assert!(message.may_relay());
    /// ```
    pub fn may_relay(&self) -> bool {
        self.0.borrow().may_relay
    }

    /// Returns the size as received, in octets.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Message::to("bob@receiver.example").header("Subject", "Hi").build();
    /// assert_eq!(message.size(), "Subject: Hi\r\n\r\n".len() as u64);
    /// ```
    pub fn size(&self) -> u64 {
        let state = self.0.borrow();
        let header: usize = state.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
        state.size.unwrap_or((header + 2 + state.body.len()) as u64)
    }

    /// Returns when the message was received, in milliseconds since 1970.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Message::to("bob@receiver.example").header("Subject", "Hi").build();
    /// assert!(message.received_at_ms() <= tollgate_sdk::clock::now_ms());
    /// ```
    pub fn received_at_ms(&self) -> u64 {
        self.0.borrow().received_at_ms
    }

    /// Returns the first header field of this name (any case): unfolded, trimmed, encoded words decoded (RFC 2047),
    /// octets that are not UTF-8 replaced.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Message::to("bob@receiver.example").header("Subject", "Hi").build();
    /// assert_eq!(message.first_header("subject").as_deref(), Some("Hi"));
    /// ```
    pub fn first_header(&self, name: &str) -> Option<String> {
        self.0.borrow().values(name).next().map(unfolded)
    }

    /// Returns all header fields of this name, in order, each as `first-header` would.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Message::to("bob@receiver.example").header("Subject", "Hi").build();
    /// assert_eq!(message.all_headers("Subject"), ["Hi"]);
    /// ```
    pub fn all_headers(&self, name: &str) -> Vec<String> {
        self.0.borrow().values(name).map(unfolded).collect()
    }

    /// Returns the octets of the first header field of this name: what follows the colon, folds kept.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Message::to("bob@receiver.example").header("Subject", "Hi").build();
    /// assert_eq!(message.header_bytes("Subject").as_deref(), Some(&b" Hi"[..]));
    /// ```
    pub fn header_bytes(&self, name: &str) -> Option<Vec<u8>> {
        self.0.borrow().values(name).next().map(|value| format!(" {value}").into_bytes())
    }

    /// Returns the names of the header fields, in order, repetitions included.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Message::to("bob@receiver.example").header("Subject", "Hi").build();
    /// assert_eq!(message.header_names(), ["Subject"]);
    /// ```
    pub fn header_names(&self) -> Vec<String> {
        self.0.borrow().headers.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Adds a header field at the end of the header; long values are folded.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Message::to("bob@receiver.example").header("Subject", "Hi").build();
    /// message.add_header("X-Seen", "yes")?;
    /// assert!(message.add_header("X-Seen", "one\r\ntwo").is_err());
    /// assert_eq!(message.all_headers("X-Seen"), ["yes"]);
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn add_header(&self, name: &str, value: &str) -> Result<(), PolicyError> {
        let mut state = self.0.borrow_mut();
        state.charge(name, value)?;
        state.headers.push((name.to_owned(), value.to_owned()));
        Ok(())
    }

    /// Puts a value in place of the first field of this name and removes the others; adds one where there is none.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Message::to("bob@receiver.example").header("Subject", "Hi").build();
    /// message.replace_header("Subject", "Ho")?;
    /// assert_eq!(message.all_headers("Subject"), ["Ho"]);
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
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

    /// Removes all header fields of this name and returns how many there were.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Message::to("bob@receiver.example").header("Subject", "Hi").build();
    /// assert_eq!((message.remove_header("Subject"), message.remove_header("Subject")), (1, 0));
    /// ```
    pub fn remove_header(&self, name: &str) -> u32 {
        let mut state = self.0.borrow_mut();
        let before = state.headers.len();
        state.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        u32::try_from(before - state.headers.len()).unwrap_or(u32::MAX)
    }

    /// Returns a piece of metadata. `tenant`, `campaign`, `routing_domain` and `queue` decide the queue.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Message::to("bob@receiver.example").header("Subject", "Hi").build();
    /// assert_eq!(message.get_meta("tenant"), None);
    /// ```
    pub fn get_meta(&self, key: &str) -> Option<String> {
        self.0.borrow().meta.get(key).cloned()
    }

    /// Sets a piece of metadata, or removes it.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Message::to("bob@receiver.example").header("Subject", "Hi").build();
    /// message.set_meta("tenant", Some("acme"))?;
    /// assert_eq!(message.get_meta("tenant").as_deref(), Some("acme"));
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
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

    /// Reads a schedule from the first header field of this name and applies it; does nothing where there is none.
    ///
    /// The field holds a JSON object of `first_attempt` and `expires` (RFC 3339 with an offset) and of `dow`, `tz`,
    /// `start` and `end` (all or none). The error is the reply that the sender deserves.
    ///
    /// Takes any JSON object: whether a schedule makes sense is the host's to say.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Message::to("bob@receiver.example").header("Subject", "Hi").build();
    /// // Nothing of that name, nothing to do.
    /// message.import_scheduling_header("X-Schedule")?;
    /// # Ok::<(), tollgate_sdk::Reply>(())
    /// ```
    pub fn import_scheduling_header(&self, name: &str) -> Result<(), Reply> {
        let Some(value) = self.first_header(name) else { return Ok(()) };
        self.set_schedule(Some(&value))
            .map_err(|_| reject("5.6.0", &format!("{value} from header {name} is not a valid Scheduling header")))
    }

    /// Applies a schedule given as the same JSON, or clears it.
    ///
    /// Takes any JSON object: whether a schedule makes sense is the host's to say.
    ///
    /// ```
    /// # let message = tollgate_sdk::testing::Message::to("bob@receiver.example").header("Subject", "Hi").build();
    /// message.set_schedule(Some(r#"{"first_attempt":"2040-01-01T00:00:00Z"}"#))?;
    /// assert!(tollgate_sdk::testing::schedule(&message).is_some());
    /// # Ok::<(), tollgate_sdk::PolicyError>(())
    /// ```
    pub fn set_schedule(&self, schedule: Option<&str>) -> Result<(), PolicyError> {
        let is_object = |text: &str| text.trim().starts_with('{') && text.trim().ends_with('}');
        if schedule.is_some_and(|schedule| !is_object(schedule)) {
            return Err(invalid("a schedule is a JSON object"));
        }
        self.0.borrow_mut().schedule = schedule.map(str::to_owned);
        Ok(())
    }

    /// Returns up to `length` octets of the body from `offset`, both in octets; less at the body's end, and no more than
    /// 65536 at a time. Of a message over 256 KiB only the first part is here.
    ///
    /// ```
    /// use tollgate_sdk::testing;
    ///
    /// let message = testing::Message { body: b"Hello".to_vec(), ..testing::Message::to("bob@receiver.example") }.build();
    /// assert_eq!(message.body(1, 3), b"ell");
    /// ```
    pub fn body(&self, offset: u64, length: u32) -> Vec<u8> {
        let state = self.0.borrow();
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(state.body.len());
        let end = start + (length as usize).min(BODY).min(state.body.len() - start);
        state.body[start..end].to_vec()
    }
}
