//! `tollgate explain`: what would become of a message, and why, or which settings a queue has.
//!
//! Questions come from the command line ([`single`]) or as JSON lines on standard input ([`batch`], whose schema is that of
//! the conformance cases). Every answer is the plugins' own: [`ask`] builds the message as reception does and puts it
//! through the same chain, so nothing of the policy is written down twice. Opens no socket and no spool.

mod answer;
mod ask;
mod attempts;
mod background;
mod batch;
mod conformance;
mod human;
mod layers;
mod reason;
mod request;
mod sender;
mod single;
mod stock;

use std::{env, net::IpAddr, path::PathBuf, process::ExitCode};

use clap::ValueEnum;
use tollgate_message::{Origin, Timestamp};

pub(super) use conformance::conformance;

use super::{page, terminal::Colour};

/// The ways to ask; what clap makes of so many choices says less.
const USAGE: &str = "tollgate explain --config FILE --to ADDRESS [--from ADDRESS] [--header 'NAME: VALUE'] [OPTIONS]
       tollgate explain --config FILE --queue NAME [OPTIONS]
       tollgate explain --queues FILE… (--to ADDRESS | --queue NAME) [OPTIONS]
       tollgate explain --batch";

const EXAMPLES: &str = "Examples:
  tollgate explain --config tollgate.toml --to ann@gmail.com --header 'X-Tenant: mytenant'
  tollgate explain --config tollgate.toml --to ann@gmail.com --client 10.1.2.3
  tollgate explain --config tollgate.toml --queue welcome:mytenant@gmail.com
  tollgate explain --queues queues.toml --to ann@gmail.com --authz-id scott --json";

#[derive(clap::Args, Debug)]
#[command(override_usage = USAGE, after_help = EXAMPLES)]
#[command(group(clap::ArgGroup::new("source").required(true).args(["batch", "config", "queues"])))]
#[command(group(clap::ArgGroup::new("question").args(["batch", "to", "queue"]).required(true)))]
#[command(group(clap::ArgGroup::new("message").multiple(true).conflicts_with_all(["batch", "queue"])))]
pub(crate) struct Args {
    /// Answers requests on standard input, one JSON object a line, until it ends.
    #[arg(long, conflicts_with_all = ["now", "json", "color"])]
    batch: bool,
    /// The configuration file, whose plugins are asked.
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Files for the stock plugin alone, later ones over earlier ones.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    queues: Vec<PathBuf>,
    /// The sender; none is the null sender `<>`.
    #[arg(long, value_name = "ADDRESS", group = "message")]
    from: Option<String>,
    /// The recipients; what is shown is what the first gets.
    #[arg(long, value_name = "ADDRESS", num_args = 1..)]
    to: Vec<String>,
    /// A header field of the message.
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header, group = "message")]
    headers: Vec<(String, String)>,
    /// Metadata as an earlier plugin would have set it.
    #[arg(long, value_name = "KEY=VALUE", value_parser = meta, group = "message")]
    meta: Vec<(String, String)>,
    /// The address of the client. With --config, relay_hosts and trusted_hosts say whether it may relay.
    #[arg(long, value_name = "ADDRESS", group = "message")]
    client: Option<IpAddr>,
    /// The user as which the client authenticated.
    #[arg(long, value_name = "NAME", group = "message")]
    user: Option<String>,
    /// The token with which the client authenticated.
    #[arg(long, value_name = "NAME", group = "message", conflicts_with = "user")]
    token: Option<String>,
    /// The identity that the client authenticated as, be it a user or a token.
    #[arg(long, value_name = "NAME", group = "message", conflicts_with_all = ["user", "token"])]
    authz_id: Option<String>,
    /// The door through which the message comes.
    #[arg(long, value_enum, default_value_t = Door::Smtp, group = "message")]
    origin: Door,
    /// The session may send to our own domains only.
    #[arg(long, group = "message")]
    no_relay: bool,
    /// The time of reception, such as 2030-01-01T09:00:00Z; now, if not given.
    #[arg(long, value_name = "TIME", value_parser = time)]
    now: Option<Timestamp>,
    /// Shows the settings of this queue instead of the fate of a message.
    #[arg(long, value_name = "NAME")]
    queue: Option<String>,
    /// Prints the answer as JSON, in the form that --batch has.
    #[arg(long)]
    json: bool,
    /// Whether to colour what is printed.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t)]
    color: Colour,
}

/// [`Origin`], as an argument.
#[derive(Clone, Copy, ValueEnum, Debug)]
enum Door {
    Smtp,
    Http,
}

impl From<Door> for Origin {
    fn from(door: Door) -> Self {
        match door {
            Door::Smtp => Self::Smtp,
            Door::Http => Self::Http,
        }
    }
}

/// Explains. Returns 0 also for a message that would be refused: the explanation is done.
pub(crate) fn run(args: &Args) -> ExitCode {
    if args.batch { batch::run() } else { single::run(args) }
}

/// Returns where the user's own commands keep compiled code; nothing where no home is known.
pub(crate) fn user_cache() -> Option<PathBuf> {
    let folder = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")))?;
    Some(cache.join("tollgate"))
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) =
        text.split_once(':').ok_or("expected a name, a colon and a value, such as 'X-Tenant: mytenant'")?;
    Ok((name.to_owned(), value.strip_prefix(' ').unwrap_or(value).to_owned()))
}

fn meta(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected a key and a value, such as tenant=mytenant")?;
    Ok((key.to_owned(), value.to_owned()))
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text).ok_or_else(|| format!("'{text}' is not a time such as 2030-01-01T09:00:00Z"))
}
