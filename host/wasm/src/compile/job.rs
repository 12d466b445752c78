//! A job for a compile child, and how it goes through a pipe: a line of JSON, then octets.

use std::{
    io::{self, BufRead as _, Read, Write},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{limits::Limits, plugin::Instances};

/// What a child does.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Task {
    /// Wasm in, code out. Runs nothing of the guest's.
    Compile,
    /// Wasm in, Wasm out: the component as it is when it has been configured with these files.
    Snapshot {
        /// Name and content of each.
        files: Vec<(String, Vec<u8>)>,
        /// How long its instances will live.
        instances: Instances,
    },
}

/// A task, what it is done to, and what it may cost.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) task: Task,
    pub(crate) octets: Vec<u8>,
    pub(crate) limits: Limits,
}

#[derive(Serialize, Deserialize)]
struct Heading {
    task: Task,
    limits: Limits,
}

/// Longest heading; it holds the files of a plugin, at most.
const HEADING: u64 = 256 << 20;

impl Job {
    pub(crate) fn write(&self, mut to: impl Write) -> io::Result<()> {
        let heading = Heading { task: self.task.clone(), limits: self.limits.clone() };
        serde_json::to_writer(&mut to, &heading)?;
        to.write_all(b"\n")?;
        to.write_all(&self.octets)?;
        to.flush()
    }

    pub(crate) fn read(from: impl Read) -> io::Result<Self> {
        let mut from = io::BufReader::new(from);
        let mut heading = Vec::new();
        (&mut from).take(HEADING).read_until(b'\n', &mut heading)?;
        let Heading { task, limits } = serde_json::from_slice(&heading)?;
        let mut octets = Vec::new();
        from.read_to_end(&mut octets)?;
        Ok(Self { task, octets, limits })
    }

    /// CPU time that the job may take.
    pub(crate) fn cpu(&self) -> Duration {
        match self.task {
            Task::Compile => self.limits.compile,
            // The guest has its own time for being configured; before that it is compiled, too.
            Task::Snapshot { .. } => self.limits.compile + self.limits.init,
        }
    }
}
