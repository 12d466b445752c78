//! Client against server, in memory, over octets cut anywhere.

use std::sync::Arc;

use proptest::prelude::*;

use crate::client::{Client, OutEnvelope, Step};
use crate::data::stuff_into;
use crate::reply::{EnhancedCode, Reply, ReplyReader};
use crate::server::{Event, Session, SessionConfig};

/// What a server kept of one message.
#[derive(Debug, PartialEq, Eq)]
struct Kept {
    sender: String,
    recipients: Vec<String>,
    message: Vec<u8>,
}

/// A server and its driver, which refuses recipients called "no".
struct Server {
    session: Session,
    chunks: Vec<u8>,
    kept: Vec<Kept>,
}

impl Server {
    /// Takes octets of the client; returns those to send back.
    fn take(&mut self, octets: &[u8]) -> Vec<u8> {
        self.session.feed(octets);
        let mut out = Vec::new();
        loop {
            match self.session.next() {
                Event::NeedInput | Event::Close => return out,
                Event::Reply(reply) => out.extend(reply.to_wire()),
                Event::AskHello { .. } | Event::AskMail { .. } => self.session.answer(Ok(())),
                Event::AskRcpt { recipient } => {
                    let no = recipient.to_string().starts_with("<no@");
                    self.session.answer(if no { Err(reply(550, "5.1.1", "No")) } else { Ok(()) });
                }
                Event::DataChunk(chunk) => self.chunks.extend(chunk),
                Event::MessageAborted => self.chunks.clear(),
                Event::MessageEnd { envelope, .. } => {
                    let recipients = envelope.recipients.iter().map(ToString::to_string).collect();
                    let message = std::mem::take(&mut self.chunks);
                    self.kept.push(Kept { sender: envelope.sender.to_string(), recipients, message });
                    self.session.finish_message(reply(250, "2.0.0", "Kept"));
                }
            }
        }
    }
}

fn reply(code: u16, enhanced: &str, text: &str) -> Reply {
    Reply::new(code, EnhancedCode::parse(enhanced), text).unwrap()
}

/// Delivers every message over one connection whose octets come in chunks of the given lengths, in turn; returns what
/// the server kept and the codes each message's recipients got.
fn converse(messages: &[(OutEnvelope, Vec<u8>)], cuts: &[usize]) -> (Vec<Kept>, Vec<Vec<u16>>) {
    let config = SessionConfig { hostname: "mx.example".into(), max_message_size: 10_000, max_recipients: 100 };
    let mut server = Server { session: Session::new(Arc::new(config)), chunks: Vec::new(), kept: Vec::new() };
    let (mut client, mut reader) = (Client::new("out.example".into()), ReplyReader::new());
    let (mut cuts, mut outcomes, mut left) = (cuts.iter().copied().cycle(), Vec::new(), messages.iter());
    let mut body: &[u8] = &[];
    let mut to_client = server.take(b"");
    loop {
        let mut to_server = Vec::new();
        for chunk in cut(&to_client, &mut cuts) {
            reader.feed(chunk);
            while let Some(reply) = reader.next().unwrap() {
                let mut step = client.on_reply(reply);
                while let Step::Ready | Step::Finished(_) = &step {
                    if let Step::Finished(recipients) = &step {
                        outcomes.push(recipients.iter().map(|r| r.reply.code()).collect());
                    }
                    step = match left.next() {
                        Some((envelope, message)) => {
                            body = message;
                            client.deliver(envelope)
                        }
                        None => client.quit(),
                    };
                }
                match step {
                    Step::Send(octets) => to_server.extend(octets),
                    Step::SendMessage => stuff_into(body, &mut to_server).unwrap(),
                    Step::Wait => {}
                    Step::Closed => return (server.kept, outcomes),
                    step => panic!("unexpected step {step:?}"),
                }
            }
        }
        to_client.clear();
        for chunk in cut(&to_server, &mut cuts) {
            to_client.extend(server.take(chunk));
        }
    }
}

fn cut<'a>(mut octets: &'a [u8], lengths: &mut impl Iterator<Item = usize>) -> Vec<&'a [u8]> {
    let mut chunks = Vec::new();
    while !octets.is_empty() {
        let (chunk, rest) = octets.split_at(lengths.next().unwrap_or(1).min(octets.len()));
        chunks.push(chunk);
        octets = rest;
    }
    chunks
}

fn envelope() -> impl Strategy<Value = OutEnvelope> {
    let recipient = prop::sample::select(vec![
        "yes@d.example",
        "no@d.example",
        "\"quo ted\"@d.example",
        "not an address",
        "ü@d.example",
    ]);
    let sender = prop::option::of(Just("a@b.example".to_owned()));
    (sender, prop::collection::vec(recipient, 1..5)).prop_map(|(sender, recipients)| OutEnvelope {
        sender,
        recipients: recipients.into_iter().map(str::to_owned).collect(),
        size: 10,
        eight_bit: true,
        smtputf8: false,
    })
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    let line = "[.]{0,3}[ -~é]{0,12}";
    prop::collection::vec(line, 0..12)
        .prop_map(|lines| lines.iter().flat_map(|l| [l.as_bytes(), b"\r\n"].concat()).collect())
}

fn expected_code(recipient: &str) -> u16 {
    match recipient {
        "no@d.example" => 550,
        "not an address" => 501,
        _ => 250,
    }
}

proptest! {
    #[test]
    fn messages_arrive_byte_for_byte_however_they_are_cut(
        messages in prop::collection::vec((envelope(), message()), 1..4),
        cuts in prop::collection::vec(1usize..40, 1..8),
    ) {
        let (kept, outcomes) = converse(&messages, &cuts);

        let codes: Vec<Vec<u16>> = messages.iter().map(|(e, _)| e.recipients.iter().map(|r| expected_code(r)).collect()).collect();
        let expected: Vec<Kept> = messages.iter().filter_map(|(envelope, message)| {
            let taken = envelope.recipients.iter().filter(|r| expected_code(r) == 250);
            let recipients: Vec<String> = taken.map(|r| format!("<{r}>")).collect();
            let sender = format!("<{}>", envelope.sender.as_deref().unwrap_or_default());
            (!recipients.is_empty()).then(|| Kept { sender, recipients, message: message.clone() })
        }).collect();
        prop_assert_eq!((kept, outcomes), (expected, codes));
    }
}
