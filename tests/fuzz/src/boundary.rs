//! The boundary between guest and host, against a guest that calls with whatever is in a message and answers with whatever is
//! in its memory (`tests/guests/hostile/attacks/replay.wat`).
//!
//! Most arguments are nearly right: calls that go through reach more than those that end at the first check.

use bytes::Bytes;
use fastrand::Rng;
use tollgate_message::{Draft, Edits, Header};
use tollgate_policy::Plugin as _;
use tollgate_testkit::received;
use tollgate_wasm::{Compiler, Instances, Limits, Runtime, Setup, WasmPlugin};

/// What the guest can call, and words that mean something to some of it.
const CALLS: u32 = 24;
const WORDS: [&str; 12] = [
    "Subject",
    "X-A",
    "tenant",
    "a\r\nBcc: b",
    "\0",
    "max_age",
    "{\"smtp\":{}}",
    "{\"first_attempt\":\"2030-01-01T00:00:00Z\"}",
    "münchen.example.",
    "=?utf-8?q?x?=",
    "Received",
    "",
];
/// Where the guest lays the body, and where its words begin: behind as many records as there are.
const BODY: usize = 65_536;
const RECORDS: u32 = 6;
const WORDS_AT: usize = 8 + RECORDS as usize * 32;

/// A guest that does what messages say.
pub struct Boundary(WasmPlugin);

impl Boundary {
    /// Makes the guest.
    ///
    /// # Panics
    /// Where it cannot be made: it comes with the build.
    #[must_use]
    pub fn new() -> Self {
        let runtime = Runtime::new(None, Compiler::Here).expect("an engine");
        let octets = tollgate_hostile::attack("replay", "message-received-plugin");
        let component = runtime.load(&octets).expect("a component");
        let limits = Limits { wall: std::time::Duration::from_secs(30), ..Limits::default() };
        let (name, instances) = ("replay".to_owned(), Instances::Fresh);
        let setup = Setup { name, limits, instances, ..Setup::default() };
        Self(WasmPlugin::start(component, setup).expect("a plugin").0)
    }

    /// Has the guest do what the octets say, and returns the word for what came of it.
    ///
    /// # Errors
    /// What does not hold: edits that a message cannot have.
    pub fn replay(&self, body: &[u8]) -> Result<&'static str, String> {
        let draft = draft(body);
        match self.0.message_received(&draft.received, draft.edits.clone()) {
            Ok((edits, answer)) => {
                check(&edits)?;
                Ok(answer.map_or_else(|refusal| refusal.word(), |_| "verdict"))
            }
            Err(failure) if failure.detail.is_empty() => Err("a failure without a reason".to_owned()),
            Err(failure) => Ok(failure.kind.word()),
        }
    }
}

impl Default for Boundary {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns octets that say something to the guest.
#[must_use]
pub fn body(random: &mut Rng) -> Vec<u8> {
    let (words, places) = words();
    let mut body = Vec::new();
    let answer = if random.u8(..3) == 0 { random.u32(..) } else { random.u32(..4096) & !7 };
    let records = random.u32(..=RECORDS);
    body.extend([answer, records].map(u32::to_le_bytes).concat());
    for _ in 0..records {
        body.extend(random.u32(..CALLS).to_le_bytes());
        // The message is the first handle that there is; settings come after it.
        let handle = if random.u8(..8) == 0 { random.u32(..) } else { random.u32(1..4) };
        body.extend(handle.to_le_bytes());
        let mut arguments = Vec::new();
        while arguments.len() < 6 {
            match random.u8(..8) {
                0 => arguments.push(random.u32(..)),
                1 => arguments.push(random.u32(..3)),
                2 => arguments.push(random.u32(..1 << 20)),
                _ => {
                    let (at, len) = places[random.usize(..places.len())];
                    arguments.extend([at, len]);
                }
            }
        }
        body.extend(arguments.iter().take(6).flat_map(|argument| argument.to_le_bytes()));
    }
    body.resize(WORDS_AT, 0);
    body.extend(words);
    body
}

/// Returns the words one after the other, and where in the guest's memory each lies.
fn words() -> (Vec<u8>, Vec<(u32, u32)>) {
    let (mut octets, mut places) = (Vec::new(), Vec::new());
    for word in WORDS {
        let at = BODY + WORDS_AT + octets.len();
        places.push((u32::try_from(at).unwrap_or(0), u32::try_from(word.len()).unwrap_or(0)));
        octets.extend(word.as_bytes());
    }
    (octets, places)
}

/// Whatever a guest did to a header, it is read again as what it was written as: no field begins within another.
fn check(edits: &Edits) -> Result<(), String> {
    let mut written = Vec::new();
    for (name, value) in edits.header.iter() {
        written.extend(name.as_bytes());
        written.push(b':');
        written.extend(value);
        written.extend(b"\r\n");
    }
    let again = Header::parse(Bytes::from([written, b"\r\n".to_vec()].concat()));
    let names = |header: &Header| header.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
    if names(&again) == names(&edits.header) { Ok(()) } else { Err(format!("{:?} became {:?}", edits.header, again)) }
}

fn draft(body: &[u8]) -> Draft {
    Draft::new(received([b"Subject: s\r\nX-Schedule: {\"tz\":1}\r\n\r\n".as_slice(), body].concat()))
}
