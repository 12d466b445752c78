//! The child's side: shut itself in, read the job, do it, write what comes out.

use std::{
    io::{self, Write as _},
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
    time::Duration,
};

use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};

use super::{Job, Task};
use crate::{engine, snapshot};

/// Address space of a child in octets: far more than a policy needs, far less than would press the machine.
const ADDRESS_SPACE: u64 = 6 << 30;

/// The first octet of what a child says: what follows is the result, or why there is none.
pub(super) const DONE: u8 = b'+';
pub(super) const REFUSED: u8 = b'-';

/// Serves one job from standard input to standard output. Never returns an error other than through its output: whoever
/// reads it knows what to make of nothing.
pub fn serve() -> ExitCode {
    // Before anything is read.
    if let Err(error) = shut_in() {
        return answer(REFUSED, error.to_string().as_bytes());
    }
    let job = Job::read(io::stdin().lock()).and_then(|job| limit_cpu(job.cpu()).map(|()| job));
    match job {
        Ok(job) => match perform_guarded(&job) {
            Ok(octets) => answer(DONE, &octets),
            Err(reason) => answer(REFUSED, reason.as_bytes()),
        },
        Err(error) => answer(REFUSED, error.to_string().as_bytes()),
    }
}

/// Does a job; a panic of the compiler's is a refusal.
pub(super) fn perform_guarded(job: &Job) -> Result<Vec<u8>, String> {
    let done = catch_unwind(AssertUnwindSafe(|| perform(job)));
    done.unwrap_or_else(|_| Err("the compiler panicked".to_owned()))
}

fn perform(job: &Job) -> Result<Vec<u8>, String> {
    match &job.task {
        Task::Compile => {
            let engine = engine::compiling().map_err(|error| words(&error))?;
            engine.precompile_component(&job.octets).map_err(|error| words(&error))
        }
        Task::Snapshot { files, instances } => snapshot::take(&job.octets, files, *instances, &job.limits),
    }
}

fn words(error: &wasmtime::Error) -> String {
    format!("{error:#}")
}

/// Takes from this process what no job needs: files, sockets, core dumps, and most of the machine's memory.
fn shut_in() -> io::Result<()> {
    // A parent that is killed takes its children along.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // Standard input, output and error are open; nothing else can be.
    limit(Resource::Nofile, 3)?;
    limit(Resource::Fsize, 0)?;
    limit(Resource::Core, 0)?;
    limit(Resource::As, ADDRESS_SPACE)
}

fn limit_cpu(cpu: Duration) -> io::Result<()> {
    limit(Resource::Cpu, cpu.as_secs().max(1))
}

fn limit(resource: Resource, value: u64) -> io::Result<()> {
    Ok(setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })?)
}

fn answer(kind: u8, octets: &[u8]) -> ExitCode {
    let mut out = io::stdout().lock();
    let written = out.write_all(&[kind]).and_then(|()| out.write_all(octets)).and_then(|()| out.flush());
    if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
