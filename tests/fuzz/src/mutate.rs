//! New files out of old ones: by lines, by words, by octets, and by what parsers fear.

use fastrand::Rng;
use tollgate_wasm::ConfigFile;

use crate::Input;

/// Longest file, in octets: what breaks a loader breaks it in a small file too, and those are quick.
const LONGEST: usize = 48 * 1024;

/// Words that mean something to the loader, and values that it must judge.
const WORDS: [&str; 82] = [
    "[tenant.t]\n",
    "[tenant.'t'.campaigns.c]\n",
    "[queue.default]\n",
    "[queue.'a.example']\n",
    "[queue.'a.example'.t]\n",
    "[queue.'a.example'.t.c]\n",
    "[queue.'*.example']\n",
    "[queue.'*']\n",
    "[queue.default.protocol.smtp]\n",
    "tenants",
    "queues",
    "campaigns",
    "tenant",
    "queue",
    "default",
    "scheduling_header",
    "tenant_header",
    "remove_tenant_header",
    "campaign_header",
    "default_tenant",
    "require_authz",
    "routing_domain",
    "overall_max_message_rate",
    "retry_interval",
    "max_retry_interval",
    "max_age",
    "egress_pool",
    "max_message_rate",
    "protocol",
    "reap_interval",
    "refresh_interval",
    "refresh_strategy",
    "strategy",
    "timerwheel_tick_interval",
    "provider_name",
    "shrink_policy",
    "smtp",
    "mx_list",
    "maildir_path",
    "dir_mode",
    "custom_lua",
    "xfer",
    "interval",
    "policy",
    "name",
    "addr",
    "'Ttl'",
    "'Epoch'",
    "'NoShrink'",
    "'1h'",
    "'2h 30m'",
    "'999999999999 years'",
    "'0s'",
    "'1ns'",
    "0",
    "-1",
    "1e308",
    "nan",
    "inf",
    "9223372036854775807",
    "99999999999999999999",
    "0xffffffffffffffff",
    "0o777",
    "'10/s'",
    "'18446744073709551615/18446744073709551615d,max_burst=1'",
    "'local:1/s'",
    "true",
    "null",
    "''",
    "' '",
    "[]",
    "{}",
    "['a:25', '[::1]:2525', 'x.example']",
    "{name='a', addr='::1'}",
    "{smtp={mx_list=['a']}}",
    "1979-05-27T07:32:00Z",
    "\"\"\"",
    "'''",
    "\\u0000",
    "#",
    "\u{feff}",
    "\u{1f600}\u{301}\u{202e}",
];

/// What is put around itself, many times.
const NESTS: [(&str, &str); 7] = [
    ("[", "]"),
    ("{a=", "}"),
    ("{\"a\":", "}"),
    ("a.", ""),
    ("[[", "]]"),
    ("\"", ""),
    ("{\"queue\":{\"a\":{\"b\":{\"c\":", "}}}}"),
];

/// Returns an input made of this one and, perhaps, of another.
#[must_use]
pub fn mutate(input: &Input, other: &Input, random: &mut Rng) -> Input {
    let mut files = input.0.clone();
    if random.u8(..) < 16 {
        files.push(other.0[random.usize(..other.0.len())].clone());
    }
    if files.len() > 1 && random.u8(..) < 64 {
        files.swap_remove(random.usize(..files.len()));
    }
    // Names tell files apart, and how they are parsed.
    let at = random.usize(..files.len());
    let ConfigFile { name, content } = &mut files[at];
    for _ in 0..random.usize(1..6) {
        step(content, &other.0[0].content, random);
        content.truncate(LONGEST);
    }
    if random.u8(..) < 8 {
        *name = if name.ends_with(".json") { name.replace(".json", ".toml") } else { name.replace(".toml", ".json") };
    }
    Input(files)
}

fn step(content: &mut Vec<u8>, other: &[u8], random: &mut Rng) {
    match random.u8(..12) {
        0 => splice(content, other, random),
        1 | 2 => lines(content, random),
        3..=6 => words(content, random),
        7 => values(content, random),
        8 => octets(content, random),
        9 => nest(content, random),
        10 => repeat(content, random),
        _ => insert(content, WORDS[random.usize(..WORDS.len())].as_bytes(), random),
    }
}

/// The start of one file and the end of another.
fn splice(content: &mut Vec<u8>, other: &[u8], random: &mut Rng) {
    content.truncate(random.usize(..=content.len()));
    content.extend_from_slice(&other[random.usize(..=other.len())..]);
}

/// Removes, doubles or exchanges lines.
fn lines(content: &mut Vec<u8>, random: &mut Rng) {
    let mut lines: Vec<Vec<u8>> = content.split_inclusive(|octet| *octet == b'\n').map(<[u8]>::to_vec).collect();
    if lines.is_empty() {
        return;
    }
    let (one, two) = (random.usize(..lines.len()), random.usize(..lines.len()));
    match random.u8(..4) {
        0 => drop(lines.remove(one)),
        1 => lines.insert(one, lines[two].clone()),
        2 => lines.swap(one, two),
        _ => drop(lines.drain(one.min(two)..one.max(two))),
    }
    *content = lines.concat();
}

/// Puts a word in place of another, removes one, or writes one twice.
fn words(content: &mut Vec<u8>, random: &mut Rng) {
    let spans = spans(content);
    let Some((from, to)) = random.choice(spans) else { return };
    let word = match random.u8(..4) {
        0 => Vec::new(),
        1 => content[from..to].repeat(2),
        _ => WORDS[random.usize(..WORDS.len())].as_bytes().to_vec(),
    };
    content.splice(from..to, word);
}

/// Exchanges what stands right of two equals signs.
fn values(content: &mut Vec<u8>, random: &mut Rng) {
    let text = content.clone();
    let mut lines: Vec<(&[u8], &[u8])> = Vec::new();
    for line in text.split_inclusive(|octet| *octet == b'\n') {
        lines.push(line.split_at(line.iter().position(|octet| *octet == b'=').map_or(line.len(), |at| at + 1)));
    }
    let with_value: Vec<usize> = (0..lines.len()).filter(|at| !lines[*at].1.is_empty()).collect();
    if let (Some(one), Some(two)) = (random.choice(&with_value), random.choice(&with_value)) {
        (lines[*one].1, lines[*two].1) = (lines[*two].1, lines[*one].1);
    }
    *content = lines.into_iter().flat_map(|(key, value)| [key, value].concat()).collect();
}

fn octets(content: &mut [u8], random: &mut Rng) {
    for _ in 0..random.usize(1..8).min(content.len()) {
        let at = random.usize(..content.len());
        content[at] = random.u8(..);
    }
}

/// Opens something many times, and perhaps closes it as often.
fn nest(content: &mut Vec<u8>, random: &mut Rng) {
    let (open, close) = NESTS[random.usize(..NESTS.len())];
    let deep = [3, 31, 33, 79, 81, 127, 129, 1000, 10_000][random.usize(..9)];
    let inside = if random.bool() { "x=1" } else { "1" };
    let close = if random.bool() { close } else { "" };
    insert(content, format!("{}{inside}{}", open.repeat(deep), close.repeat(deep)).as_bytes(), random);
}

/// Writes a stretch many times, with a number in it so that keys differ.
fn repeat(content: &mut Vec<u8>, random: &mut Rng) {
    let spans = spans(content);
    let Some((from, to)) = random.choice(spans) else { return };
    let (word, times) = (String::from_utf8_lossy(&content[from..to]).into_owned(), random.usize(2..400));
    let numbered: String = (0..times).map(|number| format!("{word}{number} = {number}\n")).collect();
    insert(content, numbered.as_bytes(), random);
}

fn insert(content: &mut Vec<u8>, what: &[u8], random: &mut Rng) {
    let at = random.usize(..=content.len());
    content.splice(at..at, what.iter().copied());
}

/// Returns where the words of a text are: runs of the characters that names and numbers have, and all others alone.
fn spans(content: &[u8]) -> Vec<(usize, usize)> {
    let is_word = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-') || *octet >= 0x80;
    let mut spans = Vec::new();
    let mut at = 0;
    while at < content.len() {
        let length = content[at..].iter().take_while(|octet| is_word(octet)).count().max(1);
        spans.push((at, at + length));
        at += length;
    }
    spans
}
