//! Compiling strangers' components where it can hurt nobody: each in a process of its own, with limits that the system keeps.
//!
//! A compiler is a large program that was not written to be attacked with time and memory; the engine's makers say so. A [`Job`]
//! goes to a child over its standard input and code comes back over its standard output. The child has as much CPU time and
//! memory as the job may cost, cannot open a file or a socket, and ends with its parent. There are two kinds of job, and a
//! child does one: a child that has run a guest's code does not make code that the host will run.
//!
//! * [`job`]: what goes through the pipes. [`child`]: the child's side. [`process`]: the parent's.

pub(crate) mod child;
mod job;
mod process;

use std::{io, path::PathBuf, time::Duration};

pub(crate) use job::{Job, Task};

/// Where components are compiled.
#[derive(Clone, Debug)]
pub enum Compiler {
    /// In this process: for tests, and for programs that run components of their own only.
    Here,
    /// In a child for each: this program, called with these arguments, must call [`crate::compile_child`].
    Child {
        /// The program.
        program: PathBuf,
        /// Its arguments.
        arguments: Vec<String>,
    },
}

/// Why there is no compiled code.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// It does not validate, or the engine does not take it. The component's fault.
    #[error("not a valid component: {0}")]
    Invalid(String),
    /// It takes too long. The component's fault.
    #[error("compiling it takes more than {0:?} of CPU time (limits.compile)")]
    Time(Duration),
    /// The process ended otherwise: it ran out of memory, or met a fault of the compiler's.
    #[error("compiling it failed: {0}")]
    Crashed(String),
    /// The process could not be started or spoken to. The machine's fault.
    #[error("no process to compile it in: {0}")]
    Unavailable(#[from] io::Error),
}

impl Compiler {
    /// Does a job and returns what it makes: code for this very engine, or a snapshot as Wasm.
    pub(crate) fn run(&self, job: &Job) -> Result<Vec<u8>, CompileError> {
        match self {
            Self::Here => child::perform_guarded(job).map_err(CompileError::Invalid),
            Self::Child { program, arguments } => process::run(program, arguments, job),
        }
    }
}
