//! `tollgate sink`.

use std::{
    io::{Write as _, stderr, stdout},
    net::SocketAddr,
    process::ExitCode,
};

use tokio::sync::mpsc;
use tollgate_peer::{
    rule::Rule,
    sink::{Arrived, Sink, SinkConfig},
};

use super::BAD;

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Where to listen, as address:port.
    #[arg(long, default_value = "127.0.0.1:2526")]
    listen: SocketAddr,
    /// What to do other than accept, in order: `rcpt=slow@ reply=451 4.3.0 later times=2`, `stage=dot close`.
    ///
    /// rcpt= takes an address, `@domain`, `localprefix@` or `*`; stage= banner, ehlo, mail, rcpt, data or dot;
    /// then reply=, delay=, close or accept.
    #[arg(long)]
    rule: Vec<Rule>,
    /// Says nothing of each message, and at the end how many there were.
    #[arg(long, short)]
    quiet: bool,
    /// Prints each message as a line of JSON.
    #[arg(long)]
    json: bool,
}

/// Takes mail until SIGINT or SIGTERM; 2 if it cannot listen.
pub(crate) fn run(args: &Args) -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().expect("a machine that has threads");
    runtime.block_on(take(args))
}

async fn take(args: &Args) -> ExitCode {
    let (arrivals, arrived) = mpsc::channel(1024);
    let config = SinkConfig {
        listen: args.listen,
        rules: args.rule.clone(),
        arrivals: (!args.quiet).then_some(arrivals),
        ..SinkConfig::default()
    };
    let sink = match Sink::bind(config) {
        Ok(sink) => sink,
        Err(reason) => {
            drop(writeln!(stderr(), "tollgate: cannot listen on {}: {reason}", args.listen));
            return ExitCode::from(BAD);
        }
    };
    drop(writeln!(stderr(), "tollgate: sink listening on {}", sink.local_addr()));
    let printer = tokio::spawn(print(arrived, args.json));
    let counts = sink.run(super::stop()).await;
    drop(printer.await);
    drop(writeln!(stderr(), "tollgate: {} messages over {} connections", counts.messages, counts.connections));
    ExitCode::SUCCESS
}

async fn print(mut arrived: mpsc::Receiver<Arrived>, json: bool) {
    while let Some(message) = arrived.recv().await {
        let line = if json { to_json(&message) } else { to_text(&message) };
        drop(writeln!(stdout(), "{line}"));
    }
}

fn to_text(message: &Arrived) -> String {
    let Arrived { at, from, to, helo, peer, data } = message;
    format!("{at} from {peer} ({helo}): <{from}> to {}, {} octets", to.join(", "), data.len())
}

fn to_json(message: &Arrived) -> String {
    let Arrived { at, from, to, helo, peer, data } = message;
    let data = String::from_utf8_lossy(data);
    serde_json::json!({"at": at.to_string(), "from": from, "to": to, "helo": helo, "peer": peer, "data": data})
        .to_string()
}
