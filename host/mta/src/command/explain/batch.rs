//! `explain --batch`: one JSON request a line comes in, one JSON response a line goes out, in order.
//!
//! A request that cannot be served is answered in its place with `"ok": false` and never ends the program; the end of the
//! input does. The stock plugin is compiled once, and configured once for each list of files that requests bring.

use std::{
    collections::VecDeque,
    io::{self, BufRead, Write},
    process::ExitCode,
    rc::Rc,
    sync::Arc,
};

use serde_json::{Map, Value};
use tokio::runtime::Runtime;
use tollgate_inbound::Caller;
use tollgate_message::Timestamp;
use tollgate_policy::Chain;
use tollgate_wasm::{Component, ConfigFile};

use super::{
    super::BAD,
    answer, ask,
    request::{Question, Request},
    stock::{Configured, Stock},
};
use crate::config::Identities;

/// How many lists of files stay configured. Requests about one list tend to come one after the other.
const RECENT: usize = 8;

/// Serves requests until the input ends.
pub(super) fn run() -> ExitCode {
    let mut batch = match Batch::start() {
        Ok(batch) => batch,
        Err(reason) => {
            drop(writeln!(io::stderr(), "tollgate: {reason}"));
            return ExitCode::from(BAD);
        }
    };
    match batch.serve(io::stdin().lock(), io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever asked wants no more answers.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            drop(writeln!(io::stderr(), "tollgate: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Where requests are answered.
pub(super) struct Batch {
    stock: Stock,
    runtime: Runtime,
    recent: VecDeque<(Vec<String>, Rc<Configured>)>,
}

impl Batch {
    fn start() -> Result<Self, String> {
        Self::on(Stock::load()?)
    }

    /// Returns one in which another component stands in the stock plugin's place.
    pub(super) fn of(component: Arc<Component>) -> Result<Self, String> {
        Self::on(Stock::of(component)?)
    }

    fn on(stock: Stock) -> Result<Self, String> {
        Ok(Self { stock, runtime: super::single::runtime()?, recent: VecDeque::new() })
    }

    fn serve(&mut self, mut input: impl BufRead, mut output: impl Write) -> io::Result<()> {
        let mut line = Vec::new();
        while input.read_until(b'\n', &mut line)? > 0 {
            if !line.trim_ascii().is_empty() {
                writeln!(output, "{}", Value::Object(self.respond(&line)))?;
                output.flush()?;
            }
            line.clear();
        }
        Ok(())
    }

    /// Returns the response to a line, whatever is in it.
    pub(super) fn respond(&mut self, line: &[u8]) -> Map<String, Value> {
        let refused = |message: String| answer::finish(Map::new(), &[answer::error(message)]);
        let (id, mut response) = match serde_json::from_slice(line) {
            Ok(Value::Object(request)) => {
                let response = self.answer(&request).unwrap_or_else(refused);
                (request.get("id").cloned().unwrap_or_default(), response)
            }
            Ok(other) => (Value::Null, refused(format!("expected an object, got {other}"))),
            Err(error) => (Value::Null, refused(format!("not JSON: {error}"))),
        };
        response.insert("id".to_owned(), id);
        response
    }

    /// Answers a request, or says why it is none.
    fn answer(&mut self, request: &Map<String, Value>) -> Result<Map<String, Value>, String> {
        let now = Timestamp::from(jiff::Timestamp::now());
        let Request { queues, question } = Request::read(request, now)?;
        if let Question::Name(name) = question {
            return Ok(answer::finish(answer::name(&name), &[]));
        }
        let configured = self.configured(queues);
        let Some(chain) = &configured.chain else {
            return Ok(answer::finish(Map::new(), &configured.findings));
        };
        let answer = self.runtime.block_on(asked(chain, question))?;
        Ok(answer::finish(answer, &configured.findings))
    }

    /// Returns the plugin configured with these files, from before where it was.
    fn configured(&mut self, queues: Vec<String>) -> Rc<Configured> {
        if let Some(at) = self.recent.iter().position(|(known, _)| *known == queues) {
            let found = self.recent.remove(at).expect("the position is of an entry");
            self.recent.push_front(found);
        } else {
            let file = |(n, text): (usize, &String)| ConfigFile {
                name: format!("queues[{n}]"),
                content: text.clone().into_bytes(),
            };
            let configured = self.stock.configure(queues.iter().enumerate().map(file).collect());
            self.recent.truncate(RECENT - 1);
            self.recent.push_front((queues, Rc::new(configured)));
        }
        Rc::clone(&self.recent[0].1)
    }
}

async fn asked(chain: &Chain, question: Question) -> Result<Map<String, Value>, String> {
    let failed = |failures: Vec<tollgate_policy::Failure>| {
        failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    match question {
        Question::Message(parts) => {
            let (nobody, anybody, none) = (Identities::default(), Caller::default(), ask::Tenants::new());
            let judged = ask::message(chain, &nobody, &none, &anybody, parts.into_draft()?).await.map_err(failed)?;
            Ok(answer::message(&judged))
        }
        Question::Queue(name) => {
            Ok(answer::queue(&ask::queue(chain, &ask::Tenants::new(), name).await.map_err(failed)?))
        }
        Question::Name(name) => Ok(answer::name(&name)),
    }
}
