//! Mail from end to end: a load source, the program with the stock plugin and everything durable, and a sink, all here.
//!
//! Each round measures the tools alone (source to sink), then the program between them, so that the ratio of the two holds
//! on a machine that has other work. The last lines are the medians. What is measured, in order:
//!
//! - `ceiling`: source to sink without anything between them, over the same connections;
//! - `relay`: the same through the program, until the sink has the last message;
//! - `one at a time`: from the final dot to the reply, over one connection;
//! - `disk`: one write of 5 KiB and its sync, which everything durable waits for;
//! - `hold`: messages for later, which are accepted and kept.
//!
//! `TOLLGATE_BIN` names the program, `TOLLGATE_BENCH_MESSAGES` and `TOLLGATE_BENCH_ROUNDS` say how much is done.

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use serde_json::json;
use tempfile::TempDir;
use tollgate_bench::{QUEUES, median, quantile, round, setting, tell};
use tollgate_peer::{
    send::{self, SendConfig, SendReport},
    sink::{Counter, Sink, SinkConfig},
};

const CONNECTIONS: usize = 20;
const SIZE: usize = 1024;
/// Longer than any run takes that is worth its figures.
const PATIENCE: Duration = Duration::from_secs(120);
/// Clock ticks a second in `/proc`, which Linux has fixed for programs.
const TICKS: f64 = 100.0;

const TOLLGATE: &str = r#"
[spool]
path = "spool"
[smtp.listener.main]
listen = "127.0.0.1:0"
hostname = "mta.example"
relay_hosts = ["127.0.0.0/8"]
[[plugin]]
name = "queue-helper"
component = "builtin:queue-helper"
config = ["queues.toml"]
[source.ip-1]
[source.ip-2]
[pool.pool-1.ip-1]
[pool.pool-2.ip-2]
[egress.default]
connection_limit = 20
max_deliveries_per_connection = 1000000
[log]
records = "log"
"#;

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let (messages, rounds) = (setting("TOLLGATE_BENCH_MESSAGES", 20_000), setting("TOLLGATE_BENCH_ROUNDS", 3));
    let mut table = Vec::new();
    for _ in 0..rounds.max(1) {
        table.push(runtime.block_on(one_round(messages))?);
    }
    let column = |of: fn(&Round) -> f64| round(median(&mut table.iter().map(of).collect::<Vec<_>>()));
    tell(&json!({
        "bench": "end to end, medians", "rounds": table.len(), "messages": messages, "connections": CONNECTIONS,
        "size": SIZE, "disk_sync_ms": column(|round| round.disk), "ceiling_per_s": column(|round| round.ceiling), "accepted_per_s": column(|round| round.accepted),
        "delivered_per_s": column(|round| round.delivered),
        "delivered_of_ceiling": column(|round| round.delivered / round.ceiling),
        "cpu_s_per_1000": column(|round| round.cpu), "dot_p50_ms": column(|round| round.p50),
        "dot_p99_ms": column(|round| round.p99), "writes_per_1000": column(|round| round.writes),
        "single_p50_ms": column(|round| round.single_p50), "single_p99_ms": column(|round| round.single_p99),
        "held_per_s": column(|round| round.held), "held_cpu_s_per_1000": column(|round| round.held_cpu),
    }));
    Ok(())
}

/// The figures of a round: rates a second, times in milliseconds, CPU seconds and writes of the spool for 1,000 messages.
struct Round {
    disk: f64,
    ceiling: f64,
    accepted: f64,
    delivered: f64,
    cpu: f64,
    p50: f64,
    p99: f64,
    writes: f64,
    single_p50: f64,
    single_p99: f64,
    held: f64,
    held_cpu: f64,
}

async fn one_round(messages: u64) -> anyhow::Result<Round> {
    let sink = Sink::bind(SinkConfig::default())?;
    let (counter, hop, disk) = (sink.counter(), sink.local_addr(), millis(disk()?));
    let sink = tokio::spawn(sink.run(std::future::pending()));
    let ceiling = load(hop, messages, CONNECTIONS, &[]).await?.rate();
    tell(&json!({ "bench": "ceiling", "per_s": round(ceiling), "disk_sync_ms": disk }));

    let mta = Mta::start(hop)?;
    load(mta.smtp, 500, CONNECTIONS, &[]).await.context("while warming up")?;
    wait_for(&counter, messages + 500).await?;
    let relayed = relay(&mta, &counter, messages).await?;
    let single = load(mta.smtp, messages / 10, 1, &[]).await?;
    tell(&json!({ "bench": "one at a time", "dot_p50_ms": millis(single.p50), "dot_p99_ms": millis(single.p99) }));
    let (held, held_cpu) = hold(&mta, messages).await?;
    sink.abort();
    Ok(Round {
        disk,
        ceiling,
        single_p50: millis(single.p50),
        single_p99: millis(single.p99),
        held,
        held_cpu,
        ..relayed.over(ceiling)
    })
}

/// Returns what a write of 5 KiB into a file that is there takes with its sync, the median of 200.
fn disk() -> anyhow::Result<Duration> {
    let file = tempfile::tempfile_in(env!("CARGO_TARGET_TMPDIR"))?;
    file.write_all_at(&vec![0; 1 << 20], 0)?;
    file.sync_all()?;
    let mut times = Vec::new();
    for place in 0..200 {
        let started = Instant::now();
        file.write_all_at(&[1; 5 << 10], place * (5 << 10))?;
        file.sync_data()?;
        times.push(started.elapsed());
    }
    Ok(quantile(&mut times, 0.5))
}

/// Sends through the program until the sink has everything.
async fn relay(mta: &Mta, counter: &Counter, messages: u64) -> anyhow::Result<Relayed> {
    let (cpu, writes, there) = (mta.cpu()?, mta.spool_writes()?, counter.counts().messages);
    let started = Instant::now();
    let report = load(mta.smtp, messages, CONNECTIONS, &[]).await?;
    wait_for(counter, there + messages).await?;
    let delivered = messages as f64 / started.elapsed().as_secs_f64();
    ensure!(counter.counts().duplicates == 0, "messages came twice");
    let thousands = messages as f64 / 1000.0;
    let writes = (mta.spool_writes()? - writes) as f64 / thousands;
    let relayed = Relayed { report, delivered, cpu: (mta.cpu()? - cpu) / thousands, writes };
    tell(&json!({
        "bench": "relay", "accepted_per_s": round(relayed.report.rate()), "delivered_per_s": round(delivered),
        "cpu_s_per_1000": round(relayed.cpu), "dot_p50_ms": millis(relayed.report.p50),
        "dot_p99_ms": millis(relayed.report.p99), "writes_per_1000": round(writes),
    }));
    Ok(relayed)
}

struct Relayed {
    report: SendReport,
    delivered: f64,
    cpu: f64,
    writes: f64,
}

impl Relayed {
    fn over(&self, ceiling: f64) -> Round {
        Round {
            disk: 0.0,
            ceiling,
            accepted: self.report.rate(),
            delivered: self.delivered,
            cpu: self.cpu,
            p50: millis(self.report.p50),
            p99: millis(self.report.p99),
            writes: self.writes,
            single_p50: 0.0,
            single_p99: 0.0,
            held: 0.0,
            held_cpu: 0.0,
        }
    }
}

/// Sends mail for the next hour; returns messages a second and CPU seconds for 1,000.
async fn hold(mta: &Mta, messages: u64) -> anyhow::Result<(f64, f64)> {
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let schedule = json!({ "first_attempt": later.strftime("%Y-%m-%dT%H:%M:%SZ").to_string() });
    let cpu = mta.cpu()?;
    let rate = load(mta.smtp, messages, CONNECTIONS, &[("X-Schedule", &schedule.to_string())]).await?.rate();
    let cpu = (mta.cpu()? - cpu) / (messages as f64 / 1000.0);
    tell(&json!({ "bench": "hold", "accepted_per_s": round(rate), "cpu_s_per_1000": round(cpu) }));
    Ok((rate, cpu))
}

async fn load(to: SocketAddr, messages: u64, connections: usize, more: &[(&str, &str)]) -> anyhow::Result<SendReport> {
    let headers = [("X-Tenant", "mytenant"), ("X-Campaign", "welcome-campaign")];
    let headers = headers.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let config =
        SendConfig { to, connections, messages, size: SIZE, headers: headers.collect(), ..SendConfig::default() };
    let report = send::run(config).await?;
    ensure!(report.sent == messages, "{} of {messages} were accepted: {:?}", report.sent, report.last_error);
    Ok(report)
}

async fn wait_for(counter: &Counter, messages: u64) -> anyhow::Result<()> {
    let until = Instant::now() + PATIENCE;
    while counter.counts().messages < messages {
        ensure!(Instant::now() < until, "{} of {messages} messages arrived", counter.counts().messages);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}

/// The program as a process; ended when dropped.
struct Mta {
    child: Child,
    smtp: SocketAddr,
    _folder: TempDir,
}

impl Mta {
    fn start(next_hop: SocketAddr) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let queues =
            QUEUES.replace("[queue.default]\n", &format!("[queue.default]\nprotocol.smtp.mx_list = ['{next_hop}']\n"));
        ensure!(queues != QUEUES, "the guide's queues.toml has no [queue.default]");
        fs::write(folder.path().join("queues.toml"), queues)?;
        let config = folder.path().join("tollgate.toml");
        fs::write(&config, TOLLGATE)?;
        let program = program();
        let mut command = Command::new(&program);
        let mut child = command
            .args(["serve".as_ref(), "--config".as_ref(), config.as_os_str()])
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| program.display().to_string())?;
        let smtp = listening(&mut child)?;
        Ok(Self { child, smtp, _folder: folder })
    }

    /// CPU seconds of all its threads so far.
    fn cpu(&self) -> anyhow::Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name before the last bracket may hold blanks; the 14th and 15th fields are ticks of user and system.
        let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().skip(11).take(2);
        let ticks = fields.map(str::parse::<f64>).sum::<Result<f64, _>>()?;
        Ok(ticks / TICKS)
    }

    /// Writes of the spool's thread so far: one for each group, and the same number of syncs.
    fn spool_writes(&self) -> anyhow::Result<u64> {
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let task = task?.path();
            if fs::read_to_string(task.join("comm"))?.trim() == "spool" {
                let io = fs::read_to_string(task.join("io"))?;
                let writes = io.lines().find_map(|line| line.strip_prefix("syscw: "));
                return Ok(writes.context("no syscw in /proc/PID/task/TID/io")?.parse()?);
            }
        }
        bail!("the program has no thread for the spool")
    }
}

impl Drop for Mta {
    fn drop(&mut self) {
        // One that has ended already is as well.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn program() -> PathBuf {
    let built = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/release/tollgate");
    env::var_os("TOLLGATE_BIN").map_or_else(built, PathBuf::from)
}

/// Waits until the program says where it listens, and lets it say on what it likes.
fn listening(child: &mut Child) -> anyhow::Result<SocketAddr> {
    let mut lines = BufReader::new(child.stderr.take().context("no standard error")?).lines();
    let address = loop {
        let line = lines.next().context("the program ended")??;
        match line.strip_prefix("tollgate: listening for smtp on ") {
            Some(address) => break address.parse()?,
            None => tell(&json!({ "said": line })),
        }
    };
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| tell(&json!({ "said": line }))));
    Ok(address)
}

fn millis(duration: Duration) -> f64 {
    round(duration.as_secs_f64() * 1000.0)
}
