//! `tollgate demo`: the whole program at work on loopback, with a sink for a world, told line by line.
//!
//! Everything lives in a temporary folder and ends with the command. The story is read from the log records, as an
//! operator would read it; the reasons are asked of policy, as `explain` does.

mod letters;
mod story;

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::{mpsc, oneshot},
};
use tollgate_message::{QueueName, Timestamp};
use tollgate_peer::{
    send,
    sink::{Sink, SinkConfig},
};
use tollgate_policy::{Chain, OptionValue};

use super::send::compose;
use crate::{
    config,
    policy::{Loaded, Loader},
    serve::Prepared,
};
use letters::{Door, Letter, RULES};
use story::{Story, Tone, say};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {}

const SENDER: &str = "news@sender.example";
/// Longer than anything in the story takes, on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Returns 0 if the story went as it should, 1 if it did not.
pub(crate) fn run(_args: &Args) -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().expect("a machine that has threads");
    match runtime.block_on(play()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            say(&format!("tollgate: the demo failed: {reason:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn play() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let rules = RULES.iter().map(|rule| rule.parse()).collect::<Result<_, _>>()?;
    let sink = Sink::bind(SinkConfig { rules, ..SinkConfig::default() })?;
    let next_hop = sink.local_addr();
    let (stop_sink, sink_stopped) = oneshot::channel::<()>();
    let sink = tokio::spawn(sink.run(async { drop(sink_stopped.await) }));

    let story = Story::begin();
    story.heading("Tollgate on loopback: the stock queue-helper, a queues.toml, a sink for the world");
    let (config, why) = set_up(folder.path(), next_hop)?;
    let records = config.records.clone().unwrap_or_default();
    // Nobody changes single plugins here.
    let (nobody, _) = mpsc::channel(1);
    let server = Prepared::take(config)?.start(load(folder.path())?, nobody).await?;
    server.listening().iter().for_each(|line| story.tell(Tone::Plain, "listening", line, &[]));
    let (smtp, http) = (server.smtp_address(), server.http_address());
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(server.run(async { drop(stopped.await) }));

    story.heading("Mail goes in");
    let letters = letters::letters(now());
    for letter in &letters {
        post(&story, letter, smtp, http).await?;
    }
    story.heading("What became of it");
    let told = follow(&story, &records, letters.len(), &why).await;
    // Both ends wait for these, so they are there to hear it.
    let _ = (stop.send(()), stop_sink.send(()));
    server.await?;
    let counts = sink.await?;
    story.heading("The end");
    say(&format!("{} letters sent, {} delivered to the sink, nothing left behind.", letters.len(), counts.messages));
    told
}

/// Writes the files of the demo and reads them as `serve` would. The second chain answers why.
fn set_up(folder: &Path, next_hop: SocketAddr) -> anyhow::Result<(config::Config, Chain)> {
    fs::write(folder.join("queues.toml"), include_str!("queues.toml").replace("SINK", &next_hop.to_string()))?;
    fs::write(folder.join("tollgate.toml"), include_str!("tollgate.toml"))?;
    Ok((read(folder)?, load(folder)?.chain))
}

fn read(folder: &Path) -> anyhow::Result<config::Config> {
    let read = config::read(&folder.join("tollgate.toml"));
    read.map(|(config, _)| config).map_err(|refused| anyhow::anyhow!("{refused}"))
}

fn load(folder: &Path) -> anyhow::Result<Loaded> {
    let config = read(folder)?;
    let loaded = Loader::new(Some(&folder.join("compiled")))?.load(&config);
    loaded.map_err(|findings| {
        anyhow::anyhow!("{}", findings.iter().map(|finding| format!("{finding}\n")).collect::<String>())
    })
}

async fn post(story: &Story, letter: &Letter, smtp: SocketAddr, http: SocketAddr) -> anyhow::Result<()> {
    let message = compose(SENDER, &[letter.to.to_owned()], &letter.fields, "Hello from the demo.");
    let answer = match letter.door {
        Door::Smtp => {
            let to = [letter.to.to_owned()];
            let replies = send::one(smtp, "client.example", SENDER, &to, message.as_bytes()).await?;
            replies.first().map(|(_, reply)| reply.to_string()).unwrap_or_default()
        }
        Door::Http => inject(http, letter.to, &message).await?,
    };
    let door = if letter.door == Door::Smtp { "SMTP" } else { "HTTP" };
    let fields: Vec<String> = letter.fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let said = if fields.is_empty() { String::new() } else { format!(" with {}", fields.join(", ")) };
    let detail = [format!("{answer}   ({})", letter.shows)];
    story.tell(Tone::Plain, door, &format!("to {}{said}", letter.to), &detail);
    Ok(())
}

/// Posts a message to the injection API and returns the status line and the counts.
async fn inject(http: SocketAddr, to: &str, message: &str) -> io::Result<String> {
    let request =
        serde_json::json!({"envelope_sender": SENDER, "recipients": [{"email": to}], "content": message}).to_string();
    let mut stream = TcpStream::connect(http).await?;
    let head = format!(
        "POST /api/inject/v1 HTTP/1.1\r\nHost: {http}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        request.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    Ok(format!("{} {}", head.lines().next().unwrap_or_default(), body.trim()))
}

/// Tells the log records as they are written, until every letter has its last one.
async fn follow(story: &Story, records: &Path, letters: usize, why: &Chain) -> anyhow::Result<()> {
    let (mut told, mut ended) = (0, 0);
    let deadline = Instant::now() + PATIENCE;
    while ended < letters {
        let lines = read_records(records);
        for line in lines.iter().skip(told) {
            let record: Value = serde_json::from_str(line)?;
            let reasons = if record["type"] == "Reception" { reasons(why, &record).await } else { Vec::new() };
            ended += usize::from(story.record(&record, &reasons));
        }
        told = lines.len();
        anyhow::ensure!(
            Instant::now() < deadline,
            "{} of {letters} letters have no end after a minute",
            letters - ended
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Returns the whole lines of the record files.
fn read_records(folder: &Path) -> Vec<String> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).map(|files| files.flatten().map(|file| file.path()).collect()).unwrap_or_default();
    files.sort();
    let text: String = files.iter().filter_map(|file| fs::read_to_string(file).ok()).collect();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(str::to_owned).collect()
}

/// Returns the settings of the queue in which a message fell, each with the line that set it.
async fn reasons(chain: &Chain, record: &Value) -> Vec<String> {
    let name = QueueName::parse(record["queue"].as_str().unwrap_or_default());
    let (settings, _) = chain.queue_config(&name).await;
    let setting = |(option, written): (&tollgate_policy::QueueOption, &[tollgate_policy::settings::Written])| {
        let last = written.last()?;
        let value = last.value.as_ref().map(OptionValue::text)?;
        Some(format!("{} = {value}  ({})", option.name(), last.origin.as_deref().unwrap_or("default")))
    };
    settings.iter().filter(|(option, _)| option.name() != "protocol").filter_map(setting).collect()
}

fn now() -> Timestamp {
    jiff::Timestamp::now().into()
}
