//! Files, as they are and as nobody would write them.

use std::sync::Arc;

use tollgate_config::{Finding, Severity};
use tollgate_wasm::{ConfigFile, Configuration, Setup, StartError, WasmPlugin};

use super::{Subject, verdict};
use crate::report::Verdict;

pub(super) fn configures(subject: &Subject) -> Verdict {
    match start(subject, subject.setup.files.clone()) {
        Ok(_) => Verdict::Holds,
        Err(StartError::Configuration(refused)) => {
            let told = refused.findings.iter().map(ToString::to_string).collect::<Vec<_>>();
            let told =
                if told.is_empty() { vec!["the configuration is refused without a word".to_owned()] } else { told };
            verdict(told)
        }
        Err(StartError::Failed(failure)) => verdict(vec![failure.to_string()]),
    }
}

pub(super) fn odd_files(subject: &Subject) -> Verdict {
    let is_configured = subject.component.census().exports.iter().any(|name| name.contains("/configure@"));
    if !is_configured {
        return Verdict::Skipped("it takes no configuration".to_owned());
    }
    let names: Vec<String> = subject.setup.files.iter().map(|file| file.name.clone()).collect();
    let name = names.first().cloned().unwrap_or_else(|| "policy.toml".to_owned());
    let mut problems = Vec::new();
    for (what, files) in odd(&name, &subject.setup.files) {
        let lines = files.iter().map(|file| (file.name.clone(), lines_of(&file.content))).collect::<Vec<_>>();
        match start(subject, files) {
            Ok((_, said)) => problems.extend(misplaced(&said, &lines).map(|problem| format!("{what}: {problem}"))),
            Err(StartError::Failed(failure)) => problems.push(format!("{what}: {failure}")),
            Err(StartError::Configuration(refused)) => {
                if !refused.findings.iter().any(|finding| finding.severity == Severity::Error) {
                    problems.push(format!("{what}: refused, and nothing says why: no diagnostic is an error"));
                }
                problems.extend(misplaced(&refused, &lines).map(|problem| format!("{what}: {problem}")));
            }
        }
    }
    verdict(problems)
}

fn start(subject: &Subject, files: Vec<ConfigFile>) -> Result<(WasmPlugin, Configuration), StartError> {
    WasmPlugin::start(Arc::clone(&subject.component), Setup { files, ..subject.setup.clone() })
}

/// Returns files that nobody would write, each with words for it.
fn odd(name: &str, given: &[ConfigFile]) -> Vec<(&'static str, Vec<ConfigFile>)> {
    let file = |content: &[u8]| vec![ConfigFile { name: name.to_owned(), content: content.to_vec() }];
    let cut = given.first().map_or(&[][..], |file| &file.content[..file.content.len() / 2]);
    vec![
        ("no file", Vec::new()),
        ("an empty file", file(b"")),
        ("blanks and line ends", file(b" \r\n\t\n\n  ")),
        ("octets that are no text", file(b"\xff\xfe\x00\x80 = \xc3\x28")),
        ("a byte order mark", file(b"\xef\xbb\xbf")),
        ("NUL in the middle", file(b"a = 1\0\nb = 2\n")),
        ("half of the file", file(cut)),
        ("a key that there is not", file(b"no-such-key-in-any-policy = 'x'\n")),
        ("tables in tables", file("[a".repeat(300).replace("[a[a", "[a.a").as_bytes())),
        ("lists in lists", file(format!("a = {}", "[".repeat(10_000)).as_bytes())),
        ("one long line", file(format!("a = '{}'", "x".repeat(1 << 20)).as_bytes())),
        ("many lines", file("# nothing\n".repeat(20_000).as_bytes())),
        ("the file twice", [given, given].concat()),
        (
            "other names",
            file(b"{}").into_iter().map(|file| ConfigFile { name: "../\u{202e}x".to_owned(), ..file }).collect(),
        ),
    ]
}

fn lines_of(content: &[u8]) -> usize {
    content.iter().filter(|octet| **octet == b'\n').count() + 1
}

/// Returns diagnostics that are about a place that the files do not have.
fn misplaced<'a>(said: &'a Configuration, lines: &'a [(String, usize)]) -> impl Iterator<Item = String> + 'a {
    let wrong = |finding: &Finding| {
        let file = finding.file.as_ref()?;
        let Some((_, lines)) = lines.iter().find(|(name, _)| name == file) else {
            return Some(format!("a diagnostic is about '{file}', which it was not given"));
        };
        let line = finding.at?.line as usize;
        (line == 0 || line > lines + 1)
            .then(|| format!("a diagnostic is about line {line} of {lines}: {}", finding.message))
    };
    said.findings.iter().filter_map(wrong)
}
