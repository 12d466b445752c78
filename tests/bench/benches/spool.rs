//! How many messages a second the spool makes durable, and how long each waits, by how many write at once.
//!
//! On a real disk: the folder is in `target`. `done` says whether each message ends at once, as it does where mail flows.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use serde_json::json;
use tollgate_bench::{quantile, round, setting, tell};
use tollgate_message::{MessageId, Timestamp};
use tollgate_spool::{Batch, Body, NewMessage, Options, Spool, vfs::OsVfs};

const META: usize = 300;
const STATE: usize = 80;

fn main() -> anyhow::Result<()> {
    let time = Duration::from_millis(setting("TOLLGATE_BENCH_SPOOL_MS", 1500));
    let runtime = tokio::runtime::Runtime::new()?;
    for size in [1 << 10, 8 << 10] {
        for writers in [1, 20, 200] {
            for done in [false, true] {
                runtime.block_on(measure(size, writers, done, time))?;
            }
        }
    }
    Ok(())
}

async fn measure(size: usize, writers: usize, done: bool, time: Duration) -> anyhow::Result<()> {
    let folder = tempfile::tempdir_in(Path::new(env!("CARGO_TARGET_TMPDIR")))?;
    let (spool, _) = Spool::open(Arc::new(OsVfs), folder.path(), Options::default())?;
    // The first commit makes the first segments.
    write(spool.clone(), size, done, Instant::now()).await;
    let (before, started) = (spool.stats(), Instant::now());
    let writing = (0..writers).map(|_| tokio::spawn(write(spool.clone(), size, done, started + time)));
    let mut waits = Vec::new();
    for writer in writing.collect::<Vec<_>>() {
        waits.extend(writer.await?);
    }
    let (elapsed, after) = (started.elapsed().as_secs_f64(), spool.stats());
    tell(&json!({
        "bench": "spool", "body": size, "writers": writers, "done": done,
        "commits_per_s": round(waits.len() as f64 / elapsed),
        "syncs_per_s": round((after.syncs - before.syncs) as f64 / elapsed),
        "p50_ms": millis(quantile(&mut waits, 0.5)), "p99_ms": millis(quantile(&mut waits, 0.99)),
    }));
    Ok(())
}

/// Commits one message after the other until the time has come, at least one, and returns how long each took.
async fn write(spool: Spool, size: usize, done: bool, until: Instant) -> Vec<Duration> {
    let (body, meta, state) = (octets(size), octets(META), octets(STATE));
    let mut waits = Vec::new();
    loop {
        let id = MessageId::new(Timestamp::from_millis(1_764_000_000_000)).to_bytes();
        let messages = vec![NewMessage { id, meta: meta.clone(), state: state.clone() }];
        let started = Instant::now();
        let receipt = spool.commit(Batch { body: Body::Inline(body.clone()), messages }).await;
        drop(receipt.expect("a disk that writes"));
        waits.push(started.elapsed());
        if done {
            spool.remove(id);
        }
        if Instant::now() >= until {
            return waits;
        }
    }
}

fn octets(count: usize) -> Bytes {
    vec![b'x'; count].into()
}

fn millis(duration: Duration) -> f64 {
    round(duration.as_secs_f64() * 1000.0)
}
