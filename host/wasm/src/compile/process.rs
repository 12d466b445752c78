//! The parent's side: start a child, give it its job, and wait no longer than the job may take.

use std::{
    io::{self, Read},
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{CompileError, Job, child};

/// Most octets that a child may say: code is some three times as large as the Wasm that it is made of.
const OUTPUT: u64 = 512 << 20;
/// Most octets of a child's last words that are kept.
const LAST_WORDS: u64 = 16 << 10;
/// How often it is looked whether a child has ended.
const LOOK: Duration = Duration::from_millis(2);
/// On a busy machine a child gets its CPU time late. This much later, it is ended.
const PATIENCE: u32 = 5;
const START: Duration = Duration::from_secs(30);

/// Does a job in a child.
pub(super) fn run(program: &Path, arguments: &[String], job: &Job) -> Result<Vec<u8>, CompileError> {
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
        return Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
    };
    thread::scope(|scope| {
        // A child that does not read to the end has its reasons, and tells them.
        scope.spawn(|| drop(job.write(stdin)));
        let said = scope.spawn(|| read(stdout, OUTPUT));
        let last_words = scope.spawn(|| read(stderr, LAST_WORDS));
        let ended = wait(&mut child, job.cpu() * PATIENCE + START);
        let said = said.join().unwrap_or_default();
        let last_words = last_words.join().unwrap_or_default();
        conclude(ended?, said, &last_words, job.cpu())
    })
}

/// Reads up to a limit; a child that says more is cut off, and meets a closed pipe.
fn read(from: impl Read, limit: u64) -> Vec<u8> {
    let mut octets = Vec::new();
    // What has come before an error is judged by its first octet and by how the child ended.
    drop(from.take(limit).read_to_end(&mut octets));
    octets
}

/// Waits until the child ends, or ends it; `None`: it was ended.
fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if started.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(LOOK);
    }
}

fn conclude(
    ended: Option<ExitStatus>,
    mut said: Vec<u8>,
    last_words: &[u8],
    cpu: Duration,
) -> Result<Vec<u8>, CompileError> {
    // The system's signal for a process that has used up its CPU time, and the one where it goes on regardless.
    const OUT_OF_TIME: [i32; 2] = [rustix::process::Signal::XCPU.as_raw(), rustix::process::Signal::KILL.as_raw()];
    let Some(status) = ended else { return Err(CompileError::Time(cpu)) };
    if status.signal().is_some_and(|signal| OUT_OF_TIME.contains(&signal)) {
        return Err(CompileError::Time(cpu));
    }
    match said.first() {
        Some(&child::DONE) if status.success() => Ok(said.split_off(1)),
        Some(&child::REFUSED) => Err(CompileError::Invalid(String::from_utf8_lossy(&said[1..]).into_owned())),
        _ => Err(CompileError::Crashed(crash(status, last_words))),
    }
}

/// Says in one line how a process ended.
fn crash(status: ExitStatus, last_words: &[u8]) -> String {
    let last_words = String::from_utf8_lossy(last_words);
    let line = last_words.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
    if line.is_empty() { status.to_string() } else { format!("{status}: {line}") }
}
