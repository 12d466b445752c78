//! The boundary between guest and host, against a guest that calls with whatever is in a message and answers with whatever is
//! in its memory (`tests/guests/hostile/attacks/replay.wat`), and one that is told of messages in brief and does the same
//! (`replay-brief.wat`).
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
pub struct Boundary {
    plugin: WasmPlugin,
    way: Way,
}

/// How a guest is told of messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// It is shown them, and may call.
    Whole,
    /// It is told what it asked.
    Brief,
}

impl Boundary {
    /// Makes the guest.
    ///
    /// # Panics
    /// Where it cannot be made: it comes with the build.
    #[must_use]
    pub fn new(way: Way) -> Self {
        let runtime = Runtime::new(None, Compiler::Here).expect("an engine");
        let octets = match way {
            Way::Whole => tollgate_hostile::attack("replay", "message-received-plugin"),
            Way::Brief => tollgate_hostile::attack("replay-brief", "message-brief-plugin"),
        };
        let component = runtime.load(&octets).expect("a component");
        let limits = Limits { wall: std::time::Duration::from_secs(30), ..Limits::default() };
        let (name, instances) = ("replay".to_owned(), Instances::Fresh);
        let setup = Setup { name, limits, instances, ..Setup::default() };
        Self { plugin: WasmPlugin::start(component, setup).expect("a plugin").0, way }
    }

    /// Has the guest do what the octets say, and returns the word for what came of it.
    ///
    /// # Errors
    /// What does not hold: edits that a message cannot have.
    pub fn replay(&self, body: &[u8]) -> Result<&'static str, String> {
        let draft = match self.way {
            Way::Whole => draft(body),
            Way::Brief => draft_in_brief(body),
        };
        match self.plugin.message_received(&draft.received, draft.edits.clone()) {
            Ok((edits, answer)) => {
                check(&edits)?;
                Ok(answer.map_or_else(|refusal| refusal.word(), |_| "verdict"))
            }
            Err(failure) if failure.detail.is_empty() => Err("a failure without a reason".to_owned()),
            Err(failure) => Ok(failure.kind.word()),
        }
    }
}

/// Returns octets that say something to the guest.
#[must_use]
pub fn body(way: Way, random: &mut Rng) -> Vec<u8> {
    match way {
        Way::Whole => calls(random),
        Way::Brief => judgement(random),
    }
}

/// Where in what the guest is told the judgement lies, and each of its edits with its size.
const JUDGEMENT: usize = 8;
const EDITS: usize = 48;
const EDIT: usize = 24;

/// Returns a judgement with up to six edits, nearly right most of the time.
fn judgement(random: &mut Rng) -> Vec<u8> {
    let (words, places) = words();
    let mut memory = vec![0; EDITS];
    let count = random.u32(..=RECORDS);
    for _ in 0..count {
        memory.extend(edit(random, &places).iter().flat_map(|word| word.to_le_bytes()));
    }
    memory.resize(EDITS + RECORDS as usize * EDIT, 0);
    memory.resize(WORDS_AT, 0);
    memory.extend(words);
    let word = |at: usize| u32::try_from(BODY + at).unwrap_or(0).to_le_bytes();
    let at = if random.u8(..8) == 0 { random.u32(..).to_le_bytes() } else { word(JUDGEMENT) };
    memory[..4].copy_from_slice(&at);
    memory[JUDGEMENT..JUDGEMENT + 4].copy_from_slice(&word(EDITS));
    let count = if random.u8(..16) == 0 { random.u32(..) } else { count };
    memory[JUDGEMENT + 4..JUDGEMENT + 8].copy_from_slice(&count.to_le_bytes());
    let verdict = verdict(random, &places).into_iter().flat_map(u32::to_le_bytes).collect::<Vec<_>>();
    memory[JUDGEMENT + 8..JUDGEMENT + 8 + verdict.len()].copy_from_slice(&verdict);
    memory
}

/// Returns an edit as it lies in memory: which, a text, and another, which may be absent of the last kind.
fn edit(random: &mut Rng, places: &[(u32, u32)]) -> [u32; EDIT / 4] {
    let kind = kind(random);
    let ([name, name_len], [value, value_len]) = (text(random, places), text(random, places));
    if kind == 3 {
        [kind, name, name_len, random.u32(..2), value, value_len]
    } else {
        [kind, name, name_len, value, value_len, 0]
    }
}

/// Returns a verdict as it lies in memory: which, and a reason, or a code, an enhanced one that may be absent, and a text.
fn verdict(random: &mut Rng, places: &[(u32, u32)]) -> [u32; 7] {
    let kind = kind(random);
    let ([reason, reason_len], [enhanced, enhanced_len]) = (text(random, places), text(random, places));
    if kind == 3 {
        let code = [450, 550, random.u32(..600)][random.usize(..3)];
        [kind, code, u32::from(random.u8(..4) == 0), enhanced, enhanced_len, reason, reason_len]
    } else {
        [kind, reason, reason_len, 0, 0, 0, 0]
    }
}

/// Returns one of four, or now and then one that there is not.
fn kind(random: &mut Rng) -> u32 {
    let kinds = if random.u8(..16) == 0 { 255 } else { 4 };
    random.u32(..kinds)
}

/// Returns where a text lies and how long it is; now and then anything.
fn text(random: &mut Rng, places: &[(u32, u32)]) -> [u32; 2] {
    if random.u8(..16) == 0 {
        let bits = random.u8(..31);
        return [random.u32(..1 << 20), random.u32(..1 << bits)];
    }
    places[random.usize(..places.len())].into()
}

/// Returns so many arguments of a call: texts, most of them, and some numbers.
fn arguments(random: &mut Rng, places: &[(u32, u32)], count: usize) -> Vec<u8> {
    let mut arguments = Vec::new();
    while arguments.len() < count {
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
    arguments.iter().take(count).flat_map(|argument| argument.to_le_bytes()).collect()
}

fn calls(random: &mut Rng) -> Vec<u8> {
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
        body.extend(arguments(random, &places, 6));
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

/// Octets cross as text here: each as two letters.
fn draft_in_brief(memory: &[u8]) -> Draft {
    let letters = memory.iter().flat_map(|octet| [octet >> 4, octet & 15]).map(|four| char::from(b'a' + four));
    let mut draft = draft(&[]);
    draft.edits.meta.insert("memory".to_owned(), letters.collect());
    draft
}
