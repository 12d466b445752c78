//! `tollgate send`.

use std::{
    io::{Read as _, Write as _, stderr, stdin, stdout},
    net::SocketAddr,
    process::ExitCode,
    time::Duration,
};

use tollgate_peer::send::{self, SendConfig, SendError, SendReport};
use tollgate_smtp::Reply;

use super::BAD;

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The server, as address:port.
    #[arg(long, default_value = "127.0.0.1:2525")]
    server: SocketAddr,
    /// Sender, without brackets; empty for the null sender.
    #[arg(long, default_value = "sender@source.example")]
    from: String,
    /// Recipient; `{n}` becomes the number of the message. Several for a single message.
    #[arg(long, required = true)]
    to: Vec<String>,
    /// A header field, `Name: value`; may be repeated.
    #[arg(long, value_parser = field)]
    header: Vec<(String, String)>,
    /// The body of a single message; `-` reads a whole message, header and body, from standard input.
    #[arg(long, default_value = "Hello.")]
    body: String,
    /// How many messages; more than one makes a load.
    #[arg(long, short = 'n', default_value_t = 1)]
    messages: u64,
    /// Connections of a load.
    #[arg(long, short = 'c', default_value_t = 1)]
    connections: usize,
    /// Octets of each body of a load.
    #[arg(long, default_value_t = 1024)]
    size: usize,
    /// Prints the outcome as JSON.
    #[arg(long)]
    json: bool,
}

/// Returns 0 if everything was accepted, 1 if something was not, 2 if nothing could be sent.
pub(crate) fn run(args: &Args) -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().expect("a machine that has threads");
    let sent = runtime.block_on(async { if args.messages > 1 { load(args).await } else { single(args).await } });
    match sent {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            drop(writeln!(stderr(), "tollgate: {}: {error}", args.server));
            ExitCode::from(BAD)
        }
    }
}

async fn single(args: &Args) -> Result<bool, SendError> {
    let message =
        if args.body == "-" { read_message() } else { compose(&args.from, &args.to, &args.header, &args.body) };
    let replies = send::one(args.server, "source.example", &args.from, &args.to, message.as_bytes()).await?;
    let mut out = stdout().lock();
    for (recipient, reply) in &replies {
        let line = if args.json { json(recipient, reply) } else { format!("{recipient}: {reply}") };
        drop(writeln!(out, "{line}"));
    }
    Ok(replies.iter().all(|(_, reply)| reply.is_positive()))
}

async fn load(args: &Args) -> Result<bool, SendError> {
    let config = SendConfig {
        to: args.server,
        connections: args.connections,
        messages: args.messages,
        size: args.size,
        from: args.from.clone(),
        recipient: args.to[0].clone(),
        headers: args.header.clone(),
        patience: Duration::from_secs(60),
        ..SendConfig::default()
    };
    let report = send::run(config).await?;
    let line = if args.json { serde_json::to_string(&report).expect("a report is JSON") } else { summary(&report) };
    drop(writeln!(stdout(), "{line}"));
    Ok(report.sent == args.messages)
}

fn summary(report: &SendReport) -> String {
    let SendReport { sent, refused, failed, elapsed, p50, p99, .. } = report;
    let rate = report.rate();
    let error = report.last_error.as_ref().map(|error| format!("; last error: {error}")).unwrap_or_default();
    format!(
        "{sent} accepted, {refused} refused, {failed} failed in {elapsed:.2?}: {rate:.0}/s, dot to reply p50 {p50:.1?} p99 {p99:.1?}{error}"
    )
}

/// Writes a small message.
pub(crate) fn compose(from: &str, to: &[String], fields: &[(String, String)], body: &str) -> String {
    let mut message = String::new();
    let given = |name: &str| fields.iter().any(|(field, _)| field.eq_ignore_ascii_case(name));
    let defaults =
        [("From", from.to_owned()), ("To", to.join(", ")), ("Subject", "a message from tollgate send".to_owned())];
    for (name, value) in defaults.iter().filter(|(name, _)| !given(name)) {
        message.push_str(&format!("{name}: {value}\r\n"));
    }
    for (name, value) in fields {
        message.push_str(&format!("{name}: {value}\r\n"));
    }
    message.push_str("\r\n");
    body.lines().for_each(|line| message.push_str(&format!("{line}\r\n")));
    message
}

/// Reads a message, and makes its line ends CRLF.
fn read_message() -> String {
    let mut text = String::new();
    drop(stdin().read_to_string(&mut text));
    text.lines().map(|line| format!("{line}\r\n")).collect()
}

fn json(recipient: &str, reply: &Reply) -> String {
    let enhanced = reply.enhanced().map(|code| code.to_string());
    serde_json::json!({"recipient": recipient, "code": reply.code(), "enhanced": enhanced, "text": reply.text()})
        .to_string()
}

/// Parses `Name: value`.
pub(crate) fn field(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.trim().to_owned())),
        _ => Err("a header field is written as `Name: value`".to_owned()),
    }
}
